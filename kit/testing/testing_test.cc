#include "kit/testing/testing.h"

#include <limits>
#include <set>
#include <stdexcept>

#include "gmock/gmock.h"
#include "gtest/gtest-spi.h"
#include "gtest/gtest.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

using ::testing::HasSubstr;

constexpr NumberedSizes kSizes = {.batch = 2, .heads = 3, .head_dim = 4};

TEST(PartTest, HasTheNumbersOfItsPositionsInEveryRowAndHead) {
  const NumberedSizes sizes = {.batch = 2, .heads = 3, .head_dim = 4};
  EXPECT_TRUE(Near(Part(NumberedTokens(sizes, 0, 9), 2, 5),
                   NumberedTokens(sizes, 2, 7), 0.0F));
  EXPECT_EQ(Part(NumberedTokens(sizes, 0, 9), 9, 0).size(), 0U);
}

TEST(NumberedTokensTest, EveryElementNamesItsPlace) {
  const Tensor4 tokens = NumberedTokens(kSizes, 2, 5);
  EXPECT_THAT(tokens.shape(), ::testing::ElementsAre(2U, 3U, 3U, 4U));
  EXPECT_EQ(tokens(1, 2, 1, 0), 1230.0F);
  EXPECT_EQ(std::set<float>(tokens.begin(), tokens.end()).size(),
            tokens.size());
}

TEST(NearTest, ReportsTheFirstDifferenceAndBothNumbers) {
  const Tensor3 expected = {{{1, 2}, {3, 4}}};
  Tensor3 actual = expected;
  EXPECT_TRUE(Near(actual, expected, 0.0F));
  actual(0, 1, 0) = 3.5F;
  const ::testing::AssertionResult result = Near(actual, expected, 0.1F);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.message(), HasSubstr("[0, 1, 0]"));
  EXPECT_THAT(result.message(), HasSubstr("3.5"));
}

TEST(NearTest, ToleranceIsAbsoluteAndRelative) {
  const Tensor1 expected = {100.0F};
  EXPECT_TRUE(Near(Tensor1{110.0F}, expected, 0.1F));   // 0.1 + 0.1 * 100
  EXPECT_FALSE(Near(Tensor1{110.2F}, expected, 0.1F));  // 10.2 > 10.1
}

TEST(NearTest, NaNEqualsNothing) {
  const Tensor1 nan = {std::numeric_limits<float>::quiet_NaN()};
  EXPECT_FALSE(Near(nan, nan, 1.0F));
  EXPECT_FALSE(Near(Tensor1{1.0F}, nan, 1.0F));
}

TEST(NearTest, AnotherShapeIsADifference) {
  const Tensor2 row = Tensor2::from_shape({1, 2});
  const Tensor2 column = Tensor2::from_shape({2, 1});
  EXPECT_THAT(Near(row, column, 1.0F).message(), HasSubstr("[1, 2]"));
}

TEST(SameTest, ComparesBitForBit) {
  const Tensor4 tokens = NumberedTokens(kSizes, 0, 2);
  Tensor4 other = tokens;
  EXPECT_TRUE(Same(View(tokens), other));
  other(1, 2, 1, 3) += 0x1p-10F;
  EXPECT_FALSE(Same(View(tokens), other));
}

TEST(MessageOfTest, IsThatOfTheExpectedExceptionOrATestFailure) {
  EXPECT_EQ(
      MessageOf<std::runtime_error>([] { throw std::runtime_error("full"); }),
      "full");
  EXPECT_NONFATAL_FAILURE(MessageOf<std::runtime_error>([] {}),
                          "nothing was thrown");
  EXPECT_NONFATAL_FAILURE(
      MessageOf<std::runtime_error>([] { throw std::logic_error("other"); }),
      "threw something else");
}

}  // namespace
}  // namespace kvlab
