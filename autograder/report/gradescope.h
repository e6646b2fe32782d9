// Gradescope's results.json.
// Source: gradescope-autograders.readthedocs.io, "Specifications", section
// "Output Format".
#ifndef KVLAB_AUTOGRADER_REPORT_GRADESCOPE_H_
#define KVLAB_AUTOGRADER_REPORT_GRADESCOPE_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// One test per check, visible; what the instructor needs to repeat the run is
// a hidden test of 0 points at the end. Valid UTF-8 whatever the submission
// printed or threw.
std::string GradescopeJson(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_GRADESCOPE_H_
