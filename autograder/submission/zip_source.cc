#include "autograder/submission/zip_source.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "autograder/submission/submission.h"
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

Archive Open(const std::filesystem::path& file) {
  if (std::filesystem::file_size(file) > kMaxArchiveBytes) {
    throw DataError(
        file.string() + ": the archive is too large",
        "it has more than " + std::to_string(kMaxArchiveBytes) + " bytes",
        "hand in what ./kvlab submit packs");
  }
  int error = 0;
  Archive archive(::zip_open(file.c_str(), ZIP_RDONLY, &error));
  if (archive == nullptr) {
    zip_error_t reason;
    ::zip_error_init_with_code(&reason, error);
    const std::string why = ::zip_error_strerror(&reason);
    ::zip_error_fini(&reason);
    throw DataError(file.string() + ": this is no zip archive", why,
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

EntryContent Read(zip_t* archive, zip_uint64_t index) {
  if (!IsRegular(archive, index)) {
    return {"", "it is a symbolic link or no regular file"};
  }
  const Entry entry(::zip_fopen_index(archive, index, 0));
  if (entry == nullptr) {
    return {"",
            std::string("it cannot be unpacked: ") + ::zip_strerror(archive)};
  }
  std::string bytes(kMaxSourceBytes + 1, '\0');
  std::size_t size = 0;
  while (size < bytes.size()) {
    const zip_int64_t count =
        ::zip_fread(entry.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0) return {"", "it cannot be unpacked: it is damaged"};
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  bytes.resize(size);
  return {std::move(bytes), ""};
}

}  // namespace

void CollectZip(const std::filesystem::path& file, Collector& collector) {
  const Archive archive = Open(file);
  const zip_int64_t count = std::min<zip_int64_t>(
      ::zip_get_num_entries(archive.get(), 0), Collector::kMaxEntries);
  for (zip_int64_t i = 0; i < count; ++i) {
    const auto index = static_cast<zip_uint64_t>(i);
    const char* raw = ::zip_get_name(archive.get(), index, ZIP_FL_ENC_RAW);
    const std::string name = raw == nullptr ? "" : raw;
    if (name.ends_with('/')) continue;
    collector.Offer(name, [&] { return Read(archive.get(), index); });
  }
}

}  // namespace kvlab::grading
