// A file's bytes in memory without reading it first.
#ifndef KVLAB_KIT_FILES_MAPPED_FILE_H_
#define KVLAB_KIT_FILES_MAPPED_FILE_H_

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

namespace kvlab {

// A regular file mapped read-only and unmapped when the last owner is gone.
// The operating system reads a page when it is first touched. The file must
// not shrink while it is mapped.
class MappedFile {
 public:
  // Throws DataError, naming the file, if it cannot be opened or mapped or is
  // not a regular file (a folder, a pipe).
  static std::shared_ptr<const MappedFile> Open(
      const std::filesystem::path& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  // Page-aligned. Empty for an empty file.
  std::span<const std::byte> Bytes() const { return bytes_; }
  // The same as characters.
  std::string_view Text() const;

  // Releases the memory of the pages entirely within `bytes`, a part of
  // Bytes(): the content stays, and is read from the file again when
  // needed.
  void Release(std::span<const std::byte> bytes) const;

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_FILES_MAPPED_FILE_H_
