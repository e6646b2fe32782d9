#include "kit/measure/roofline.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/kernels/instruction_set.h"
#include "kit/kernels/kernels.h"
#include "kit/math/median.h"
#include "kit/measure/stopwatch.h"

namespace kvlab {
namespace {

// Takes the results of the loops, or the compiler would leave them out.
volatile float sink;

// The shortest of many runs, in seconds.
template <typename Action>
double BestTime(Action action) {
  constexpr double kBudget = 0.05;  // seconds
  const Stopwatch all;
  double best_s = kBudget;
  do {
    const Stopwatch run;
    action();
    best_s = std::min(best_s, run.Seconds());
  } while (all.Seconds() < kBudget);
  return best_s;
}

}  // namespace

double MeasureReadBandwidth(std::size_t working_set_bytes) {
  constexpr std::size_t kSmallest = 1024;
  if (working_set_bytes < kSmallest) {
    throw ContractError("MeasureReadBandwidth: too few bytes to time",
                        std::to_string(working_set_bytes) + " of at least " +
                            std::to_string(kSmallest),
                        "ask for a larger working set");
  }
  // Small sets are read several times per run: a run lasts some 10 us.
  constexpr std::size_t kBytesPerRun = 1U << 20U;
  const std::size_t repeats =
      std::max<std::size_t>(1, kBytesPerRun / working_set_bytes);
  // A buffer's place in physical memory can make a difference of a quarter.
  constexpr std::size_t kPlaces = 5;
  const std::vector<std::vector<float>> places(
      kPlaces, std::vector<float>(working_set_bytes / sizeof(float), 1.0F));
  const kernels::Kernels& kernels = KernelsInUse();
  std::vector<double> best_s;
  best_s.reserve(kPlaces);
  for (const std::vector<float>& place : places) {
    best_s.push_back(BestTime([&] {
      for (std::size_t i = 0; i < repeats; ++i) {
        sink = kernels.read_all(place);
      }
    }));
  }
  return static_cast<double>(repeats * working_set_bytes) / Median(best_s);
}

double MeasureFlopPeak() {
  constexpr std::size_t kRounds = 10000;
  const kernels::Kernels& kernels = KernelsInUse();
  const auto flop = static_cast<double>(kRounds * kernels.flop_per_round);
  // The factor is not known to the compiler.
  return flop / BestTime([&] {
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
