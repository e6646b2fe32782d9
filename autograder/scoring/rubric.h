// Reads and checks the course's rubric.toml and those of its parts: what is
// judged, for how many points, by which numbers, and the texts for the author.
#ifndef KVLAB_AUTOGRADER_SCORING_RUBRIC_H_
#define KVLAB_AUTOGRADER_SCORING_RUBRIC_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/exam.h"
#include "autograder/exam/tiers.h"
#include "autograder/scoring/late_policy.h"
#include "autograder/scoring/visibility.h"

namespace kvlab::grading {

inline constexpr double kAloneShare = 0.9;

struct RubricCheck {
  std::string name;
  std::string run;    // which of AllChecks(); its own name unless given
  std::string title;  // "Mask of a chunk"
  double points = 0;
  std::string asked;
  std::string why;
  std::string where;
  // Checks, or ids of tasks, above this one in the same part: unless they earn
  // all their points, this one is not run.
  std::vector<std::string> needs;
  // Likewise: if this one fails and one of them failed too, the report says to
  // fix that one first.
  std::vector<std::string> follows;
  // The share of its points that it earns if it fails with all of the module's
  // code but passes with the functions of its task alone: the fault is
  // elsewhere.
  double alone = kAloneShare;
  // Checks of a cost above this one, which must pass for it to earn points
  // alone.
  std::vector<std::string> affordable;
  Exam::Settings settings;
  Tiers tiers;  // of what the check measures; none for most
  Visibility visibility = Visibility::kVisible;
};

struct RubricTask {
  std::string id;  // "1.3"
  std::string title;
  // Of a task without a function of its own: the tasks above it, whose
  // functions its checks measure.
  std::vector<std::string> measures = {};
  std::vector<RubricCheck> checks;

  double Points() const;
};

// The code or answers that a part judges.
enum class Judged {
  kModule,      // one module's code, on the reference's modules before it
  kQuiz,        // the answers to one module's concept checks, and no code
  kEverything,  // all of the student's code together
};

// The name of the worker of kEverything; the others have their module's name.
inline constexpr const char* kEverything = "everything";

struct RubricPart {
  std::string title;
  Judged judged = Judged::kEverything;
  std::string module = {};  // its folder, "01_attention"; "" for kEverything
  bool bonus = false;       // on top of the 100 points of the other parts
  std::vector<RubricTask> tasks;

  double Points() const;
  // The name of its program in the worker kit; for concept checks, whose
  // answers are in a file, the module's.
  std::string Worker() const {
    return judged == Judged::kEverything ? kEverything : module;
  }
};

struct RubricLimits {
  // Wall time for compiling and linking a submission; for all its answers
  // except timed runs; and for the answers of one check.
  double build_seconds = 300;
  double submission_seconds = 300;
  double check_seconds = 30;
  CallLimits call;  // of one call, unless a check has its own
  // Once `patience` checks of a part have timed out, calls get this many
  // seconds, so that code that hangs everywhere does not take hours.
  double hasty_call_seconds = 2;
  std::size_t patience = 3;
};

struct Rubric {
  RubricLimits limits;
  std::optional<LatePolicy> late_policy;  // none: no due date
  std::vector<RubricPart> parts;
  double most_bonus = 0;  // the most that all bonus parts together can add

  double Points() const;  // of the parts that are not a bonus: 100
};

struct RubricText {
  std::string file;  // what errors call it
  std::string toml;
};

// The text of a part, by its name in the course's rubric; throws DataError if
// there is none.
using PartReader = std::function<RubricText(const std::string& name)>;

// Each part's checks are scaled to the points that the course gives the part.
// Throws DataError, naming file and line, for an unknown or missing key, a
// check that is not in `known`, settings other than that check's, a negative
// number, tiers that are missing or out of order, a bad date, a check or task
// named twice in a part, a part named twice, needs or follows that are unknown,
// cyclic or not above the check, a bonus without a limit, or parts whose points
// do not sum to 100.
Rubric ParseRubric(const RubricText& course, const PartReader& part,
                   const Checks& known);

// The same for a file, whose parts are looked for in its folder, then in
// `parts`, the folder of the course's own rubric.
Rubric LoadRubric(const std::filesystem::path& file, const Checks& known,
                  const std::filesystem::path& parts = {});

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_RUBRIC_H_
