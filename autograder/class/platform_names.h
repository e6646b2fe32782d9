// What the names in a platform's export say: who handed a file in, whether it
// was late, and which attempt it is. The names are untrusted.
#ifndef KVLAB_AUTOGRADER_CLASS_PLATFORM_NAMES_H_
#define KVLAB_AUTOGRADER_CLASS_PLATFORM_NAMES_H_

#include <optional>
#include <string>
#include <string_view>

namespace kvlab::grading {

// A file of Canvas's "Download Submissions":
// leeann_LATE_4711_90210_submission-1.zip.
struct CanvasName {
  std::string user;      // Canvas's number of the person: "4711"
  bool late = false;     // marked late
  std::string file;      // as it was handed in: "submission.zip"
  unsigned attempt = 0;  // 1 for "-1", which Canvas adds to a second one
};
std::optional<CanvasName> ParseCanvasName(std::string_view name);

// A file of Moodle's "Download all submissions", in a folder for each person or
// not: "Ann Lee_4711_assignsubmission_file_/submission.zip". A name that has
// the mark twice could be of either person, and is refused.
struct MoodleName {
  std::string participant;  // Moodle's number of the submission: "4711"
  std::string file;         // "submission.zip"; may be a path
  bool text = false;        // typed into Moodle, not a file
};
std::optional<MoodleName> ParseMoodleName(std::string_view name);

// The name of a plain archive without its ending: "ann" for "ann.zip" and
// "ann.tar.gz"; "" if it has none.
std::string ArchiveStem(std::string_view name);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_PLATFORM_NAMES_H_
