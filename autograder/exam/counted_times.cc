#include "autograder/exam/counted_times.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>

#include "fmt/format.h"
#include "kit/measure/stopwatch.h"

namespace kvlab::grading {

Values CountedTimes::AskCounted(Exam& exam, std::size_t tokens,
                                const std::string& operation,
                                const Question& question) {
  const Stopwatch watch;
  Values answer = exam.AskCounted(operation, question);
  const double seconds = watch.Seconds();
  const auto [known, fresh] = seconds_.emplace(tokens, seconds);
  if (!fresh) known->second = std::min(known->second, seconds);
  return answer;
}

void ExpectTimesAgree(Exam& exam, const CountedGrowth& counted,
                      const CountedTimes& times,
                      const std::function<void()>& again) {
  const auto time_growth = [&] {
    return times.Seconds(counted.many) / times.Seconds(counted.few);
  };
  const double allowed =
      exam.Setting("time_slack") * std::max(1.0, counted.growth);
  for (std::size_t repeat = 0; time_growth() > allowed; ++repeat) {
    if (repeat == kMostRepeats) {
      exam.NoteCost(false);
      exam.Case("");
      exam.Fail(fmt::format(
          "a step at {} tokens took {:.1f} times as long as one at {}, while "
          "{:.1f} times as many instructions were counted: the count was "
          "tampered with, or the work was done elsewhere",
          counted.many, time_growth(), counted.few, counted.growth));
    }
    again();
  }
}

}  // namespace kvlab::grading
