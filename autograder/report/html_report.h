// The report as one HTML page, for the author of a submission first.
#ifndef KVLAB_AUTOGRADER_REPORT_HTML_REPORT_H_
#define KVLAB_AUTOGRADER_REPORT_HTML_REPORT_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// For each check the question, the answer, why it matters and where to look;
// what to look at first; plots of the measurements. Self-contained, without
// scripts, and all text of the submission is escaped. Never contains the hidden
// inputs or their seed.
std::string HtmlReport(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_HTML_REPORT_H_
