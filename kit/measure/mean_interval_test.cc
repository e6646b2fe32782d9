#include "kit/measure/mean_interval.h"

#include <array>

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

TEST(MeanWithIntervalTest, IsTheMeanAndStudentsInterval) {
  // Mean 2, standard deviation 1, so 1 / sqrt(3) of the mean; t is 4.303 for
  // 2 degrees of freedom.
  const MeanInterval interval =
      MeanWithInterval(std::array<double, 3>{1, 3, 2});
  EXPECT_DOUBLE_EQ(interval.mean, 2);
  EXPECT_NEAR(interval.plus_or_minus, 4.303 / 1.7320508, 1e-3);
}

TEST(MeanWithIntervalTest, EqualNumbersLeaveNoDoubt) {
  const MeanInterval interval = MeanWithInterval(std::array<double, 2>{4, 4});
  EXPECT_EQ(interval.mean, 4);
  EXPECT_EQ(interval.plus_or_minus, 0);
}

TEST(MeanWithIntervalTest, OneNumberHasNoSpread) {
  EXPECT_THROW(MeanWithInterval(std::array<double, 1>{4}), ContractError);
  EXPECT_THROW(MeanWithInterval({}), ContractError);
}

}  // namespace
}  // namespace kvlab
