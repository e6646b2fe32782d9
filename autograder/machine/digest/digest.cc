#include "autograder/machine/digest/digest.h"

#include <array>
#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fmt/format.h"
#include "kit/files/mapped_file.h"
#include "openssl/evp.h"

namespace kvlab::grading {

std::string Sha256(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (::EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size,
                   ::EVP_sha256(), nullptr) != 1) {
    throw std::runtime_error("OpenSSL computes no SHA-256");
  }
  std::string text;
  for (const unsigned char byte : std::span(digest).first(size)) {
    text += fmt::format("{:02x}", byte);
  }
  return text;
}

std::string Sha256OfFiles(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path)) return Sha256(MappedFile::Open(path)->Text());
  std::set<fs::path> files;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(
           path, fs::directory_options::follow_directory_symlink)) {
    if (entry.is_regular_file()) files.insert(entry.path());
  }
  std::string all;
  for (const fs::path& file : files) {
    all += file.lexically_relative(path).generic_string() + '\0' +
           Sha256(MappedFile::Open(file)->Text());
  }
  return Sha256(all);
}

}  // namespace kvlab::grading
