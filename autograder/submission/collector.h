// Decides, entry by entry, what of a submission is taken.
#ifndef KVLAB_AUTOGRADER_SUBMISSION_COLLECTOR_H_
#define KVLAB_AUTOGRADER_SUBMISSION_COLLECTOR_H_

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "autograder/submission/submission.h"

namespace kvlab::grading {

// The content of an entry, or why it cannot be had.
struct EntryContent {
  std::string bytes;  // at most kMaxSourceBytes + 1 of them
  std::string problem;
};
using ReadEntry = std::function<EntryContent()>;

class Collector {
 public:
  explicit Collector(std::span<const ModuleFiles> modules);

  // An entry of the submission, named from its top, that is no folder. `read`
  // is called only for files that a module asks for.
  void Offer(const std::string& name, const ReadEntry& read);

  // Where to stop: nobody needs so many entries.
  static constexpr std::size_t kMaxEntries = 100000;

  // Nested folders above NN_name/file, "modules" included.
  static constexpr std::size_t kMaxNesting = 5;

  Submission Finish() &&;

 private:
  // The course's name of the file that this entry stands for.
  std::optional<std::string> WantedPath(const std::string& name) const;
  void Ignore(const std::string& name);

  std::set<std::string> wanted_;
  Submission submission_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SUBMISSION_COLLECTOR_H_
