// Objects of sources that were compiled before, so that the same source is not
// compiled again for another submission.
#ifndef KVLAB_AUTOGRADER_MACHINE_BUILDING_COMPILED_FILES_H_
#define KVLAB_AUTOGRADER_MACHINE_BUILDING_COMPILED_FILES_H_

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "autograder/machine/building/staged_kit.h"

namespace kvlab::grading {

// What decides about an object, and nothing else may: the compiler sees the
// course's headers and this one source.
struct Source {
  std::string path;  // "modules/01_attention/attention.cc"
  std::string_view content;
};

// A folder of objects, by a digest of the source, its path, the command line,
// the compiler, and the kit's headers. Only the grader writes to it. It may be
// used by several threads and processes, and kept between runs.
class CompiledFiles {
 public:
  // Makes the folder if there is none, and removes the objects that were used
  // longest ago if they take more than `most_bytes`. Throws DataError if it
  // cannot be made or the compiler is missing.
  CompiledFiles(std::filesystem::path folder, const StagedKit& kit,
                std::uintmax_t most_bytes = kMostBytes);

  std::string Key(const Source& source,
                  std::span<const std::string> command) const;

  // Nothing if it is not there, or damaged.
  std::optional<std::string> Find(const std::string& key) const;

  // Whole or not at all: on a full disk, not at all.
  void Keep(const std::string& key, std::string_view object) const;

 private:
  static constexpr std::uintmax_t kMostBytes = std::uintmax_t{4} << 30U;

  std::filesystem::path folder_;
  std::string environment_;  // a digest of compiler and headers
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_BUILDING_COMPILED_FILES_H_
