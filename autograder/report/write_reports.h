// All files that one grading writes.
#ifndef KVLAB_AUTOGRADER_REPORT_WRITE_REPORTS_H_
#define KVLAB_AUTOGRADER_REPORT_WRITE_REPORTS_H_

#include <filesystem>

#include "autograder/report/report.h"

namespace kvlab::grading {

// Makes the folder if necessary. Writes report.txt and report.html for the
// author, instructor.txt for the instructor, and the platforms' files:
//   results.json           Gradescope
//   prairielearn.json      PrairieLearn
//   autolab.json           Autolab, one line
//   classroom50.json       Classroom 50, without the fields from GitHub
//   junit.xml              build servers
// Text that the rubric conceals from the author is only in instructor.txt:
// students could learn anything else that depended on it by handing in again.
// Throws std::runtime_error if writing fails.
void WriteReports(const Report& report, const std::filesystem::path& folder);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_WRITE_REPORTS_H_
