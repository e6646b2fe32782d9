// All files that one grading leaves behind.
#ifndef KVLAB_AUTOGRADER_REPORT_WRITE_REPORTS_H_
#define KVLAB_AUTOGRADER_REPORT_WRITE_REPORTS_H_

#include <filesystem>

#include "autograder/report/report.h"

namespace kvlab::grading {

// Makes the folder if it is not there. For the author report.txt and
// report.html, for the instructor instructor.txt, and what platforms read:
//   results.json           Gradescope
//   prairielearn.json      PrairieLearn
//   autolab.json           Autolab, one line
//   classroom50.json       Classroom 50, but for what GitHub knows
//   junit.xml              build servers
// What the rubric conceals from the author is in instructor.txt alone: whatever
// else depended on it could be found out by handing in again.
// Throws std::runtime_error if the disk refuses.
void WriteReports(const Report& report, const std::filesystem::path& folder);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_WRITE_REPORTS_H_
