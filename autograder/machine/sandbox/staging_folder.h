// A new folder below /tmp that only the sandbox's user can read. It is removed
// with its object or, if the grader was killed, when the next one starts. The
// repository itself may be in a folder that this user cannot enter.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_STAGING_FOLDER_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_STAGING_FOLDER_H_

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string_view>

#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/sandbox/sandbox_user.h"

namespace kvlab::grading {

class StagingFolder {
 public:
  // All members throw SandboxError, naming the file, if the system refuses.
  explicit StagingFolder(const std::optional<SandboxUser>& user);
  StagingFolder(const StagingFolder&) = delete;
  StagingFolder& operator=(const StagingFolder&) = delete;
  ~StagingFolder();

  const std::filesystem::path& Path() const { return path_; }

  // Each takes a path relative to the folder, makes the folders above it, and
  // returns the whole path.
  std::filesystem::path WriteFile(const std::filesystem::path& relative,
                                  std::string_view content) const;
  // A file, or a folder with everything below it; follows symbolic links.
  std::filesystem::path Copy(const std::filesystem::path& from,
                             const std::filesystem::path& relative) const;
  // The same of a folder in another staging folder, without symbolic links: its
  // files have another name each (hard links), which takes a fifth of the time.
  // WriteFile replaces such a file, and leaves the other alone.
  std::filesystem::path NameAgain(const std::filesystem::path& from,
                                  const std::filesystem::path& relative) const;
  // A symbolic link to `target`, which is not resolved.
  std::filesystem::path Link(const std::filesystem::path& target,
                             const std::filesystem::path& relative) const;
  // An empty folder that the sandbox's user may read.
  std::filesystem::path MakeFolder(const std::filesystem::path& relative) const;
  // An empty folder that the sandbox's user may write.
  std::filesystem::path MakeWritable(
      const std::filesystem::path& relative) const;
  // An empty file likewise.
  std::filesystem::path MakeWritableFile(
      const std::filesystem::path& relative) const;

 private:
  // Makes the sandbox's user the owner.
  std::filesystem::path GiveAway(const std::filesystem::path& path,
                                 mode_t mode) const;

  std::filesystem::path path_;
  FileDescriptor lock_;  // shows other graders that the folder is in use
  std::optional<SandboxUser> user_;
};

// Removes the grader's folders that are older than that and that no process has
// locked: those of killed graders. The first StagingFolder of a process calls
// it.
void RemoveAbandonedFolders(std::chrono::seconds older_than);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_STAGING_FOLDER_H_
