// File descriptors that close themselves and that no child inherits, and
// reading and writing them under a deadline.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_FILE_DESCRIPTOR_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_FILE_DESCRIPTOR_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "autograder/machine/sandbox/deadline.h"

namespace kvlab::grading {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int number) : number_(number) {}
  FileDescriptor(FileDescriptor&& other) noexcept
      : number_(std::exchange(other.number_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~FileDescriptor() { Close(); }

  int Number() const { return number_; }
  bool IsOpen() const { return number_ >= 0; }
  void Close();

 private:
  int number_ = -1;
};

// Both ends are close-on-exec and numbered kFirstPrivate or higher, so that
// they cannot collide with the fixed numbers which a child is given.
struct Pipe {
  static constexpr int kFirstPrivate = 20;
  FileDescriptor read_end;
  FileDescriptor write_end;
};
// Throws SandboxError if the system has none left.
Pipe MakePipe();

// Close-on-exec, numbered as a pipe's ends.
FileDescriptor OpenDevNull();

// Likewise, for reading. Throws SandboxError, naming the file, if it cannot be
// opened.
FileDescriptor OpenToRead(const std::filesystem::path& path);

// An empty file in memory, close-on-exec, numbered as a pipe's ends. Throws
// SandboxError if the system has none left.
FileDescriptor OpenNamelessFile();

// Does not block when it is read or written.
void SetNonBlocking(const FileDescriptor& descriptor);

enum class Transfer {
  kDone,
  kTimedOut,
  kClosed,  // the other end is closed
};

// Reads exactly bytes.size() bytes. The descriptor is non-blocking.
Transfer ReadExactly(const FileDescriptor& from, std::span<std::uint8_t> bytes,
                     const Deadline& deadline);

// Writes all bytes. The descriptor is non-blocking; SIGPIPE is ignored, see
// IgnoreBrokenPipes.
Transfer WriteAll(const FileDescriptor& to, std::span<const std::uint8_t> bytes,
                  const Deadline& deadline);

// Waits until there is something to read, or the end of it.
bool WaitUntilReadable(const FileDescriptor& descriptor,
                       const Deadline& deadline);

// Whether something can be read right now.
bool HasBytes(const FileDescriptor& descriptor);

// Makes writing to a pipe whose reader is gone an error, instead of ending the
// grader.
void IgnoreBrokenPipes();

// The first `cap` bytes of a regular file, or nullopt for other files. For
// files that a hostile process may have written: follows no symbolic link and
// never blocks.
std::optional<std::string> ReadRegularFile(const std::filesystem::path& path,
                                           std::size_t cap);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_FILE_DESCRIPTOR_H_
