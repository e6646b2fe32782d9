// The points that a submission has earned, check by check.
#ifndef KVLAB_AUTOGRADER_SCORING_MARKS_H_
#define KVLAB_AUTOGRADER_SCORING_MARKS_H_

#include <optional>
#include <string>
#include <vector>

#include "autograder/exam/measurement.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// `points` as a person writes them: 90, where floating-point sums make
// 90.00000000000009. Four places hold every share of every check.
double Written(double points);

// What a check showed beside its points, for checks that depend on it.
struct CheckFacts {
  // Of a cost: whether it was within its limit. Nothing if it is not measured.
  std::optional<bool> affordable;
  bool own_fault = false;     // fails with the functions of its task alone, too
  bool timed_out = false;     // an answer came too late
  double waited_seconds = 0;  // of the time that a submission's answers have
};

struct CheckMark {
  const RubricCheck* check = nullptr;
  bool run = false;   // false: something that it needs did not pass
  double points = 0;  // of check->points
  // The error; or why it was not run: "because task 3.2 failed: Append".
  std::string came_back = {};
  // A check that failed above and made this one fail: "Full pass (1.3)"; "" if
  // there is none.
  std::string follows = {};
  std::string cause = {};  // that check's name
  bool alone = false;      // passed with the functions of its task alone
  std::string measured = {};
  double seconds = 0;
  Measurements measurements = {};

  // The machine was too busy to judge it: its points are neither earned nor
  // lost.
  bool blocked = false;

  CheckFacts facts = {};

  bool Passed() const { return run && !blocked && points == check->points; }
};

struct TaskMark {
  const RubricTask* task = nullptr;
  std::vector<CheckMark> checks;

  double Points() const;
};

struct PartMark {
  const RubricPart* part = nullptr;
  std::string trouble;  // why the whole part could not be run; "" otherwise
  std::vector<TaskMark> tasks;

  double Points() const;
};

// Adds points up, those of bonus parts only up to the limit.
class CountedPoints {
 public:
  explicit CountedPoints(double most_bonus) : bonus_left_(most_bonus) {}

  // The increase of the total by `points` of this part.
  double Of(const RubricPart& part, double points);

 private:
  double bonus_left_;
};

// Refers to the rubric, which must outlive it.
struct Marks {
  std::vector<PartMark> parts;
  double most_bonus = 0;  // the most that all bonus parts together can add
  // Whether the submission's answers used up its time limit.
  bool out_of_time = false;

  // With the bonus, as far as it counts.
  double Points() const;
  // Earned in the bonus parts, as far as it counts.
  double BonusPoints() const;
  // Of the parts that are not a bonus.
  double MaxPoints() const;
  // The most that the bonus parts could have added.
  double MaxBonusPoints() const;
  // Of checks that could not be judged: while there are any, the marks are
  // provisional.
  double BlockedPoints() const;
  // MaxPoints(), without the checks that could not be judged.
  double JudgedPoints() const;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_MARKS_H_
