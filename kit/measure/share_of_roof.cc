#include "kit/measure/share_of_roof.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <vector>

#include "kit/math/median.h"

namespace kvlab {

std::optional<double> ShareOfRoof(std::vector<double> shares) {
  constexpr std::size_t kFewestRounds = 2;
  if (shares.size() < kFewestRounds) return std::nullopt;
  for (const double share : shares) {
    if (!std::isfinite(share) || share <= 0) return std::nullopt;
  }
  std::ranges::sort(shares);
  // Up to four rounds must all agree; of five to eight the extremes may not.
  const std::size_t outside = (shares.size() - 1) / 4;
  const double low = shares[outside];
  const double high = shares[shares.size() - 1 - outside];
  const double median = Median(shares);
  if (high > kRoundsAgree * low || median > kRoofTolerance) return std::nullopt;
  return std::min(median, 1.0);
}

}  // namespace kvlab
