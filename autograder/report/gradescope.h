// Gradescope's results.json.
// Source: gradescope-autograders.readthedocs.io, "Autograder Specifications",
// section "Output format", and "Leaderboards".
#ifndef KVLAB_AUTOGRADER_REPORT_GRADESCOPE_H_
#define KVLAB_AUTOGRADER_REPORT_GRADESCOPE_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// One test per check that the author may see, and the score of these.
// Gradescope's own hiding is not used: with a hidden test it shows the student
// no total at all, and a total that includes hidden tests reveals their
// results. Text for the instructor goes to standard output, which students do
// not see. Valid UTF-8 whatever the submission printed or threw, and never
// rendered as markup.
std::string GradescopeJson(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_GRADESCOPE_H_
