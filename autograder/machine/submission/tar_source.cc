#include "autograder/machine/submission/tar_source.h"

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "archive.h"
#include "archive_entry.h"
#include "autograder/machine/submission/entry_name.h"
#include "autograder/machine/text/printable.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

constexpr std::string_view kGzip = "\x1F\x8B";

struct Close {
  void operator()(archive* opened) const { ::archive_read_free(opened); }
};
using Archive = std::unique_ptr<archive, Close>;

[[noreturn]] void Refuse(const std::string& name, archive* opened) {
  const char* why = ::archive_error_string(opened);
  throw DataError(name + ": not a tar archive that can be opened",
                  why == nullptr ? "it is damaged" : PrintableLine(why),
                  "hand in what ./kvlab submit packs");
}

// One format, and at most one layer of gzip, so that nested compression bombs
// are never unpacked.
Archive Open(std::string_view bytes, const std::string& name) {
  Archive opened(::archive_read_new());
  ::archive_read_support_format_tar(opened.get());
  ::archive_read_append_filter(opened.get(), bytes.starts_with(kGzip)
                                                 ? ARCHIVE_FILTER_GZIP
                                                 : ARCHIVE_FILTER_NONE);
  if (::archive_read_open_memory(opened.get(), bytes.data(), bytes.size()) !=
      ARCHIVE_OK) {
    Refuse(name, opened.get());
  }
  return opened;
}

// Counts the unpacked bytes of an archive.
class Unpacker {
 public:
  explicit Unpacker(archive* opened) : opened_(opened) {}

  EntryContent Read(archive_entry* entry, std::size_t most) {
    if (::archive_entry_hardlink(entry) != nullptr ||
        ::archive_entry_filetype(entry) != AE_IFREG) {
      return {"", "it is a link or not a regular file"};
    }
    std::string bytes;
    while (bytes.size() <= most) {
      const std::size_t size = bytes.size();
      bytes.resize(std::min(size + kBlock, most + 1));
      const la_ssize_t count = ::archive_read_data(opened_, bytes.data() + size,
                                                   bytes.size() - size);
      if (count < 0) return {"", "it cannot be unpacked: it is damaged"};
      bytes.resize(size + static_cast<std::size_t>(count));
      if (count == 0) break;
    }
    unpacked_ += bytes.size();
    return {std::move(bytes), ""};
  }

  // The rest of an entry; false if that was too much, or damaged.
  bool Skip() {
    const void* block = nullptr;
    std::size_t size = 0;
    la_int64_t offset = 0;
    int status = ARCHIVE_OK;
    while (status == ARCHIVE_OK && unpacked_ < kMaxUnpackedBytes) {
      status = ::archive_read_data_block(opened_, &block, &size, &offset);
      if (status == ARCHIVE_OK) unpacked_ += size;
    }
    return status == ARCHIVE_EOF;
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 16U;

  archive* opened_;
  std::size_t unpacked_ = 0;
};

}  // namespace

bool IsTar(std::string_view bytes) {
  constexpr std::size_t kMagicAt = 257;
  return bytes.starts_with(kGzip) ||
         (bytes.size() > kMagicAt &&
          bytes.substr(kMagicAt).starts_with("ustar"));
}

void CollectTar(std::string_view bytes, const std::string& name,
                Collector& collector) {
  const Archive opened = Open(bytes, name);
  Unpacker unpacker(opened.get());
  archive_entry* entry = nullptr;
  for (std::size_t i = 0; i < Collector::kMaxEntries; ++i) {
    const int status = ::archive_read_next_header(opened.get(), &entry);
    if (status == ARCHIVE_EOF) return;
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) {
      if (i == 0) Refuse(name, opened.get());
      return collector.Note(name + ": damaged, so its end was not read");
    }
    const char* raw = ::archive_entry_pathname(entry);
    const std::string path = raw == nullptr ? "" : raw;
    if (::archive_entry_filetype(entry) != AE_IFDIR && !path.ends_with('/')) {
      collector.Offer(
          path, [&](std::size_t most) { return unpacker.Read(entry, most); });
    }
    if (!unpacker.Skip()) {
      return collector.Note(name +
                            ": damaged, or too much to unpack; its end was not "
                            "read");
    }
  }
}

}  // namespace kvlab::grading
