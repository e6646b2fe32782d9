#include "kit/measure/roofline.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/kernels/instruction_set.h"
#include "kit/kernels/kernels.h"
#include "kit/measure/stopwatch.h"
#include "kit/tensor/weight_memory.h"

namespace kvlab {
namespace {

// Takes the results of the loops, or the compiler would leave them out.
volatile float sink;

// The shortest run of as many as fit in `budget_s`, but at least three, in
// seconds of processor time: other programs on this core do not count.
template <typename Action>
double BestTime(double budget_s, Action action) {
  constexpr int kFewestRuns = 3;
  const double begin_s = ThreadSeconds();
  double best_s = std::numeric_limits<double>::infinity();
  double now_s = begin_s;
  for (int run = 0; run < kFewestRuns || now_s - begin_s < budget_s; ++run) {
    action();
    const double end_s = ThreadSeconds();
    best_s = std::min(best_s, end_s - now_s);
    now_s = end_s;
  }
  return best_s;
}

}  // namespace

ReadingRoof::ReadingRoof(std::size_t working_set_bytes) {
  if (working_set_bytes < kSmallestSet) {
    throw ContractError("MeasureReadBandwidth: too few bytes to time",
                        std::to_string(working_set_bytes) + " of at least " +
                            std::to_string(kSmallestSet),
                        "ask for a larger working set");
  }
  memory_ = AllocateWeights(working_set_bytes);
  values_ = {reinterpret_cast<float*>(memory_.get()),
             working_set_bytes / sizeof(float)};
  std::ranges::fill(values_, 1.0F);
}

double ReadingRoof::BytesPerSecond() const {
  constexpr std::array<std::size_t, 4> kBytesAhead = {0, 512, 2048, 8192};
  constexpr double kBudget = 0.003;  // seconds for each
  // Small sets are read several times per run: a run lasts some 20 us.
  constexpr std::size_t kBytesPerRun = 2U << 20U;
  const std::size_t repeats =
      std::max<std::size_t>(1, kBytesPerRun / values_.size_bytes());
  const kernels::Kernels& kernels = KernelsInUse();
  double best_s = std::numeric_limits<double>::infinity();
  for (const std::size_t ahead : kBytesAhead) {
    best_s = std::min(best_s, BestTime(kBudget, [&] {
                        for (std::size_t i = 0; i < repeats; ++i) {
                          sink = kernels.read_all(values_, ahead);
                        }
                      }));
  }
  return static_cast<double>(repeats * values_.size_bytes()) / best_s;
}

double MeasureReadBandwidth(std::size_t working_set_bytes) {
  constexpr int kReadings = 2;
  const ReadingRoof roof(working_set_bytes);
  double highest = 0;
  for (int i = 0; i < kReadings; ++i) {
    highest = std::max(highest, roof.BytesPerSecond());
  }
  return highest;
}

double MeasureFlopPeak() {
  constexpr std::size_t kRounds = 10000;
  constexpr double kBudget = 0.01;  // seconds
  const kernels::Kernels& kernels = KernelsInUse();
  const auto flop = static_cast<double>(kRounds * kernels.flop_per_round);
  // The factor is not known to the compiler.
  return flop / BestTime(kBudget, [&] {
           sink = kernels.multiply_add(kRounds, 0.5F + sink * 0.0F);
         });
}

MachineRoofs MeasureRoofs(std::span<const std::size_t> working_sets_bytes) {
  if (working_sets_bytes.empty() ||
      std::ranges::adjacent_find(working_sets_bytes, std::greater_equal{}) !=
          working_sets_bytes.end()) {
    throw ContractError(
        "MeasureRoofs: the working sets are not in ascending order",
        "bandwidths are looked up by size, and there must be "
        "one",
        "give sizes in bytes from the smallest to the largest");
  }
  MachineRoofs roofs;
  for (const std::size_t bytes : working_sets_bytes) {
    roofs.bandwidths.push_back({.working_set_bytes = bytes,
                                .bytes_per_s = MeasureReadBandwidth(bytes)});
  }
  roofs.flop_per_s = MeasureFlopPeak();
  return roofs;
}

}  // namespace kvlab
