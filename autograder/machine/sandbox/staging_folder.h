// A fresh folder below /tmp, readable by whoever runs the sandbox and by
// nobody else; gone when its object is, and if its grader was killed, when the
// next one starts. The repository itself may lie where that user cannot go.
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
  // A file, or a folder with all below it, symbolic links followed.
  std::filesystem::path Copy(const std::filesystem::path& from,
                             const std::filesystem::path& relative) const;
  // A symbolic link to `target`, which is given as it is.
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
  // To the sandbox's user.
  std::filesystem::path GiveAway(const std::filesystem::path& path,
                                 mode_t mode) const;

  std::filesystem::path path_;
  FileDescriptor lock_;  // tells other graders that the folder is in use
  std::optional<SandboxUser> user_;
};

// Removes folders of ours that were last touched so long ago and that no living
// process holds: those of graders that were killed. The first StagingFolder of
// a process does this.
void RemoveAbandonedFolders(std::chrono::seconds older_than);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_STAGING_FOLDER_H_
