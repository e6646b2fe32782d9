// How long something takes.
#ifndef KVLAB_KIT_MEASURE_STOPWATCH_H_
#define KVLAB_KIT_MEASURE_STOPWATCH_H_

#include <chrono>

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

}  // namespace kvlab

#endif  // KVLAB_KIT_MEASURE_STOPWATCH_H_
