// The machines that a mark must not depend on, emulated on this one.
#ifndef KVLAB_AUTOGRADER_PROOF_GRADERLAB_CONDITIONS_H_
#define KVLAB_AUTOGRADER_PROOF_GRADERLAB_CONDITIONS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "autograder/proof/graderlab/hogs.h"

namespace kvlab::grading {

// What else the machine does.
enum class OtherWork {
  kNone,
  kComputing,   // a program on each core that the grader does not use
  kReading,     // the same, reading from memory as fast as it can
  kSlowMemory,  // the same, only so fast that the grader reads half as fast
  kEverywhere,  // a computing program on each core, the grader's too
};

struct Condition {
  std::string name = "";
  // The baseline recomputes in AVX-512. The student and the reference's cache
  // stay in AVX2, so a cache gains less and the table's margins shrink.
  bool wide_baseline = false;
  // The grader may use one core alone.
  bool one_core = false;
  OtherWork other = OtherWork::kNone;
};

// All of them, the quietest first.
const std::vector<Condition>& AllConditions();

// A condition that this machine cannot emulate, and why not; "" if it can.
//   cores: how many this process may use
std::string Impossible(const Condition& condition, std::size_t cores);

// Keeps the machine in a condition while it exists.
class Emulated {
 public:
  // Slow memory takes seconds to set up: the other programs read for as large a
  // part of the time as leaves this thread half of the speed at which it reads
  // the shipped model's weights, or all of the time if that takes less.
  // Throws SandboxError if the system refuses a process or a core.
  explicit Emulated(const Condition& condition);

  // Of the speed at which this thread reads the shipped model's weights with no
  // other program of ours: 0.5 is half. 1 if none reads.
  double BandwidthLeft() const { return bandwidth_left_; }

 private:
  double bandwidth_left_ = 1;
  std::unique_ptr<OnCores> cores_;
  std::unique_ptr<Hogs> hogs_;
};

// The part of the time for which others must read, so that `left`, what remains
// of the bandwidth at a duty, is closest to a half. It falls as the duty rises.
//   left: is asked for some duties above 0 and up to 1
template <typename Left>
double DutyForHalf(const Left& left) {
  constexpr double kHalf = 0.5;
  constexpr int kSteps = 5;
  double low = 0;
  double high = 1;
  if (left(high) >= kHalf) return high;
  for (int step = 0; step < kSteps; ++step) {
    const double middle = (low + high) / 2;
    (left(middle) >= kHalf ? low : high) = middle;
  }
  return (low + high) / 2;
}

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_GRADERLAB_CONDITIONS_H_
