#include "kit/math/work.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>

#include "kit/error.h"

namespace kvlab {
namespace {

std::array<std::atomic<std::uint64_t>, kWorkCategories> counters;

std::uint64_t Sum(std::uint64_t a, std::uint64_t b) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) {
    throw ContractError(
        "WorkCounts: a sum exceeds 64-bit arithmetic",
        std::to_string(a) + " + " + std::to_string(b) + " multiply-accumulates",
        "check the sizes: no machine does this much");
  }
  return sum;
}

}  // namespace

std::string_view WorkName(Work work) {
  constexpr std::array<std::string_view, kWorkCategories> kNames = {
      "qkv", "attention", "projection", "mlp", "head"};
  return kNames[static_cast<std::size_t>(work)];
}

std::uint64_t WorkCounts::Total() const {
  return std::accumulate(macs.begin(), macs.end(), std::uint64_t{0}, Sum);
}

WorkCounts operator-(const WorkCounts& after, const WorkCounts& before) {
  WorkCounts difference;
  for (std::size_t i = 0; i < kWorkCategories; ++i) {
    difference.macs[i] = after.macs[i] - before.macs[i];
  }
  return difference;
}

WorkCounts operator+(const WorkCounts& a, const WorkCounts& b) {
  WorkCounts sum;
  for (std::size_t i = 0; i < kWorkCategories; ++i) {
    sum.macs[i] = Sum(a.macs[i], b.macs[i]);
  }
  return sum;
}

WorkCounts CountedWork() {
  WorkCounts counts;
  for (std::size_t i = 0; i < kWorkCategories; ++i) {
    counts.macs[i] = counters[i].load(std::memory_order_relaxed);
  }
  return counts;
}

void CountMacs(Work work, std::uint64_t macs) {
  constexpr std::uint64_t kNobodyDoes = std::uint64_t{1} << 48U;
  if (macs >= kNobodyDoes) {
    throw ContractError("CountMacs: " + std::to_string(macs) +
                            " multiply-accumulates in one call",
                        "counts only grow, by the work of a kernel",
                        "count the multiplications that were done");
  }
  counters[static_cast<std::size_t>(work)].fetch_add(macs,
                                                     std::memory_order_relaxed);
}

}  // namespace kvlab
