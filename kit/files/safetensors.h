// Reads files in the safetensors format.
// Source: https://github.com/huggingface/safetensors, section "Format".
//
//   8 bytes        N, little-endian
//   N bytes        JSON: {"name": {"dtype": "F16", "shape": [2, 3],
//                                  "data_offsets": [begin, end]}, ...}
//   rest           the tensors' bytes; offsets count from here
#ifndef KVLAB_KIT_FILES_SAFETENSORS_H_
#define KVLAB_KIT_FILES_SAFETENSORS_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kit/files/mapped_file.h"

namespace kvlab {

struct SafeTensor {
  std::string dtype;  // as the file names it: "F32", "F16", "BF16", "U8", ...
  std::vector<std::uint64_t> shape;
  // Exactly the product of `shape` elements of `dtype`, inside the mapped
  // file; not necessarily aligned.
  std::span<const std::byte> bytes;
};

class SafeTensorsFile {
 public:
  // Maps the file and checks every number in its header before using it.
  // Throws DataError, naming the file and the tensor, if the header is longer
  // than the file (or than 16 MiB), is not the JSON above, names a tensor
  // twice, has an unknown dtype or a shape that disagrees with the offsets, or
  // if the tensors exceed the file, overlap, or leave bytes between or after
  // them: the format allows no holes, so a hole is a sign of damage.
  static SafeTensorsFile Open(const std::filesystem::path& path);

  // Null if there is no such tensor. Valid while this object exists; the bytes
  // while Mapping() does.
  const SafeTensor* Find(std::string_view name) const;

  // The entry of "__metadata__" for this name; null if none. If several names
  // shared one tensor when the file was written, it was stored under one of
  // them, and the metadata maps each other name to that one.
  // Source: save_model in safetensors' Python package.
  const std::string* Metadata(std::string_view name) const;

  // The names of all tensors, in alphabetical order.
  std::vector<std::string> Names() const;

  const std::filesystem::path& Path() const { return path_; }
  const std::shared_ptr<const MappedFile>& Mapping() const { return mapping_; }

 private:
  SafeTensorsFile() = default;

  std::filesystem::path path_;
  std::shared_ptr<const MappedFile> mapping_;
  std::map<std::string, SafeTensor, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> metadata_;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_FILES_SAFETENSORS_H_
