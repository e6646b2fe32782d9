#include "kit/math/reductions.h"

#include <cstddef>
#include <limits>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab {
namespace {

// Lengths around the eight lanes, and one that needs several rounds.
constexpr std::size_t kLongest = 100;

TEST(MaxTest, FindsTheLargestWhereverItIs) {
  for (std::size_t size = 1; size <= kLongest; ++size) {
    for (std::size_t place = 0; place < size; ++place) {
      std::vector<float> values(size, -3.0F);
      values[place] = -2.0F;
      ASSERT_EQ(Max(values), -2.0F) << "element " << place << " of " << size;
    }
  }
}

TEST(MaxTest, OfNoValuesIsMinusInfinity) {
  EXPECT_EQ(Max({}), -std::numeric_limits<float>::infinity());
}

TEST(SumTest, CountsEveryElementOnce) {
  // 1 + 2 + .. + n, and the squares: whole numbers below 2^24, so exact.
  for (std::size_t size = 0; size <= kLongest; ++size) {
    std::vector<float> values;
    for (std::size_t i = 1; i <= size; ++i) {
      values.push_back(static_cast<float>(i));
    }
    const std::size_t sum = size * (size + 1) / 2;
    ASSERT_EQ(Sum(values), static_cast<float>(sum)) << size;
    const std::size_t squares = sum * (2 * size + 1) / 3;
    ASSERT_EQ(SumOfSquares(values), static_cast<float>(squares)) << size;
  }
}

TEST(SumTest, OfNoValuesIsZero) {
  EXPECT_EQ(Sum({}), 0.0F);
  EXPECT_EQ(SumOfSquares({}), 0.0F);
}

}  // namespace
}  // namespace kvlab
