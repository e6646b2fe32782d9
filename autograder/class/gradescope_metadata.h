// submission_metadata.yml of Gradescope's "Export Submissions": who handed in
// which folder, and when.
#ifndef KVLAB_AUTOGRADER_CLASS_GRADESCOPE_METADATA_H_
#define KVLAB_AUTOGRADER_CLASS_GRADESCOPE_METADATA_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/scoring/iso_time.h"

namespace kvlab::grading {

struct GradescopeSubmitter {
  std::string sid;
  std::string email;
};

struct GradescopeSubmission {
  std::string folder;                           // "submission_90210"
  std::vector<GradescopeSubmitter> submitters;  // of a group, several
  std::optional<ClockTime> created_at;
};

inline constexpr const char* kGradescopeMetadata = "submission_metadata.yml";

// In the order of the file. Throws DataError, starting with `source`, unless
// `yaml` is a table of such submissions.
std::vector<GradescopeSubmission> ParseGradescopeMetadata(
    std::string_view yaml, const std::string& source);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_GRADESCOPE_METADATA_H_
