#include "kit/measure/paired_ratios.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "kit/error.h"
#include "kit/math/median.h"

namespace kvlab {
namespace {

// How many of the smallest and of the largest of `count` values may be left
// out, with the median still between the others at 95 %.
std::size_t LeftOut(std::size_t count) {
  constexpr double kTail = 0.025;
  // Chance that `below` of `count` values lie below the median, and fewer.
  double chance = std::pow(0.5, static_cast<double>(count));
  double sum = chance;
  std::size_t below = 0;
  while (sum <= kTail) {
    chance *=
        static_cast<double>(count - below) / static_cast<double>(below + 1);
    sum += chance;
    ++below;
  }
  return below > 0 ? below - 1 : 0;
}

}  // namespace

void PairedRatios::Add(double ratio) {
  sorted_.insert(std::ranges::upper_bound(sorted_, ratio), ratio);
}

double PairedRatios::Median() const {
  CheckNotEmpty("Median");
  return kvlab::Median(sorted_);
}

double PairedRatios::Least() const {
  CheckNotEmpty("Least");
  return sorted_.front();
}

double PairedRatios::Most() const {
  CheckNotEmpty("Most");
  return sorted_.back();
}

MedianInterval PairedRatios::Interval() const {
  CheckNotEmpty("Interval");
  constexpr std::size_t kEnough = 6;
  constexpr double kLeastWidening = 1.1;
  constexpr double kWideningOfOne = 2;
  if (Count() >= kEnough) {
    const std::size_t left_out = LeftOut(Count());
    return {sorted_[left_out], sorted_[Count() - 1 - left_out]};
  }
  const double spread = sorted_.back() / sorted_.front();
  const double widening =
      Count() == 1 ? kWideningOfOne : std::max(kLeastWidening, spread);
  return {sorted_.front() / widening, sorted_.back() * widening};
}

void PairedRatios::CheckNotEmpty(const char* caller) const {
  if (!sorted_.empty()) return;
  throw ContractError(std::string("PairedRatios::") + caller + ": no ratios",
                      "no pair was measured", "add at least one ratio");
}

}  // namespace kvlab
