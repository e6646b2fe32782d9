// Which of the checks that lost points made others fail.
#ifndef KVLAB_AUTOGRADER_REPORT_CAUSES_H_
#define KVLAB_AUTOGRADER_REPORT_CAUSES_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// "25 of the 26 checks that lost points follow from one: 3.6 Cached attention,
// Steps. Begin there." Of several causes, that of most. "" if nothing follows
// from anything.
std::string WhereToBegin(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_CAUSES_H_
