#include "autograder/class/grader_lock.h"

#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

#include "autograder/class/gradebook.h"
#include "autograder/machine/sandbox/file_descriptor.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLock = "lock";

// Whether this process has the lock now.
bool TakeLock(const FileDescriptor& file) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return ::fcntl(file.Number(), F_SETLK, &lock) == 0;
}

FileDescriptor OpenLock(const fs::path& folder, int flags) {
  constexpr int kMode = 0600;
  return FileDescriptor(::open((folder / kLock).c_str(),
                               O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, kMode));
}

// A lock that cannot be opened belongs to no process.
bool HasEnded(const fs::path& folder) {
  const FileDescriptor file = OpenLock(folder, 0);
  return !file.IsOpen() || TakeLock(file);
}

std::string FreshName() {
  std::random_device device;
  return fmt::format("{}-{:08x}{:08x}", ::getpid(), device(), device());
}

}  // namespace

GraderLock::GraderLock(Gradebook& book, fs::path workspace)
    : book_(book),
      workspace_(std::move(workspace)),
      name_(FreshName()),
      folder_(workspace_ / name_) {
  // In a transaction: no other grader sees the folder without its lock.
  book_.Atomically([this] {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (!error) lock_ = OpenLock(folder_, O_CREAT | O_EXCL);
    if (!lock_.IsOpen() || !TakeLock(lock_)) {
      throw std::runtime_error("cannot write " + folder_.string());
    }
    ClearEnded();
  });
}

GraderLock::~GraderLock() {
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void GraderLock::ClearEnded() const {
  std::error_code ignored;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(workspace_, ignored)) {
    // To close another file of its own lock would release that.
    if (entry.path().filename() == name_ || !entry.is_directory() ||
        !HasEnded(entry.path())) {
      continue;
    }
    fs::remove_all(entry.path(), ignored);
  }
  for (const std::string& grader : book_.Graders()) {
    if (!fs::exists(workspace_ / grader)) book_.DropClaimsOf(grader);
  }
}

}  // namespace kvlab::grading
