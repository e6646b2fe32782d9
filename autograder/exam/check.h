// A check: one promise of a module's header, put to the student's code.
#ifndef KVLAB_AUTOGRADER_EXAM_CHECK_H_
#define KVLAB_AUTOGRADER_EXAM_CHECK_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "autograder/exam/exam.h"
#include "autograder/exam/measurement.h"

namespace kvlab::grading {

// The result of a check.
struct Verdict {
  double share = 0;       // of the check's points, 0 to 1
  std::string came_back;  // what the author reads when share is below 1
  std::string measured;   // what was measured, also when all is well
  Measurements measurements = {};  // what the check recorded, pass or fail
  // For a check of a cost (time, instructions, memory): whether the cost was
  // within its limit, even if the answers were wrong; nothing if it was never
  // measured.
  std::optional<bool> affordable = {};
  // The machine was too busy to judge; came_back gives details. The check earns
  // no points and no zero: the submission must be graded again.
  bool blocked = false;
};

struct Check {
  std::string name;  // as the rubric calls it: "causal.chunk"
  // The numbers that the rubric must give it, and no others.
  std::vector<std::string> settings;
  // Throws CheckFailed for a share of 0, GraderError if the grader is at fault.
  std::function<Verdict(Exam&)> run;
  // The quantity that the rubric's tiers are thresholds of, "speedup"; "" for a
  // check without tiers.
  std::string tiers_of = {};
};

using Checks = std::vector<Check>;

// A check that earns all or nothing: nothing if it throws CheckFailed.
Check AllOrNothing(std::string name, std::vector<std::string> settings,
                   std::function<void(Exam&)> run);

// Runs one check and turns what it throws into a Verdict; GraderError passes.
// CheckBlocked gives a blocked Verdict.
Verdict RunCheck(const Check& check, Exam& exam);

// The checks linked into the process: each *_checks.cc registers its own (their
// libraries are alwayslink).
const Checks& AllChecks();

// nullptr if there is none of that name.
const Check* FindCheck(const std::string& name);

// Use as a static object. A name registered twice ends the process.
struct RegisterChecks {
  explicit RegisterChecks(const Checks& checks);
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_CHECK_H_
