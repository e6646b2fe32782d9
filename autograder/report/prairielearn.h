// PrairieLearn's results.json of an external grader.
// Source: docs.prairielearn.com, "External Grading", section "Grading results".
#ifndef KVLAB_AUTOGRADER_REPORT_PRAIRIELEARN_H_
#define KVLAB_AUTOGRADER_REPORT_PRAIRIELEARN_H_

#include <string>

#include "autograder/report/report.h"

namespace kvlab::grading {

// A score from 0 to 1 and one test per check; the plots are images. If nothing
// could be run, the submission is not gradable: its author sees the compiler's
// errors and loses no attempt.
std::string PrairieLearnJson(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_PRAIRIELEARN_H_
