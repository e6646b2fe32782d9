// How long counted calls took: a count can be forged from inside, time cannot.
#ifndef KVLAB_AUTOGRADER_EXAM_COUNTED_TIMES_H_
#define KVLAB_AUTOGRADER_EXAM_COUNTED_TIMES_H_

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "autograder/exam/exam.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// The least time that the call for each number of tokens has taken. A machine
// that does other things makes calls longer and never shorter.
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

// Throws CheckFailed if time grew more than the setting "time_slack" times as
// much as the instructions, and still does so after `again` has asked the same
// several times more.
void ExpectTimesAgree(Exam& exam, const CountedGrowth& counted,
                      const CountedTimes& times,
                      const std::function<void()>& again);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_COUNTED_TIMES_H_
