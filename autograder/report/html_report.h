// The report as one HTML page, for the author of a submission first.
#ifndef KVLAB_AUTOGRADER_REPORT_HTML_REPORT_H_
#define KVLAB_AUTOGRADER_REPORT_HTML_REPORT_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// Per check what was asked, what came back, why it matters and where to look;
// what to look at first; plots of what was measured. Needs nothing but itself,
// runs no script, and every word of the submission in it is escaped. Never the
// hidden inputs, nor the seed that they come from.
std::string HtmlReport(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_HTML_REPORT_H_
