#include "kit/math/median.h"

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

TEST(MedianTest, OfAnOddNumberIsTheOneInTheMiddle) {
  EXPECT_EQ(Median({9, 1, 4}), 4);
  EXPECT_EQ(Median({7}), 7);
}

TEST(MedianTest, OfAnEvenNumberIsTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(Median({9, 1, 4, 6}), 5);
}

TEST(MedianTest, OfNoValuesIsRefused) {
  EXPECT_THROW(Median({}), ContractError);
}

}  // namespace
}  // namespace kvlab
