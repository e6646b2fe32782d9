#include "autograder/exam/paired_ratios.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>

#include "gtest/gtest.h"
#include "kit/model/random.h"

namespace kvlab::grading {
namespace {

PairedRatios Of(std::initializer_list<double> values) {
  PairedRatios ratios;
  for (const double value : values) ratios.Add(value);
  return ratios;
}

TEST(PairedRatiosTest, TheMedianDoesNotDependOnTheOrder) {
  EXPECT_EQ(Of({3, 1, 2}).Median(), 2);
  EXPECT_EQ(Of({4, 1, 3, 2}).Median(), 2.5);
}

TEST(PairedRatiosTest, OneRatioIsTrustedUpToAFactorOfTwo) {
  const PairedRatios one = Of({10});
  EXPECT_TRUE(one.Straddle(6));
  EXPECT_TRUE(one.Straddle(19));
  EXPECT_FALSE(one.Straddle(4.9));
  EXPECT_FALSE(one.Straddle(21));
}

TEST(PairedRatiosTest, AFewAreTrustedByTheirSpread) {
  EXPECT_FALSE(Of({10, 10.1}).Straddle(9));  // wider by a tenth only
  EXPECT_TRUE(Of({10, 10.1}).Straddle(9.5));
  EXPECT_TRUE(Of({10, 15}).Straddle(7));  // wider by a half
  EXPECT_FALSE(Of({10, 15}).Straddle(6));
}

// Order statistics of the binomial distribution, as tables print them.
TEST(PairedRatiosTest, FromSixOnOutliersAreLeftOut) {
  EXPECT_EQ(Of({1, 2, 3, 4, 5, 6}).Interval().low, 1);
  EXPECT_EQ(Of({1, 2, 3, 4, 5, 6, 7, 8, 9}).Interval().low, 2);
  EXPECT_EQ(Of({1, 2, 3, 4, 5, 6, 7, 8, 9}).Interval().high, 8);
  EXPECT_EQ(Of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}).Interval().low, 3);
  EXPECT_EQ(Of({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}).Interval().high, 10);
  PairedRatios fifteen;
  for (int i = 1; i <= 15; ++i) fifteen.Add(i);
  EXPECT_EQ(fifteen.Interval().low, 4);
  EXPECT_EQ(fifteen.Interval().high, 12);
}

TEST(PairedRatiosTest, OneWildRatioDoesNotKeepADecisionOpen) {
  EXPECT_FALSE(
      Of({0.1, 9.8, 9.9, 10, 10, 10.1, 10.1, 10.2, 10.3, 99}).Straddle(5));
}

// The promise of the interval, tried: 4 of 100 may miss, some more by chance.
TEST(PairedRatiosTest, TheIntervalHoldsTheMedianMostly) {
  constexpr std::uint64_t kSeed = 20240607;
  Random random(kSeed);
  std::size_t missed = 0;
  constexpr std::size_t kTrials = 2000;
  for (std::size_t trial = 0; trial < kTrials; ++trial) {
    PairedRatios ratios;
    for (std::size_t i = 0; i < 9; ++i) ratios.Add(random.NextUniform());
    missed += ratios.Straddle(0.5) ? 0 : 1;
  }
  // 3.9 % are expected; 2,000 trials stray by less than 2.5 points.
  EXPECT_LT(missed, kTrials * 64 / 1000) << "seed " << kSeed;
}

}  // namespace
}  // namespace kvlab::grading
