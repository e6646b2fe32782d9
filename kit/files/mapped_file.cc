#include "kit/files/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "kit/error.h"

namespace kvlab {
namespace {

[[noreturn]] void ThrowErrno(const std::filesystem::path& path,
                             const std::string& what) {
  throw DataError(path.string() + ": " + what,
                  std::generic_category().message(errno),
                  "check that the file exists and that you may read it");
}

// A file descriptor that closes itself. A mapping outlives it.
class Descriptor {
 public:
  // O_NONBLOCK: opening a pipe without a writer must not wait.
  explicit Descriptor(const std::filesystem::path& path)
      : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
    if (fd_ < 0) ThrowErrno(path, "cannot be opened");
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { close(fd_); }

  int Get() const { return fd_; }

 private:
  int fd_;
};

std::size_t RegularFileSize(const Descriptor& file,
                            const std::filesystem::path& path) {
  struct stat status {};
  if (fstat(file.Get(), &status) != 0) ThrowErrno(path, "cannot be examined");
  if (!S_ISREG(status.st_mode)) {
    throw DataError(path.string() + ": is not a regular file",
                    "only a regular file can be mapped into memory",
                    "give the path of the file itself");
  }
  return static_cast<std::size_t>(status.st_size);
}

}  // namespace

std::shared_ptr<const MappedFile> MappedFile::Open(
    const std::filesystem::path& path) {
  const Descriptor file(path);
  const std::size_t size = RegularFileSize(file, path);
  std::span<const std::byte> bytes;
  if (size > 0) {  // an empty mapping does not exist
    void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.Get(), 0);
    if (data == MAP_FAILED) ThrowErrno(path, "cannot be mapped");
    bytes = {static_cast<const std::byte*>(data), size};
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(bytes));
}

MappedFile::~MappedFile() {
  // munmap takes a pointer to non-const, though it writes nothing.
  if (!bytes_.empty()) {
    munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
  }
}

void MappedFile::Release(std::span<const std::byte> bytes) const {
  if (bytes.empty()) return;
  constexpr std::size_t kPageBytes = 4096;
  const auto offset = static_cast<std::size_t>(bytes.data() - bytes_.data());
  const std::size_t begin = (offset + kPageBytes - 1) / kPageBytes * kPageBytes;
  const std::size_t end = (offset + bytes.size()) / kPageBytes * kPageBytes;
  if (begin >= end) return;
  // Only advice: if ignored, it merely costs memory.
  madvise(const_cast<std::byte*>(bytes_.data()) + begin, end - begin,
          MADV_DONTNEED);
}

std::string_view MappedFile::Text() const {
  return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
}

}  // namespace kvlab
