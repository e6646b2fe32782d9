// Times of counted calls. A worker can forge a count, but not the time taken.
#ifndef KVLAB_AUTOGRADER_EXAM_COUNTED_TIMES_H_
#define KVLAB_AUTOGRADER_EXAM_COUNTED_TIMES_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "autograder/exam/exam.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// The shortest time of the calls for each number of tokens. Other load makes
// calls longer, never shorter.
class CountedTimes {
 public:
  // Exam::AskCounted, timed.
  Values AskCounted(Exam& exam, std::size_t tokens,
                    const std::string& operation, const Question& question);

  double Seconds(std::size_t tokens) const { return seconds_.at(tokens); }

 private:
  std::map<std::size_t, double> seconds_;
};

// How many times as many instructions were counted at `many` tokens as at
// `few`.
struct CountedGrowth {
  std::size_t few = 0;
  std::size_t many = 0;
  double growth = 0;
};

// Repetitions of a call before its time counts as no accident of other load.
inline constexpr std::size_t kMostRepeats = 4;

// Throws CheckFailed if time grew more than the setting "time_slack" times as
// much as the instructions, and still does after `again` has repeated the call
// at `many` tokens kMostRepeats times. The check is then one of a cost that was
// too high, see Exam::NoteCost.
void ExpectTimesAgree(Exam& exam, const CountedGrowth& counted,
                      const CountedTimes& times,
                      const std::function<void()>& again);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_COUNTED_TIMES_H_
