#include "autograder/machine/submission/zip_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "autograder/machine/submission/submission.h"
#include "kit/error.h"
#include "zip.h"

namespace kvlab::grading {
namespace {

struct Discard {
  void operator()(zip_t* archive) const { ::zip_discard(archive); }
  void operator()(zip_file_t* file) const { ::zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, Discard>;
using Entry = std::unique_ptr<zip_file_t, Discard>;

// What an archive of another kind begins with.
std::string KindOf(std::string_view bytes) {
  if (bytes.starts_with("Rar!")) return "it is a RAR archive";
  if (bytes.starts_with("7z\xBC\xAF")) return "it is a 7z archive";
  constexpr std::string_view kXz = "\xFD\x37zXZ";
  if (bytes.starts_with(kXz)) return "it is compressed by xz";
  if (bytes.starts_with("BZh")) return "it is compressed by bzip2";
  return "";
}

Archive Open(std::string_view bytes, const std::string& name) {
  zip_error_t error;
  ::zip_error_init(&error);
  zip_source_t* source =
      ::zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  Archive archive;
  if (source != nullptr) {
    archive.reset(::zip_open_from_source(source, ZIP_RDONLY, &error));
    if (archive == nullptr) ::zip_source_free(source);
  }
  const std::string kind = KindOf(bytes);
  const std::string why = kind.empty() ? ::zip_error_strerror(&error) : kind;
  ::zip_error_fini(&error);
  if (archive == nullptr) {
    throw DataError(name + ": not a zip archive that can be opened", why,
                    "hand in what ./kvlab submit packs");
  }
  return archive;
}

// Unix archivers say what kind of file an entry was.
bool IsRegular(zip_t* archive, zip_uint64_t index) {
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  ::zip_file_get_external_attributes(archive, index, 0, &system, &attributes);
  if (system != ZIP_OPSYS_UNIX && system != ZIP_OPSYS_OS_X) return true;
  constexpr unsigned kModeShift = 16;
  const mode_t kind = (attributes >> kModeShift) & S_IFMT;
  return kind == 0 || kind == S_IFREG;
}

EntryContent Read(zip_t* archive, zip_uint64_t index, std::size_t most) {
  if (!IsRegular(archive, index)) {
    return {"", "it is a symbolic link or not a regular file"};
  }
  const Entry entry(::zip_fopen_index(archive, index, 0));
  if (entry == nullptr) {
    return {"",
            std::string("it cannot be unpacked: ") + ::zip_strerror(archive)};
  }
  std::string bytes;
  constexpr std::size_t kBlock = std::size_t{1} << 16U;
  while (bytes.size() <= most) {
    const std::size_t size = bytes.size();
    bytes.resize(std::min(size + kBlock, most + 1));
    const zip_int64_t count =
        ::zip_fread(entry.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0) return {"", "it cannot be unpacked: it is damaged"};
    bytes.resize(size + static_cast<std::size_t>(count));
    if (count == 0) break;
  }
  return {std::move(bytes), ""};
}

}  // namespace

struct ZipArchive::Handle {
  Archive archive;
};

ZipArchive::ZipArchive(std::string_view bytes, const std::string& name)
    : handle_(std::make_unique<Handle>(Handle{Open(bytes, name)})) {}

ZipArchive::~ZipArchive() = default;

std::size_t ZipArchive::Count() const {
  return static_cast<std::size_t>(
      ::zip_get_num_entries(handle_->archive.get(), 0));
}

std::string ZipArchive::Name(std::size_t entry) const {
  const char* raw =
      ::zip_get_name(handle_->archive.get(), entry, ZIP_FL_ENC_RAW);
  return raw == nullptr ? "" : raw;
}

EntryContent ZipArchive::Read(std::size_t entry, std::size_t most_bytes) const {
  return grading::Read(handle_->archive.get(), entry, most_bytes);
}

void CollectZip(std::string_view bytes, const std::string& name,
                Collector& collector) {
  const ZipArchive archive(bytes, name);
  const std::size_t count = std::min(archive.Count(), Collector::kMaxEntries);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string entry = archive.Name(i);
    if (entry.ends_with('/') || entry.ends_with('\\')) continue;
    collector.Offer(entry,
                    [&](std::size_t most) { return archive.Read(i, most); });
  }
}

}  // namespace kvlab::grading
