#include "autograder/machine/building/compiled_files.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "autograder/machine/digest/digest.h"
#include "autograder/machine/sandbox/run.h"
#include "autograder/machine/sandbox/sandbox_command.h"
#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kDigestSize = 64;

// The programs that g++ starts, by its own word.
std::string CompilerDigest(const StagedKit& kit) {
  const std::string& compiler = kit.Manifest().compiler;
  std::string digests = Sha256OfFiles(compiler);
  for (const char* program : {"cc1plus", "as"}) {
    SandboxSpec spec;
    spec.command = {compiler, fmt::format("-print-prog-name={}", program)};
    std::string path = RunInSandbox(spec, kit.Host(), {}).output;
    path.erase(path.find_last_not_of('\n') + 1);
    // A bare name is looked up as a shell does.
    if (!path.starts_with('/')) path = "/usr/bin/" + path;
    digests += Sha256OfFiles(path);
  }
  return digests;
}

struct KeptFile {
  fs::file_time_type used;
  fs::path path;
  std::uintmax_t bytes = 0;

  bool operator<(const KeptFile& other) const { return used < other.used; }
};

void RemoveOldest(const fs::path& folder, std::uintmax_t most_bytes) {
  std::vector<KeptFile> files;
  std::uintmax_t total = 0;
  std::error_code ignored;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(folder, ignored)) {
    const std::uintmax_t bytes = entry.file_size(ignored);
    if (ignored) continue;
    files.push_back({entry.last_write_time(ignored), entry.path(), bytes});
    total += bytes;
  }
  std::ranges::sort(files, {}, &KeptFile::used);
  for (const KeptFile& file : files) {
    if (total <= most_bytes) return;
    fs::remove(file.path, ignored);
    total -= file.bytes;
  }
}

// Of this process.
std::string FreshName() {
  static std::atomic<std::uint64_t> count = 0;
  return fmt::format("{}-{}.part", ::getpid(), ++count);
}

}  // namespace

CompiledFiles::CompiledFiles(fs::path folder, const StagedKit& kit,
                             std::uintmax_t most_bytes)
    : folder_(std::move(folder)) {
  std::error_code error;
  // It has code of all submissions, which no submission may read.
  fs::create_directories(folder_, error);
  if (!error) fs::permissions(folder_, fs::perms::owner_all, error);
  if (error) {
    throw DataError(folder_.string() + ": cannot be made: " + error.message(),
                    "objects that were compiled are kept in it",
                    "make the folder above it writable");
  }
  RemoveOldest(folder_, most_bytes);
  // The image was made of the system's headers, and stands for them as well.
  environment_ = Sha256(CompilerDigest(kit) + Sha256OfFiles(kit.Headers()) +
                        Sha256OfFiles(kit.Precompiled()));
}

std::string CompiledFiles::Key(const Source& source,
                               std::span<const std::string> command) const {
  // Digests have one length, and no word contains a null.
  std::string all = environment_ + Sha256(source.content) + source.path;
  for (const std::string& word : command) {
    all += '\0';
    all += word;
  }
  return Sha256(all);
}

std::optional<std::string> CompiledFiles::Find(const std::string& key) const {
  const fs::path path = folder_ / key;
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return std::nullopt;
  const std::istreambuf_iterator<char> begin(stream);
  const std::istreambuf_iterator<char> end;
  std::string content(begin, end);
  const std::string_view kept = content;
  std::error_code ignored;
  if (kept.size() < kDigestSize ||
      Sha256(kept.substr(kDigestSize)) != kept.substr(0, kDigestSize)) {
    fs::remove(path, ignored);
    return std::nullopt;
  }
  fs::last_write_time(path, fs::file_time_type::clock::now(), ignored);
  content.erase(0, kDigestSize);
  return content;
}

void CompiledFiles::Keep(const std::string& key,
                         std::string_view object) const {
  const fs::path part = folder_ / FreshName();
  std::ofstream stream(part, std::ios::binary | std::ios::trunc);
  stream << Sha256(object) << object;
  stream.close();
  std::error_code ignored;
  if (stream) fs::rename(part, folder_ / key, ignored);
  if (!stream || ignored) fs::remove(part, ignored);
}

}  // namespace kvlab::grading
