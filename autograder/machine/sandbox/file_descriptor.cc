#include "autograder/machine/sandbox/file_descriptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "autograder/machine/sandbox/sandbox_error.h"

namespace kvlab::grading {
namespace {

// The same file under a number that no child's fixed number collides with.
FileDescriptor Raised(int number) {
  const FileDescriptor low(number);
  const int high = ::fcntl(number, F_DUPFD_CLOEXEC, Pipe::kFirstPrivate);
  if (number < 0 || high < 0) {
    throw SandboxError("cannot open a pipe", ErrnoText(errno),
                       "raise the limit of open files (ulimit -n)");
  }
  return FileDescriptor(high);
}

// kDone once `events` (or an error or hang-up) can be served.
Transfer WaitFor(int number, std::int16_t events, const Deadline& deadline) {
  while (true) {
    pollfd item{number, events, 0};
    const int ready = ::poll(&item, 1, deadline.PollMilliseconds());
    if (ready > 0) return Transfer::kDone;
    if (ready == 0 && deadline.Passed()) return Transfer::kTimedOut;
  }
}

bool ShouldRetry() { return errno == EINTR || errno == EAGAIN; }

}  // namespace

void FileDescriptor::Close() {
  if (IsOpen()) ::close(number_);
  number_ = -1;
}

Pipe MakePipe() {
  std::array<int, 2> ends = {-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) ends = {-1, -1};
  Pipe pipe;
  pipe.read_end = Raised(ends[0]);
  pipe.write_end = Raised(ends[1]);
  return pipe;
}

FileDescriptor OpenNamelessFile() {
  const int in_memory = ::memfd_create("kvlab", MFD_CLOEXEC);
  if (in_memory >= 0) return Raised(in_memory);
  // Where a filter refuses that, as ours does.
  std::string name = "/tmp/kvlab-XXXXXX";
  const int in_tmp = ::mkostemp(name.data(), O_CLOEXEC);
  if (in_tmp >= 0) ::unlink(name.c_str());
  return Raised(in_tmp);
}

FileDescriptor OpenDevNull() {
  return Raised(::open("/dev/null", O_RDWR | O_CLOEXEC));
}

FileDescriptor OpenToRead(const std::filesystem::path& path) {
  const int number = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (number < 0) {
    throw SandboxError("cannot read " + path.string(), ErrnoText(errno),
                       "build the grader again");
  }
  return Raised(number);
}

void SetNonBlocking(const FileDescriptor& descriptor) {
  ::fcntl(descriptor.Number(), F_SETFL, O_NONBLOCK);
}

Transfer ReadExactly(const FileDescriptor& from, std::span<std::uint8_t> bytes,
                     const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t count = ::read(from.Number(), bytes.data(), bytes.size());
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      if (deadline.Passed() && !bytes.empty()) return Transfer::kTimedOut;
      continue;
    }
    if (count == 0 || !ShouldRetry()) return Transfer::kClosed;
    const Transfer wait = WaitFor(from.Number(), POLLIN, deadline);
    if (wait != Transfer::kDone) return wait;
  }
  return Transfer::kDone;
}

Transfer WriteAll(const FileDescriptor& to, std::span<const std::uint8_t> bytes,
                  const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(to.Number(), bytes.data(), bytes.size());
    if (count > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      if (deadline.Passed() && !bytes.empty()) return Transfer::kTimedOut;
      continue;
    }
    if (!ShouldRetry()) return Transfer::kClosed;
    const Transfer wait = WaitFor(to.Number(), POLLOUT, deadline);
    if (wait != Transfer::kDone) return wait;
  }
  return Transfer::kDone;
}

bool WaitUntilReadable(const FileDescriptor& descriptor,
                       const Deadline& deadline) {
  return WaitFor(descriptor.Number(), POLLIN, deadline) == Transfer::kDone;
}

bool HasBytes(const FileDescriptor& descriptor) {
  pollfd item{descriptor.Number(), POLLIN, 0};
  return ::poll(&item, 1, 0) > 0 && (item.revents & POLLIN) != 0;
}

void IgnoreBrokenPipes() { std::signal(SIGPIPE, SIG_IGN); }

std::optional<std::string> ReadRegularFile(const std::filesystem::path& path,
                                           std::size_t cap) {
  const FileDescriptor file(
      ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat status {};
  if (!file.IsOpen() || ::fstat(file.Number(), &status) != 0 ||
      !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  // In pieces: the cap may be far above the file, whose stated size may change.
  constexpr std::size_t kPiece = std::size_t{1} << 16U;
  std::string text;
  std::size_t size = 0;
  while (size < cap) {
    text.resize(std::min(cap, size + kPiece));
    const ssize_t count =
        ::read(file.Number(), text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::nullopt;
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

}  // namespace kvlab::grading
