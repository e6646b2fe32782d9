// What is known about one graded submission.
#ifndef KVLAB_AUTOGRADER_REPORT_REPORT_H_
#define KVLAB_AUTOGRADER_REPORT_REPORT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "autograder/rubric/marks.h"

namespace kvlab::grading {

struct Report {
  std::string name;  // of the submission
  Marks marks;
  // For its author: files missing or ignored, what does not compile.
  std::vector<std::string> notices;

  std::string graded_at;  // UTC: "2024-06-07T12:34:56"

  // For the instructor.
  std::uint64_t seed = 0;
  std::string isolation;  // as whom and in what the submission ran
  double build_seconds = 0;
  double check_seconds = 0;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_REPORT_H_
