// Finds the check whose failure caused most others.
#ifndef KVLAB_AUTOGRADER_REPORT_CAUSES_H_
#define KVLAB_AUTOGRADER_REPORT_CAUSES_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// "25 of the 26 checks that lost points follow from one: 3.6 Cached attention,
// Steps. Begin there." Of several causes, the one with most consequences. "" if
// there is none.
std::string WhereToBegin(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_CAUSES_H_
