// What a submission has earned, check by check.
#ifndef KVLAB_AUTOGRADER_SCORING_MARKS_H_
#define KVLAB_AUTOGRADER_SCORING_MARKS_H_

#include <string>
#include <vector>

#include "autograder/exam/measurement.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// `points` as a person writes them: 90, where floating-point sums make
// 90.00000000000009. Four places hold every share of every check.
double Written(double points);

struct CheckMark {
  const RubricCheck* check = nullptr;
  bool run = false;   // false: something that it needs did not pass
  double points = 0;  // of check->points
  // What was wrong; or why it was not run: "because task 3.2 failed: Append".
  std::string came_back = {};
  // A check that failed above and made this one fail: "Full pass (1.3)"; "" if
  // this one speaks for itself.
  std::string follows = {};
  std::string cause = {};  // that check's name
  bool alone = false;      // passed with the functions of its task alone
  std::string measured = {};
  double seconds = 0;
  Measurements measurements = {};

  // The machine was too busy to judge it: its points are neither earned nor
  // lost.
  bool blocked = false;

  bool Passed() const { return run && !blocked && points == check->points; }
};

struct TaskMark {
  const RubricTask* task = nullptr;
  std::vector<CheckMark> checks;

  double Points() const;
};

struct PartMark {
  const RubricPart* part = nullptr;
  std::string trouble;  // why nothing of it could be run; "" otherwise
  std::vector<TaskMark> tasks;

  double Points() const;
};

// Counts points one after the other, and those of bonus parts only until the
// limit is reached.
class CountedPoints {
 public:
  explicit CountedPoints(double most_bonus) : bonus_left_(most_bonus) {}

  // What `points` of this part add to the whole.
  double Of(const RubricPart& part, double points);

 private:
  double bonus_left_;
};

// Refers to the rubric, which must outlive it.
struct Marks {
  std::vector<PartMark> parts;
  double most_bonus = 0;  // as much as all bonus parts together can add
  // Whether the submission's answers took all the time that it has.
  bool out_of_time = false;

  // With the bonus, as far as it counts.
  double Points() const;
  // Earned in the bonus parts, as far as it counts.
  double BonusPoints() const;
  // Of the parts that are not a bonus.
  double MaxPoints() const;
  // As much as the bonus parts could have added.
  double MaxBonusPoints() const;
  // Of checks that could not be judged: while there are any, the marks are
  // provisional.
  double BlockedPoints() const;
  // MaxPoints(), without the checks that could not be judged.
  double JudgedPoints() const;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_MARKS_H_
