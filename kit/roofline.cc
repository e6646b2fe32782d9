#include "kit/roofline.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kit/error.h"
#include "xsimd/xsimd.hpp"

namespace kvlab {
namespace {

using Floats = xsimd::batch<float>;

// What the loops compute ends here, or the compiler would leave them out.
volatile float sink;

// Reads everything once, in four streams of additions.
void ReadAll(std::span<const float> values) {
  constexpr std::size_t kStreams = 4;
  constexpr std::size_t kStep = kStreams * Floats::size;
  std::array<Floats, kStreams> sums;
  sums.fill(Floats(0.0F));
  for (std::size_t i = 0; i + kStep <= values.size(); i += kStep) {
#pragma GCC unroll 4
    for (std::size_t s = 0; s < kStreams; ++s) {
      sums[s] += Floats::load_unaligned(values.data() + i + s * Floats::size);
    }
  }
  sink = xsimd::hadd(sums[0] + sums[1] + sums[2] + sums[3]);
}

// 12 independent chains of multiply-adds: 2 start per cycle and each takes 4.
constexpr std::size_t kChains = 12;

void MultiplyAdd(std::size_t rounds) {
  const Floats factor(0.5F + sink * 0.0F);  // not known to the compiler
  std::array<Floats, kChains> sums;
  sums.fill(factor);
  for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (Floats& sum : sums) sum = xsimd::fma(sum, factor, factor);
  }
  Floats total(0.0F);
  for (const Floats& sum : sums) total += sum;
  sink = xsimd::hadd(total);
}

double Seconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// The shortest of many runs, in seconds.
template <typename Action>
double BestTime(Action action) {
  constexpr double kBudget = 0.05;  // seconds
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  double best_s = kBudget;
  do {
    const Clock::time_point start = Clock::now();
    action();
    best_s = std::min(best_s, Seconds(Clock::now() - start));
  } while (Seconds(Clock::now() - begin) < kBudget);
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
  // Where in physical memory a buffer lies can make a difference of a quarter.
  constexpr std::size_t kPlaces = 5;
  const std::vector<std::vector<float>> places(
      kPlaces, std::vector<float>(working_set_bytes / sizeof(float), 1.0F));
  std::array<double, kPlaces> best_s{};
  for (std::size_t place = 0; place < kPlaces; ++place) {
    best_s[place] = BestTime([&] {
      for (std::size_t i = 0; i < repeats; ++i) ReadAll(places[place]);
    });
  }
  std::ranges::sort(best_s);
  return static_cast<double>(repeats * working_set_bytes) / best_s[kPlaces / 2];
}

double MeasureFlopPeak() {
  constexpr std::size_t kRounds = 10000;
  constexpr double kFlop = 2.0 * kRounds * kChains * Floats::size;
  return kFlop / BestTime([] { MultiplyAdd(kRounds); });
}

MachineRoofs MeasureRoofs(std::span<const std::size_t> working_sets_bytes) {
  if (working_sets_bytes.empty() ||
      std::ranges::adjacent_find(working_sets_bytes, std::greater_equal{}) !=
          working_sets_bytes.end()) {
    throw ContractError("MeasureRoofs: the working sets do not rise",
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
