#include "autograder/class/entry_source.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "archive.h"
#include "archive_entry.h"
#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/submission/collector.h"
#include "autograder/machine/submission/entry_name.h"
#include "autograder/machine/submission/zip_source.h"
#include "kit/error.h"
#include "kit/files/mapped_file.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr auto kMostBytes = static_cast<std::size_t>(kMaxArchiveBytes);

[[noreturn]] void FailToRead(const std::string& name, const std::string& why) {
  throw DataError(Shown(name) + ": cannot be read", why,
                  "export it again, or ask for it again");
}

void ExpectFew(std::size_t count, const std::string& name) {
  if (count <= Collector::kMaxEntries) return;
  throw DataError(name + ": more than 100,000 entries",
                  "that is not what a platform exports for a class",
                  "name the file that the platform exported");
}

// The file of a submission that is imported as it is.
std::string WithinLimit(std::string bytes, const std::string& name) {
  if (bytes.size() > kMostBytes) {
    FailToRead(name, "it is larger than 64 MiB, which no submission may be");
  }
  return bytes;
}

bool IsWanted(const std::vector<std::string>& parts) {
  return !LeadsOut(parts) && !IsLeftByTools(parts);
}

class ZipEntries : public EntrySource {
 public:
  explicit ZipEntries(const fs::path& path)
      : file_(MappedFile::Open(path)), archive_(file_->Text(), path.string()) {
    ExpectFew(archive_.Count(), path.string());
    for (std::size_t i = 0; i < archive_.Count(); ++i) {
      std::string name = archive_.Name(i);
      std::ranges::replace(name, '\\', '/');
      if (name.ends_with('/') || !IsWanted(PartsOf(name))) continue;
      names_.push_back(std::move(name));
      places_.push_back(i);
    }
  }

  const std::vector<std::string>& Names() const override { return names_; }

  std::string Read(std::size_t entry) const override {
    EntryContent content = archive_.Read(places_.at(entry), kMostBytes);
    if (!content.problem.empty()) FailToRead(names_[entry], content.problem);
    return WithinLimit(std::move(content.bytes), names_[entry]);
  }

 private:
  std::shared_ptr<const MappedFile> file_;
  ZipArchive archive_;
  std::vector<std::string> names_;
  std::vector<std::size_t> places_;  // of each name, in the archive
};

class FolderEntries : public EntrySource {
 public:
  explicit FolderEntries(fs::path folder) : folder_(std::move(folder)) {
    for (const fs::directory_entry& entry :
         fs::recursive_directory_iterator(folder_)) {
      if (!entry.is_regular_file() || entry.is_symlink()) continue;
      std::string name = entry.path().lexically_relative(folder_).string();
      if (IsWanted(PartsOf(name))) names_.push_back(std::move(name));
      ExpectFew(names_.size(), folder_.string());
    }
    std::ranges::sort(names_);
  }

  const std::vector<std::string>& Names() const override { return names_; }

  std::string Read(std::size_t entry) const override {
    std::optional<std::string> bytes =
        ReadRegularFile(folder_ / names_.at(entry), kMostBytes + 1);
    if (!bytes) FailToRead(names_[entry], "it is not a readable file");
    return WithinLimit(*std::move(bytes), names_[entry]);
  }

 private:
  fs::path folder_;
  std::vector<std::string> names_;
};

struct FreeArchive {
  void operator()(struct archive* archive) const {
    ::archive_write_free(archive);
  }
  void operator()(struct archive_entry* entry) const {
    ::archive_entry_free(entry);
  }
};

la_ssize_t Append(struct archive* /*archive*/, void* text, const void* bytes,
                  std::size_t size) {
  static_cast<std::string*>(text)->append(static_cast<const char*>(bytes),
                                          size);
  return static_cast<la_ssize_t>(size);
}

void Expect(int status, struct archive* archive) {
  if (status >= ARCHIVE_WARN) return;
  const char* why = ::archive_error_string(archive);
  throw std::runtime_error(std::string("cannot write an archive: ") +
                           (why == nullptr ? "out of memory" : why));
}

}  // namespace

std::unique_ptr<EntrySource> OpenEntries(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    return std::make_unique<FolderEntries>(path);
  }
  return std::make_unique<ZipEntries>(path);
}

std::string Bundle(std::vector<std::pair<std::string, std::string>> files) {
  std::ranges::sort(files);
  std::string bytes;
  const std::unique_ptr<struct archive, FreeArchive> writer(
      ::archive_write_new());
  // GNU's tar takes names of any length and any bytes.
  Expect(::archive_write_set_format_gnutar(writer.get()), writer.get());
  Expect(::archive_write_open(writer.get(), &bytes, nullptr, Append, nullptr),
         writer.get());
  constexpr int kMode = 0644;
  for (const auto& [name, content] : files) {
    const std::unique_ptr<struct archive_entry, FreeArchive> entry(
        ::archive_entry_new());
    ::archive_entry_set_pathname(entry.get(), name.c_str());
    ::archive_entry_set_filetype(entry.get(), AE_IFREG);
    ::archive_entry_set_perm(entry.get(), kMode);
    ::archive_entry_set_mtime(entry.get(), 0, 0);
    ::archive_entry_set_size(entry.get(),
                             static_cast<la_int64_t>(content.size()));
    Expect(::archive_write_header(writer.get(), entry.get()), writer.get());
    if (::archive_write_data(writer.get(), content.data(), content.size()) <
        0) {
      Expect(ARCHIVE_FATAL, writer.get());
    }
  }
  Expect(::archive_write_close(writer.get()), writer.get());
  return bytes;
}

}  // namespace kvlab::grading
