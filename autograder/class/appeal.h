// Grades one attempt again, with its own seed and with fresh ones: does the
// mark depend on chance?
#ifndef KVLAB_AUTOGRADER_CLASS_APPEAL_H_
#define KVLAB_AUTOGRADER_CLASS_APPEAL_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "autograder/class/course_folder.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/grading.h"

namespace kvlab::grading {

inline constexpr std::size_t kFreshSeeds = 3;

struct AppealRun {
  std::uint64_t seed = 0;
  double points = 0;                 // before any late policy or override
  std::vector<std::string> changes;  // the checks that differ from the record
  bool blocked = false;              // checks could not be judged
};

enum class AppealVerdict {
  kStands,        // every check earned what it had, with each seed
  kDoesNotStand,  // a check earned something else
  kOpen,          // no check did, but some could not be judged
};

struct AppealOutcome {
  double points = 0;            // of the record in force
  std::vector<AppealRun> runs;  // the first with the seed of the attempt
  std::size_t overrides = 0;    // that the person has; they stay

  AppealVerdict Verdict() const;
};

// Judges all checks of the person's attempt that counts: with its seed, then
// with kFreshSeeds others. Keeps the result with the record in force, which
// stays as it is. Throws DataError if the person is not on the roster, or has
// no mark, or has one by another rubric than the grader's.
AppealOutcome Appeal(const CourseFolder& course, Gradebook& book,
                     const ClassGrader& grader, const std::string& id,
                     const OnStep& on_progress);

std::string AppealText(const AppealOutcome& outcome);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_APPEAL_H_
