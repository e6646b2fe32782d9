// Reports to read in a terminal, which no word of a submission can command.
#ifndef KVLAB_AUTOGRADER_REPORT_TEXT_REPORT_H_
#define KVLAB_AUTOGRADER_REPORT_TEXT_REPORT_H_

#include <span>
#include <string>

#include "autograder/report/check_rows.h"
#include "autograder/report/report.h"

namespace kvlab::grading {

// For the author: points per module, task and check; for each check that did
// not earn all of them what was asked, what came back, why it matters and
// where to look.
std::string FullText(const Report& report);

// The mark, and what was lost for which reason. What was lost as a consequence
// of that is only counted.
std::string BriefText(const Report& report);

// For the instructor: the seed that repeats the run, and where the time went.
std::string InstructorText(const Report& report);

// One line per submission: its name, points per module, all points.
std::string SummaryTable(std::span<const Report> reports);

// What one check says about itself, without its points: the texts of
// FullText, or what was measured if it passed.
std::string CheckText(const CheckMark& mark);

// The same for a platform's list of checks. Why a part could not be run is in
// the report once, and not in each of its checks.
std::string TextOf(const CheckRow& row);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_TEXT_REPORT_H_
