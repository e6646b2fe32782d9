#include "kit/files/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/files/json_object.h"
#include "kit/files/mapped_file.h"
#include "kit/files/published_file.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little,
              "the format is little-endian and is mapped, not converted");

constexpr std::uint64_t kLengthBytes = 8;
// GPT-2 XL's header has 0.1 MB; the format itself allows 100 MB.
constexpr std::uint64_t kMaxHeaderBytes = 16U << 20U;
constexpr std::size_t kMaxAxes = 8;

constexpr std::array<std::pair<std::string_view, std::uint64_t>, 15>
    kElementBytes = {{{"BOOL", 1},
                      {"U8", 1},
                      {"I8", 1},
                      {"F8_E5M2", 1},
                      {"F8_E4M3", 1},
                      {"I16", 2},
                      {"U16", 2},
                      {"F16", 2},
                      {"BF16", 2},
                      {"I32", 4},
                      {"U32", 4},
                      {"F32", 4},
                      {"F64", 8},
                      {"I64", 8},
                      {"U64", 8}}};

constexpr std::string_view kDamaged =
    "the file is damaged or incomplete: download or write it again";

// The two parts of the file after the length.
struct Parts {
  std::string_view header;
  std::span<const std::byte> data;
};

Parts SplitFile(const MappedFile& file, const std::string& path) {
  const std::span<const std::byte> bytes = file.Bytes();
  if (bytes.size() < kLengthBytes) {
    throw DataError(path + ": is too short for a safetensors file",
                    std::to_string(bytes.size()) +
                        " bytes, but the length of the header alone takes 8",
                    kDamaged);
  }
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), kLengthBytes);
  const std::uint64_t rest = bytes.size() - kLengthBytes;
  if (length > rest) {
    throw DataError(path + ": the header is longer than the file",
                    "a header of " + std::to_string(length) +
                        " bytes is declared, but only " + std::to_string(rest) +
                        " bytes follow",
                    kDamaged);
  }
  if (length > kMaxHeaderBytes) {
    throw DataError(path + ": the header is too long",
                    std::to_string(length) + " bytes; up to " +
                        std::to_string(kMaxHeaderBytes) + " are read",
                    kDamaged);
  }
  return {.header = file.Text().substr(kLengthBytes, length),
          .data = bytes.subspan(kLengthBytes + length)};
}

// One entry of the header while it is being checked.
class EntryReader {
 public:
  EntryReader(const std::string& path, const std::string& name,
              const json& entry)
      : what_(path + ": tensor " + Quoted(name)), entry_(entry) {}

  SafeTensor Read(std::span<const std::byte> data) const {
    if (!entry_.is_object()) {
      Fail("has no description", "its entry is not an object");
    }
    SafeTensor tensor;
    tensor.dtype = DType();
    tensor.shape = Numbers("shape");
    const auto [begin, end] = Offsets(data.size());
    tensor.bytes = data.subspan(begin, end - begin);
    CheckLength(tensor);
    return tensor;
  }

 private:
  [[noreturn]] void Fail(const std::string& what,
                         const std::string& why) const {
    throw DataError(what_ + " " + what, why, kDamaged);
  }

  const json& Field(const char* key) const {
    const auto field = entry_.find(key);
    if (field == entry_.end()) {
      Fail(std::string("has no ") + key, "each tensor needs one");
    }
    return *field;
  }

  std::string DType() const {
    const json& field = Field("dtype");
    if (!field.is_string()) Fail("has no dtype", "its dtype is not a string");
    return field.get<std::string>();
  }

  std::vector<std::uint64_t> Numbers(const char* key) const {
    const json& field = Field(key);
    if (!field.is_array()) {
      Fail(std::string("has no ") + key, "it is not an array");
    }
    if (field.size() > kMaxAxes) {
      Fail(std::string("has a bad ") + key,
           std::to_string(field.size()) + " numbers, at most " +
               std::to_string(kMaxAxes) + " are read");
    }
    std::vector<std::uint64_t> numbers;
    for (const json& number : field) {
      if (!number.is_number_unsigned()) {
        Fail(std::string("has a bad ") + key,
             "an entry is not a whole number of 64 bits, 0 or larger");
      }
      numbers.push_back(number.get<std::uint64_t>());
    }
    return numbers;
  }

  std::pair<std::size_t, std::size_t> Offsets(std::size_t data_bytes) const {
    const std::vector<std::uint64_t> offsets = Numbers("data_offsets");
    if (offsets.size() != 2) {
      Fail("has bad data_offsets",
           std::to_string(offsets.size()) + " numbers instead of 2");
    }
    const std::uint64_t begin = offsets[0];
    const std::uint64_t end = offsets[1];
    const std::string range =
        "bytes " + std::to_string(begin) + " to " + std::to_string(end);
    if (begin > end) Fail("ends before it begins", range);
    if (end > data_bytes) {
      Fail("lies outside the file",
           range + " of " + std::to_string(data_bytes) + " bytes of data");
    }
    return {begin, end};
  }

  void CheckLength(const SafeTensor& tensor) const {
    const auto known = std::find_if(
        kElementBytes.begin(), kElementBytes.end(),
        [&](const auto& dtype) { return dtype.first == tensor.dtype; });
    if (known == kElementBytes.end()) {
      Fail("has an unknown dtype", Quoted(tensor.dtype));
    }
    std::uint64_t bytes = known->second;
    for (const std::uint64_t size : tensor.shape) {
      if (__builtin_mul_overflow(bytes, size, &bytes)) {
        Fail("has an impossible shape",
             "its bytes cannot be counted with 64 bits");
      }
    }
    if (bytes != tensor.bytes.size()) {
      Fail("has a shape that disagrees with its data_offsets",
           "the shape takes " + std::to_string(bytes) +
               " bytes, the offsets span " +
               std::to_string(tensor.bytes.size()));
    }
  }

  std::string what_;
  const json& entry_;
};

std::map<std::string, std::string, std::less<>> ReadMetadata(
    const json& metadata, const std::string& path) {
  const bool texts = metadata.is_object() &&
                     std::all_of(metadata.begin(), metadata.end(),
                                 [](const json& v) { return v.is_string(); });
  if (!texts) {
    throw DataError(path + ": '__metadata__' is malformed",
                    "it must map names to texts", kDamaged);
  }
  std::map<std::string, std::string, std::less<>> texts_of_names;
  for (const auto& [name, text] : metadata.items()) {
    texts_of_names.emplace(name, text.get<std::string>());
  }
  return texts_of_names;
}

// The tensors must cover `data` from its first byte to its last, each byte
// once.
void CheckCover(const std::map<std::string, SafeTensor, std::less<>>& tensors,
                std::span<const std::byte> data, const std::string& path) {
  struct Range {
    std::size_t begin;
    std::size_t end;
    std::string_view name;
    bool operator<(const Range& other) const {
      return std::pair(begin, end) < std::pair(other.begin, other.end);
    }
  };
  std::vector<Range> ranges;
  ranges.reserve(tensors.size());
  for (const auto& [name, tensor] : tensors) {
    const auto begin =
        static_cast<std::size_t>(tensor.bytes.data() - data.data());
    ranges.push_back({begin, begin + tensor.bytes.size(), name});
  }
  std::sort(ranges.begin(), ranges.end());

  Range last = {.begin = 0, .end = 0, .name = "__metadata__"};
  for (const Range& range : ranges) {
    if (range.begin < last.end) {
      throw DataError(path + ": tensors " + Quoted(last.name) + " and " +
                          Quoted(range.name) + " overlap",
                      "the first ends at byte " + std::to_string(last.end) +
                          ", the second begins at " +
                          std::to_string(range.begin),
                      kDamaged);
    }
    if (range.begin > last.end) {
      throw DataError(
          path + ": there is a hole before tensor " + Quoted(range.name),
          "bytes " + std::to_string(last.end) + " to " +
              std::to_string(range.begin) + " belong to no tensor",
          kDamaged);
    }
    last = range;
  }
  if (last.end != data.size()) {
    throw DataError(path + ": there are bytes after the last tensor",
                    "the tensors take " + std::to_string(last.end) + " of " +
                        std::to_string(data.size()) + " bytes of data",
                    kDamaged);
  }
}

}  // namespace

SafeTensorsFile SafeTensorsFile::Open(const std::filesystem::path& path) {
  SafeTensorsFile file;
  file.path_ = path;
  file.mapping_ = OpenPublished(path);
  const Parts parts = SplitFile(*file.mapping_, path.string());
  const json header =
      ParseJsonObject(parts.header, path.string() + ": the header");
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      file.metadata_ = ReadMetadata(entry, path.string());
    } else {
      const EntryReader reader(path.string(), name, entry);
      file.tensors_.emplace(name, reader.Read(parts.data));
    }
  }
  CheckCover(file.tensors_, parts.data, path.string());
  return file;
}

const SafeTensor* SafeTensorsFile::Find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const std::string* SafeTensorsFile::Metadata(std::string_view name) const {
  const auto found = metadata_.find(name);
  return found == metadata_.end() ? nullptr : &found->second;
}

std::vector<std::string> SafeTensorsFile::Names() const {
  std::vector<std::string> names;
  names.reserve(tensors_.size());
  for (const auto& [name, tensor] : tensors_) names.push_back(name);
  return names;
}

}  // namespace kvlab
