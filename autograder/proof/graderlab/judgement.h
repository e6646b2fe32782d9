// Compares the result of a case with its expectation.
#ifndef KVLAB_AUTOGRADER_PROOF_GRADERLAB_JUDGEMENT_H_
#define KVLAB_AUTOGRADER_PROOF_GRADERLAB_JUDGEMENT_H_

#include <string>
#include <vector>

#include "autograder/proof/graderlab/lab_case.h"
#include "autograder/report/report.h"

namespace kvlab::grading {

// The message to the author about the first check that `loses` names, or why it
// was not run. "" if it lost nothing.
std::string MessageTo(const LabCase& one, const Report& report);

// The deviations from the case's expectation, one sentence each.
std::vector<std::string> Deviations(const LabCase& one, const Report& report);

// The points that a planted bug costs, except end to end, and the points of its
// task.
struct CostOfBug {
  double lost = 0;
  double task_points = 0;
};

//   task: that of the function it is in, see TaskOf
CostOfBug CostOf(const Report& report, const std::string& task);

// A sentence if it costs more than twice the points of its task.
std::vector<std::string> CostDeviations(const Report& report,
                                        const std::string& task);

// Points of each part, as the report gives them and as the expectation says:
// "18 22 61 1.5". A check that `may_lose` names counts as the report has it.
std::string PointsByPart(const Report& report);
std::string ExpectedByPart(const LabCase& one, const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_GRADERLAB_JUDGEMENT_H_
