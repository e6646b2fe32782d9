#include "kit/math/reductions.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>

namespace kvlab {
namespace {

constexpr std::size_t kLanes = 8;
using Lanes = std::array<float, kLanes>;

// Folds every eighth value into the same lane. The compiler turns the inner
// loop into one vector instruction.
template <typename Fold>
Lanes FoldIntoLanes(std::span<const float> values, float start, Fold fold) {
  Lanes lanes{};
  lanes.fill(start);
  std::size_t begin = 0;
  for (; begin + kLanes <= values.size(); begin += kLanes) {
    for (std::size_t i = 0; i < kLanes; ++i) {
      lanes[i] = fold(lanes[i], values[begin + i]);
    }
  }
  for (std::size_t i = 0; begin + i < values.size(); ++i) {
    lanes[i] = fold(lanes[i], values[begin + i]);
  }
  return lanes;
}

}  // namespace

float Max(std::span<const float> values) {
  const Lanes lanes =
      FoldIntoLanes(values, -std::numeric_limits<float>::infinity(),
                    [](float a, float b) { return a < b ? b : a; });
  return std::ranges::max(lanes);
}

float Sum(std::span<const float> values) {
  const Lanes lanes =
      FoldIntoLanes(values, 0.0F, [](float a, float b) { return a + b; });
  return std::accumulate(lanes.begin(), lanes.end(), 0.0F);
}

float SumOfSquares(std::span<const float> values) {
  const Lanes lanes =
      FoldIntoLanes(values, 0.0F, [](float a, float b) { return a + b * b; });
  return std::accumulate(lanes.begin(), lanes.end(), 0.0F);
}

}  // namespace kvlab
