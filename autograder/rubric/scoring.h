// Runs the checks of a rubric and adds up what they earn.
#ifndef KVLAB_AUTOGRADER_RUBRIC_SCORING_H_
#define KVLAB_AUTOGRADER_RUBRIC_SCORING_H_

#include <cstdint>
#include <functional>
#include <string>

#include "autograder/checks/exam.h"
#include "autograder/rubric/marks.h"
#include "autograder/rubric/rubric.h"

namespace kvlab::grading {

// Who answers for a part, or why nobody can: the code does not compile.
struct PartSetup {
  Parties parties;
  std::string trouble;
};

struct ScoringOptions {
  // The same seed gives the same inputs, also if only some parts are judged.
  std::uint64_t seed = 0;
  CheckpointPlaces checkpoint;
  std::function<PartSetup(const RubricPart& part)> set_up_part;
  // Called before each check.
  std::function<void(const RubricTask& task, const RubricCheck& check)>
      on_check = nullptr;
  // Which parts are judged; all of them if not given.
  std::function<bool(const RubricPart& part)> wanted = nullptr;
};

// Each check meets a fresh worker, so that what one has broken no other feels.
// Throws GraderError if the grader itself is at fault.
Marks Score(const Rubric& rubric, const Checks& known,
            const ScoringOptions& options);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_RUBRIC_SCORING_H_
