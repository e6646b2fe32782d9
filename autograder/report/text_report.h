// Reports for a terminal, safe from control characters in a submission.
#ifndef KVLAB_AUTOGRADER_REPORT_TEXT_REPORT_H_
#define KVLAB_AUTOGRADER_REPORT_TEXT_REPORT_H_

#include <span>
#include <string>

#include "autograder/report/check_rows.h"
#include "autograder/report/report.h"

namespace kvlab::grading {

// For the author: points per module, task and check; for each check that lost
// points the question, the answer, why it matters and where to look.
std::string FullText(const Report& report);

// The mark, and the points lost with the reason. Points lost as a consequence
// are only counted.
std::string BriefText(const Report& report);

// For the instructor: the course's version and the seed, which repeat the run,
// and where the time went.
std::string InstructorText(const Report& report);

// One line per submission: its name, points per module, all points.
std::string SummaryTable(std::span<const Report> reports);

// The text of one check, without its points: the texts of FullText, or the
// measurement if it passed.
std::string CheckText(const CheckMark& mark);

// The same for a platform's list of checks. The reason why a part could not be
// run is in the report once, not in each of its checks.
std::string TextOf(const CheckRow& row);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_TEXT_REPORT_H_
