// Runs the checks of a rubric and adds up their points.
#ifndef KVLAB_AUTOGRADER_SCORING_SCORING_H_
#define KVLAB_AUTOGRADER_SCORING_SCORING_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "autograder/exam/exam.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// The endpoints that answer for a part, or why there are none: the code does
// not compile.
struct PartSetup {
  Answerers answerers;
  std::string trouble;
  // The folders of the modules whose code is the student's.
  std::vector<std::string> modules = {};
  // Calls `judge` with an endpoint that has the student's functions of one task
  // and the reference's for all others of the module; does nothing if it cannot
  // be built.
  std::function<void(const RubricTask& task,
                     const std::function<void(const Answerers&)>& judge)>
      with_task_alone = nullptr;
};

struct ScoringOptions {
  // The same seed gives the same inputs, even if only some parts are judged.
  std::uint64_t seed = 0;
  // In place of it for a check with the setting per_author = 1: what is drawn
  // there is the same for each submission of the same author. `seed` if not
  // given.
  std::optional<std::uint64_t> author_seed = {};
  CheckpointPlaces checkpoint;
  std::function<PartSetup(const RubricPart& part)> set_up_part;
  // Called before each check.
  std::function<void(const RubricTask& task, const RubricCheck& check)>
      on_check = nullptr;
  // Which parts are judged; all of them if not given.
  std::function<bool(const RubricPart& part)> wanted = nullptr;
  // Marks of the same submission and seed, in terms of the same rubric. A check
  // that has a mark here is not run again, unless it was not run because of a
  // check that now passes. A part that has no check to run is not built:
  // set_up_part need give only `modules` for it.
  const Marks* earlier = nullptr;
};

// Whether a check of the part has no mark in `earlier`, which may be null.
bool HasChecksToRun(const RubricPart& part, const Marks* earlier);

// Each check meets a fresh worker, so one check cannot affect another. A check
// that fails is judged a second time with the functions of its task alone; if
// it passes then, it earns RubricCheck::alone of its points. It earns nothing
// if the code is not implemented, took too long or cost too much. Fixing code
// never lowers the mark. Throws GraderError if the grader itself is at fault.
Marks Score(const Rubric& rubric, const Checks& known,
            const ScoringOptions& options);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_SCORING_H_
