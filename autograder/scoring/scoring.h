// Runs the checks of a rubric and adds up what they earn.
#ifndef KVLAB_AUTOGRADER_SCORING_SCORING_H_
#define KVLAB_AUTOGRADER_SCORING_SCORING_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autograder/exam/exam.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// Who answers for a part, or why nobody can: the code does not compile.
struct PartSetup {
  Parties parties;
  std::string trouble;
  // The folders of the modules whose code is the student's.
  std::vector<std::string> modules = {};
  // Calls `judge` with a student who answers with the functions of one task,
  // and with the reference's for all others of the module; does nothing where
  // that cannot be had.
  std::function<void(const RubricTask& task,
                     const std::function<void(const Parties&)>& judge)>
      with_task_alone = nullptr;
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

// Each check meets a fresh worker, so one check cannot affect another. A check
// that fails is judged a second time with the functions of its task alone; if
// it passes then, it earns RubricCheck::alone of its points. Not so if what
// failed is not done, took too long or cost too much. Whatever becomes right
// never lowers the mark.
// Throws GraderError if the grader itself is at fault.
Marks Score(const Rubric& rubric, const Checks& known,
            const ScoringOptions& options);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_SCORING_H_
