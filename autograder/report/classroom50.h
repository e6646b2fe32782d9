// The format of Classroom 50: https://github.com/foundation50/classroom50, wiki
// page "Advanced Autograding", schema classroom50/result/v1.
#ifndef KVLAB_AUTOGRADER_REPORT_CLASSROOM50_H_
#define KVLAB_AUTOGRADER_REPORT_CLASSROOM50_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// Scores there are whole numbers: a point is this many.
inline constexpr double kClassroom50Unit = 100;

// The grader's part of result.json: scores and tests, which sum to the whole,
// late days taken off. The author is in the job's environment;
// autograder/platforms/run_grader.py adds it.
std::string Classroom50Json(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_CLASSROOM50_H_
