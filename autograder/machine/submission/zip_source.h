#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ZIP_SOURCE_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ZIP_SOURCE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "autograder/machine/submission/collector.h"

namespace kvlab::grading {

// The entries of a zip archive, read one by one. Nothing is unpacked to disk.
class ZipArchive {
 public:
  // Throws DataError, starting with `name`, if `bytes` are not a zip archive.
  //   bytes: must outlive the object
  ZipArchive(std::string_view bytes, const std::string& name);
  ZipArchive(const ZipArchive&) = delete;
  ZipArchive& operator=(const ZipArchive&) = delete;
  ~ZipArchive();

  std::size_t Count() const;
  // Its bytes, of any encoding. A folder's ends with a slash or a backslash.
  std::string Name(std::size_t entry) const;
  // Sizes that the archive states are not trusted.
  EntryContent Read(std::size_t entry, std::size_t most_bytes) const;

 private:
  struct Handle;

  std::unique_ptr<Handle> handle_;
};

// Offers the entries of a zip archive. Throws DataError if it is not a zip
// archive.
void CollectZip(std::string_view bytes, const std::string& name,
                Collector& collector);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_ZIP_SOURCE_H_
