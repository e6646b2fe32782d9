#include "kit/files/published_file.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "kit/error.h"
#include "kit/files/mapped_file.h"

namespace kvlab {
namespace {

// Source: the specification in docs/spec.md of git-lfs; "hawser" was its name
// before version 1. A pointer is shorter than 1024 bytes.
constexpr std::array<std::string_view, 2> kLfsVersions = {
    "version https://git-lfs.github.com/spec/",
    "version https://hawser.github.com/spec/"};
constexpr std::size_t kMaxPointerBytes = 1024;

// The first bytes of files that are not what their names say. No safetensors
// file begins like this: read as the length of its header, each would be too
// long.
struct Stranger {
  std::string_view beginning;
  std::string_view what;
  std::string_view why;
  std::string_view fix;
};

constexpr std::string_view kConvert =
    "save the model as safetensors: in Python, transformers' "
    "GPT2LMHeadModel.from_pretrained(...).save_pretrained(folder)";
constexpr std::array<Stranger, 5> kStrangers = {{
    {"<!doctype html", "is a web page", "the address was that of a web page",
     "download the file itself: the address has /resolve/, not /blob/"},
    {"<html", "is a web page", "the address was that of a web page",
     "download the file itself: the address has /resolve/, not /blob/"},
    {"pk\x03\x04", "is a zip archive, as torch.save writes",
     "it holds pickled Python objects, which kvlab does not run", kConvert},
    {"\x80\x02\x8a\x0al", "is a pickle, as torch.save once wrote",
     "it holds pickled Python objects, which kvlab does not run", kConvert},
    {"gguf", "is a GGUF file, as llama.cpp reads", "kvlab reads safetensors",
     kConvert},
}};

// Whether `text` begins with `beginning`, which has no capital letters.
bool BeginsWith(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() &&
         std::equal(beginning.begin(), beginning.end(), text.begin(),
                    [](char expected, char found) {
                      const auto byte = static_cast<unsigned char>(found);
                      return static_cast<char>(std::tolower(byte)) == expected;
                    });
}

// The number in the line "size 548105171"; empty without one.
std::string PointerSize(std::string_view pointer) {
  constexpr std::string_view kSize = "\nsize ";
  const std::size_t line = pointer.find(kSize);
  if (line == std::string_view::npos) return "";
  const std::string_view rest = pointer.substr(line + kSize.size());
  const std::size_t end = rest.find_first_not_of("0123456789");
  return std::string(rest.substr(0, std::min<std::size_t>(end, 20)));
}

void CheckNoPointer(std::string_view text, const std::string& path) {
  const bool pointer = text.size() < kMaxPointerBytes &&
                       std::any_of(kLfsVersions.begin(), kLfsVersions.end(),
                                   [&](std::string_view version) {
                                     return text.starts_with(version);
                                   });
  if (!pointer) return;
  const std::string size = PointerSize(text);
  throw DataError(
      path + ": is a Git LFS pointer, not the file itself",
      "git clone without git-lfs leaves a note that the " +
          (size.empty() ? "content" : size + " bytes of content") +
          " are kept elsewhere",
      "apt-get install git-lfs, then in the folder: git lfs install; "
      "git lfs pull");
}

}  // namespace

std::shared_ptr<const MappedFile> OpenPublished(
    const std::filesystem::path& path) {
  std::shared_ptr<const MappedFile> file = MappedFile::Open(path);
  const std::string_view text = file->Text();
  CheckNoPointer(text, path.string());
  for (const Stranger& stranger : kStrangers) {
    if (BeginsWith(text, stranger.beginning)) {
      throw DataError(path.string() + ": " + std::string(stranger.what),
                      stranger.why, stranger.fix);
    }
  }
  return file;
}

}  // namespace kvlab
