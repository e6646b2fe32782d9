// The results of one graded submission.
#ifndef KVLAB_AUTOGRADER_REPORT_REPORT_H_
#define KVLAB_AUTOGRADER_REPORT_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "autograder/scoring/late_policy.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/visibility.h"

namespace kvlab::grading {

struct Report {
  std::string name;  // of the submission
  Marks marks;
  // None without a due date or a time of submission.
  std::optional<Lateness> lateness;
  // For the author: files missing or ignored, code that does not compile.
  std::vector<std::string> notices;

  // What the author may see by now; checks concealed for longer are left out.
  Visibility revealed = Visibility::kVisible;
  // The id of the concept checks' answers; "" if they were not answered.
  std::string answered_as;

  std::string graded_at;  // UTC: "2024-06-07T12:34:56"

  // For the instructor.
  std::uint64_t seed = 0;
  std::string isolation;  // the user and the sandbox that ran the submission
  double build_seconds = 0;
  double check_seconds = 0;

  // The final points: those of the marks, minus the late penalty.
  double Points() const {
    return Written(marks.Points() * (lateness ? lateness->factor : 1));
  }
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_REPORT_H_
