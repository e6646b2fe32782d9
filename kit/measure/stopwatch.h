// How long something takes.
#ifndef KVLAB_KIT_MEASURE_STOPWATCH_H_
#define KVLAB_KIT_MEASURE_STOPWATCH_H_

#include <chrono>
#include <ctime>

namespace kvlab {

// Runs from its construction, on the steady clock: setting the machine's time
// does not move it.
class Stopwatch {
 public:
  // Since the construction or the last Restart().
  double Seconds() const {
    return std::chrono::duration<double>(Clock::now() - start_).count();
  }

  void Restart() { start_ = Clock::now(); }

 private:
  using Clock = std::chrono::steady_clock;

  Clock::time_point start_ = Clock::now();
};

// Seconds of processor time that this thread has used, so that other programs
// on its core do not count: for differences of two readings.
inline double ThreadSeconds() {
  std::timespec used{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return std::chrono::duration<double>(std::chrono::seconds(used.tv_sec) +
                                       std::chrono::nanoseconds(used.tv_nsec))
      .count();
}

}  // namespace kvlab

#endif  // KVLAB_KIT_MEASURE_STOPWATCH_H_
