// The files of a platform's export, which is a zip or the folder that it
// unpacks to.
#ifndef KVLAB_AUTOGRADER_CLASS_ENTRY_SOURCE_H_
#define KVLAB_AUTOGRADER_CLASS_ENTRY_SOURCE_H_

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace kvlab::grading {

class EntrySource {
 public:
  virtual ~EntrySource() = default;

  // Paths from its top, with slashes; folders are left out, and what archivers
  // and systems leave behind. Names that lead out of it are refused.
  virtual const std::vector<std::string>& Names() const = 0;

  // Throws DataError, naming the entry, if it cannot be read or is larger than
  // a submission may be.
  virtual std::string Read(std::size_t entry) const = 0;
};

// Follows no links. Throws DataError if `path` is neither a folder nor a zip,
// or has more than 100,000 entries.
std::unique_ptr<EntrySource> OpenEntries(const std::filesystem::path& path);

// The files as one archive, the same bytes for the same files in any order.
//   files: names and contents
std::string Bundle(std::vector<std::pair<std::string, std::string>> files);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_ENTRY_SOURCE_H_
