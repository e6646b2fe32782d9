#include "autograder/exam/tiers.h"

#include <limits>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

const Tiers kThree = {{10, 1}, {5, 0.5}, {2, 0.2}};

TEST(TiersTest, TheHighestThresholdThatIsReachedCounts) {
  EXPECT_EQ(ShareFor(kThree, 11), 1);
  EXPECT_EQ(ShareFor(kThree, 10), 1);
  EXPECT_EQ(ShareFor(kThree, 9.99), 0.5);
  EXPECT_EQ(ShareFor(kThree, 2), 0.2);
}

TEST(TiersTest, BelowTheLowestThereIsNothing) {
  EXPECT_EQ(ShareFor(kThree, 1.99), 0);
  EXPECT_EQ(ShareFor({}, 100), 0);
}

TEST(TiersTest, WhatIsNoNumberReachesNothing) {
  EXPECT_EQ(ShareFor(kThree, std::numeric_limits<double>::quiet_NaN()), 0);
}

TEST(TiersTest, AShareOfTheReferenceKeepsTheirProportions) {
  const Tiers relative = TiersOfReference(kThree, 0.6);
  EXPECT_EQ(ShareFor(relative, 0.61), 1);
  EXPECT_EQ(ShareFor(relative, 0.59), 0.5);
  EXPECT_EQ(ShareFor(relative, 0.31), 0.5);  // 0.6 * 5 / 10
  EXPECT_EQ(ShareFor(relative, 0.13), 0.2);  // 0.6 * 2 / 10
  EXPECT_EQ(ShareFor(relative, 0.11), 0);
  EXPECT_EQ(TiersTextInPercent(relative),
            "full points from 60 %, half from 30 %, 20 % from 12 %");
}

TEST(TiersTest, NoShareOfTheReferenceGivesNothing) {
  EXPECT_EQ(ShareFor(TiersOfReference(kThree, 0), 1), 0);
  EXPECT_EQ(ShareFor(TiersOfReference({}, 0.6), 1), 0);
}

TEST(TiersTest, AShareHasAWord) {
  EXPECT_EQ(ShareText(1), "full points");
  EXPECT_EQ(ShareText(0.5), "half");
  EXPECT_EQ(ShareText(0.2), "20 %");
  EXPECT_EQ(ShareText(0), "none");
}

TEST(TiersTest, AreToldInWords) {
  EXPECT_EQ(TiersText(kThree), "full points from 10, half from 5, 20 % from 2");
}

}  // namespace
}  // namespace kvlab::grading
