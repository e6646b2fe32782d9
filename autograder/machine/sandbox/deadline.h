// A moment by the grader's own monotonic clock.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_DEADLINE_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_DEADLINE_H_

#include <algorithm>
#include <chrono>
#include <cmath>

namespace kvlab::grading {

class Deadline {
 public:
  // `seconds` from now; a day at most.
  explicit Deadline(double seconds)
      : end_(Clock::now() +
             std::chrono::duration_cast<Clock::duration>(
                 std::chrono::duration<double>(Bounded(seconds)))) {}

  // What poll() should wait: rounded up, 0 when the moment has passed.
  int PollMilliseconds() const {
    const std::chrono::duration<double, std::milli> left = end_ - Clock::now();
    return static_cast<int>(std::ceil(std::max(0.0, left.count())));
  }

  bool Passed() const { return Clock::now() >= end_; }

 private:
  using Clock = std::chrono::steady_clock;
  static double Bounded(double seconds) {
    constexpr double kDay = 86400;
    return seconds > 0 ? std::min(seconds, kDay) : 0;
  }

  Clock::time_point end_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_DEADLINE_H_
