// Decides, entry by entry, which files of a submission are taken.
#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_COLLECTOR_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autograder/machine/submission/submission.h"

namespace kvlab::grading {

// The content of an entry, or why it cannot be read.
struct EntryContent {
  std::string bytes;  // at most one more than was asked for
  std::string problem;
};
using ReadEntry = std::function<EntryContent(std::size_t most_bytes)>;

// Larger archives are not opened. An archive inside another one is read whole.
inline constexpr std::uintmax_t kMaxArchiveBytes = std::uintmax_t{64} << 20U;
inline constexpr std::size_t kMaxInnerArchiveBytes = std::size_t{16} << 20U;

class Collector {
 public:
  explicit Collector(std::span<const ModuleFiles> modules);

  // An entry of the submission that is not a folder; `name` is its path from
  // the top. `read` is called at once, and only for files that a module asks
  // for and for archives.
  void Offer(const std::string& name, const ReadEntry& read);

  // Something that a source could not read, to be reported to the author.
  void Note(const std::string& problem);

  // The most entries that are read.
  static constexpr std::size_t kMaxEntries = 100000;

  // The deepest nesting of folders that is entered.
  static constexpr std::size_t kMaxNesting = 20;

  // The most archives inside the submission that are opened, on all levels
  // together.
  static constexpr std::size_t kMaxArchives = 4;
  static constexpr std::size_t kMaxArchiveDepth = 2;

  Submission Finish() &&;

 private:
  // The better the name, the smaller.
  enum class Likeness {
    kExact,   // NN_name/file, below any folders
    kFlat,    // the file's name alone, which no other file of the course has
    kFolded,  // the same in other letters: Attention.CC
    kCopy,    // "attention (1).cc"
  };

  struct Wish {
    std::string path;
    Likeness likeness;
  };

  // What was found under the best name so far.
  struct Find {
    Likeness likeness = Likeness::kCopy;
    SubmittedFile file;
    std::vector<std::string> others;  // that differ from it
    std::size_t offers = 0;
  };

  // The file of the course that an entry of this name may be.
  std::optional<Wish> WishFor(const std::vector<std::string>& parts) const;
  void Take(const Wish& wish, const std::string& name, const ReadEntry& read);
  void OpenArchive(const std::string& name, const ReadEntry& read);
  void Ignore(const std::string& name);

  std::map<std::string, std::string> exact_;  // folder/file, its path
  std::map<std::string, std::string> flat_;   // file, folder and file folded
  std::map<std::string, Find> finds_;
  std::size_t archives_ = 0;
  std::size_t depth_ = 0;
  std::string prefix_;  // of names in the archive that is open
  Submission submission_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_COLLECTOR_H_
