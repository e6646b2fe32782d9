#include "autograder/machine/sandbox/staging_folder.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/sandbox/sandbox_error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOwnerAndGroup = 0750;
constexpr mode_t kOwnerOnly = 0700;
constexpr mode_t kOwnerReadsAndWrites = 0600;
// Only the topmost folder keeps others out.
constexpr auto kReadable = static_cast<fs::perms>(0755);

[[noreturn]] void Refused(const fs::path& path, const std::string& why) {
  throw SandboxError("cannot prepare " + path.string(), why,
                     "make /tmp writable, and free some space in it");
}

// Runs `action` and turns the standard library's errors into ours.
template <typename Action>
void OrRefused(const fs::path& path, Action&& action) {
  try {
    action();
  } catch (const fs::filesystem_error& error) {
    Refused(path, error.code().message());
  }
}

// A folder for others to read, and all those above it up to `top`.
void MakeFolders(const fs::path& top, const fs::path& relative) {
  fs::path folder = top;
  for (const fs::path& part : relative) {
    folder /= part;
    if (fs::create_directory(folder)) fs::permissions(folder, kReadable);
  }
}

void CopyFile(const fs::path& from, const fs::path& to) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
  fs::permissions(to, kReadable);
}

void NameOrCopyFile(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::create_hard_link(from, to, error);
  if (error) CopyFile(from, to);
}

// Makes each folder below `from` again below top / relative, and calls
// put(file, where it belongs) for each file.
template <typename Put>
void ForEachFileBelow(const fs::path& from, const fs::path& top,
                      const fs::path& relative, const Put& put) {
  MakeFolders(top, relative);
  for (const auto& entry : fs::recursive_directory_iterator(
           from, fs::directory_options::follow_directory_symlink)) {
    const fs::path below = relative / entry.path().lexically_relative(from);
    if (entry.is_directory()) {
      MakeFolders(top, below);
    } else {
      put(entry.path(), top / below);
    }
  }
}

constexpr const char* kTmp = "/tmp";
constexpr const char* kPrefix = "kvlab-grade-";
// A folder just made may not be locked yet.
constexpr std::chrono::seconds kLongEnoughToLock(60);

// Open and locked exclusively; closed if another process holds the lock.
FileDescriptor Locked(const fs::path& folder) {
  FileDescriptor lock(
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (lock.IsOpen() && ::flock(lock.Number(), LOCK_EX | LOCK_NB) != 0) {
    lock.Close();
  }
  return lock;
}

// Whether the folder is ours and was last touched so long ago.
bool IsOlder(const fs::path& folder, std::chrono::seconds than) {
  struct stat status {};
  return ::lstat(folder.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
         status.st_uid == ::geteuid() &&
         status.st_ctime + than.count() <= std::time(nullptr);
}

// However deep: rm needs no descriptor for each folder above it, the standard
// library does.
void RemoveTree(const fs::path& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (!error) return;
  std::string rm = "/usr/bin/rm";
  std::string options = "-rf";
  std::string what = path.string();
  const std::array<char*, 4> words = {rm.data(), options.data(), what.data(),
                                      nullptr};
  pid_t process = 0;
  if (::posix_spawn(&process, rm.c_str(), nullptr, nullptr, words.data(),
                    environ) == 0) {
    ::waitpid(process, nullptr, 0);
  }
}

}  // namespace

void RemoveAbandonedFolders(std::chrono::seconds older_than) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(kTmp, ignored)) {
    if (!entry.path().filename().string().starts_with(kPrefix)) continue;
    if (!IsOlder(entry.path(), older_than)) continue;
    const FileDescriptor lock = Locked(entry.path());
    if (lock.IsOpen()) RemoveTree(entry.path());
  }
}

StagingFolder::StagingFolder(const std::optional<SandboxUser>& user)
    : user_(user) {
  static std::once_flag swept;
  std::call_once(swept, [] { RemoveAbandonedFolders(kLongEnoughToLock); });
  std::string name = std::string(kTmp) + "/" + kPrefix + "XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) Refused(name, ErrnoText(errno));
  path_ = name;
  // Held until we end, however we end.
  lock_ = Locked(path_);
  if (user && (::chown(name.c_str(), 0, user->gid) != 0 ||
               ::chmod(name.c_str(), kOwnerAndGroup) != 0)) {
    const int error_number = errno;
    fs::remove(path_);
    Refused(name, ErrnoText(error_number));
  }
}

StagingFolder::~StagingFolder() { RemoveTree(path_); }

fs::path StagingFolder::WriteFile(const fs::path& relative,
                                  std::string_view content) const {
  fs::path path = path_ / relative;
  OrRefused(path, [&] {
    MakeFolders(path_, relative.parent_path());
    fs::remove(path);  // it may be another file's name too
    std::ofstream file(path, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) Refused(path, "writing failed");
    fs::permissions(path, kReadable);
  });
  return path;
}

fs::path StagingFolder::Copy(const fs::path& from,
                             const fs::path& relative) const {
  fs::path to = path_ / relative;
  OrRefused(to, [&] {
    if (!fs::is_directory(from)) {
      MakeFolders(path_, relative.parent_path());
      CopyFile(from, to);
      return;
    }
    ForEachFileBelow(from, path_, relative, CopyFile);
  });
  return to;
}

fs::path StagingFolder::NameAgain(const fs::path& from,
                                  const fs::path& relative) const {
  fs::path to = path_ / relative;
  OrRefused(to,
            [&] { ForEachFileBelow(from, path_, relative, NameOrCopyFile); });
  return to;
}

fs::path StagingFolder::Link(const fs::path& target,
                             const fs::path& relative) const {
  fs::path path = path_ / relative;
  OrRefused(path, [&] {
    MakeFolders(path_, relative.parent_path());
    fs::create_symlink(target, path);
  });
  return path;
}

fs::path StagingFolder::MakeFolder(const fs::path& relative) const {
  fs::path path = path_ / relative;
  OrRefused(path, [&] { MakeFolders(path_, relative); });
  return path;
}

fs::path StagingFolder::MakeWritable(const fs::path& relative) const {
  return GiveAway(MakeFolder(relative), kOwnerOnly);
}

fs::path StagingFolder::MakeWritableFile(const fs::path& relative) const {
  return GiveAway(WriteFile(relative, ""), kOwnerReadsAndWrites);
}

fs::path StagingFolder::GiveAway(const fs::path& path, mode_t mode) const {
  if (::chmod(path.c_str(), mode) != 0 ||
      (user_ && ::chown(path.c_str(), user_->uid, user_->gid) != 0)) {
    Refused(path, ErrnoText(errno));
  }
  return path;
}

}  // namespace kvlab::grading
