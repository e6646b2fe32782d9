// What is known about one graded submission.
#ifndef KVLAB_AUTOGRADER_REPORT_REPORT_H_
#define KVLAB_AUTOGRADER_REPORT_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "autograder/rubric/late_policy.h"
#include "autograder/rubric/marks.h"
#include "autograder/rubric/visibility.h"

namespace kvlab::grading {

struct Report {
  std::string name;  // of the submission
  Marks marks;
  // None if there is no due date, or nobody said when it was handed in.
  std::optional<Lateness> lateness;
  // For its author: files missing or ignored, what does not compile.
  std::vector<std::string> notices;

  // What of it the author may see by now; later kinds of checks are left out.
  Visibility revealed = Visibility::kVisible;
  // Under which id the concept checks were answered; "" if they were not.
  std::string answered_as;

  std::string graded_at;  // UTC: "2024-06-07T12:34:56"

  // For the instructor.
  std::uint64_t seed = 0;
  std::string isolation;  // as whom and in what the submission ran
  double build_seconds = 0;
  double check_seconds = 0;

  // What counts: the points of the marks, less what being late costs.
  double Points() const {
    return Written(marks.Points() * (lateness ? lateness->factor : 1));
  }
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_REPORT_H_
