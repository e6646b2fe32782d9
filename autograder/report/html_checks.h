// The parts, tasks and checks of the HTML report.
#ifndef KVLAB_AUTOGRADER_REPORT_HTML_CHECKS_H_
#define KVLAB_AUTOGRADER_REPORT_HTML_CHECKS_H_

#include <string>

#include "autograder/report/check_rows.h"
#include "autograder/report/html.h"
#include "autograder/report/report.h"

namespace kvlab::grading {

// "12.5 of 20"
Html PointsOf(double points, double max_points);

// The id of a check or a part in the page, as in a link after #.
std::string IdOf(const CheckRow& row);
std::string IdOf(const Report& report, const PartMark& part);

// All of one part: why it could not be run, or its tasks with their checks.
// Checks that lost points are unfolded.
Html PartSection(const Report& report, const PartMark& part);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_HTML_CHECKS_H_
