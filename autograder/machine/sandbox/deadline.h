// A moment by the grader's own monotonic clock.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_DEADLINE_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_DEADLINE_H_

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <utility>

namespace kvlab::grading {

class Deadline {
 public:
  // `seconds` from now; a day at most.
  explicit Deadline(double seconds)
      : end_(Clock::now() +
             std::chrono::duration_cast<Clock::duration>(
                 std::chrono::duration<double>(Bounded(seconds)))) {}

  // The same, and then as many seconds later as `more` says; it is asked each
  // time that the moment has come, and may give more than before.
  Deadline(double seconds, std::function<double()> more) : Deadline(seconds) {
    more_ = std::move(more);
  }

  // What poll() should wait: rounded up, 0 when the moment has passed.
  int PollMilliseconds() const {
    const std::chrono::duration<double, std::milli> left = Left();
    return static_cast<int>(std::ceil(std::max(0.0, left.count())));
  }

  bool Passed() const { return Left().count() <= 0; }

 private:
  using Clock = std::chrono::steady_clock;

  std::chrono::duration<double> Left() const {
    const std::chrono::duration<double> left = end_ - Clock::now();
    if (left.count() > 0 || !more_) return left;
    return left + std::chrono::duration<double>(Bounded(more_()));
  }

  static double Bounded(double seconds) {
    constexpr double kDay = 86400;
    return seconds > 0 ? std::min(seconds, kDay) : 0;
  }

  Clock::time_point end_;
  std::function<double()> more_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_DEADLINE_H_
