#include "kit/measure/share_of_roof.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "gtest/gtest.h"
#include "kit/model/random.h"

namespace kvlab {
namespace {

TEST(ShareOfRoofTest, IsTheMedianOfTheRounds) {
  EXPECT_DOUBLE_EQ(*ShareOfRoof({0.74, 0.70, 0.76}), 0.74);
  EXPECT_DOUBLE_EQ(*ShareOfRoof({0.74, 0.70, 0.76, 0.72}), 0.73);
}

// Another program disturbed one of them.
TEST(ShareOfRoofTest, OneRoundOfFiveMayBeFarOff) {
  EXPECT_DOUBLE_EQ(*ShareOfRoof({0.74, 0.20, 0.76, 0.75, 0.73}), 0.74);
  EXPECT_DOUBLE_EQ(*ShareOfRoof({0.74, 1.87, 0.76, 0.75, 0.73}), 0.75);
}

// One on each side for every four beyond the first.
TEST(ShareOfRoofTest, HowManyMayBeFarOffDependsOnTheRounds) {
  EXPECT_EQ(ShareOfRoof({0.74, 0.20, 0.76, 0.75}), std::nullopt);
  EXPECT_EQ(ShareOfRoof({0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.1, 0.2}),
            std::nullopt);
  EXPECT_EQ(ShareOfRoof({0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7, 0.1, 0.2}), 0.7);
}

TEST(ShareOfRoofTest, IsAbsentIfTheRoundsDisagree) {
  EXPECT_EQ(ShareOfRoof({0.5, 0.9, 0.7, 0.4, 0.8}), std::nullopt);
  EXPECT_EQ(ShareOfRoof({0.74, 0.20, 0.76}), std::nullopt);
}

// A single round has no other to agree with.
TEST(ShareOfRoofTest, IsAbsentForFewerThanTwoRounds) {
  EXPECT_EQ(ShareOfRoof({}), std::nullopt);
  EXPECT_EQ(ShareOfRoof({0.7}), std::nullopt);
  EXPECT_EQ(ShareOfRoof({0.7, 0.7}), 0.7);
}

TEST(ShareOfRoofTest, ALittleAboveTheRoofIsAllOfIt) {
  EXPECT_EQ(ShareOfRoof({1.01, 1.02, 1.03}), 1.0);
  EXPECT_EQ(ShareOfRoof({1.05, 1.05, 1.05}), 1.0);
}

// All rounds beat the roof, so it is not one, however well they agree.
TEST(ShareOfRoofTest, IsAbsentIfTheRoofWasBeaten) {
  EXPECT_EQ(ShareOfRoof({1.06, 1.06, 1.06}), std::nullopt);
  EXPECT_EQ(ShareOfRoof({1.87, 1.87, 1.87, 1.87, 1.87}), std::nullopt);
}

// A clock that did not advance, and a roof of 0.
TEST(ShareOfRoofTest, IsAbsentForReadingsThatAreNotPositiveNumbers) {
  for (const double reading :
       {0.0, -0.7, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(ShareOfRoof({0.7, 0.7, reading, 0.7, 0.7}), std::nullopt)
        << reading;
  }
}

// Whatever the readings.
TEST(ShareOfRoofTest, IsAboveZeroAndAtMostOneOrAbsent) {
  constexpr std::uint64_t kSeed = 12;
  Random random(kSeed);
  std::size_t present = 0;
  for (int trial = 0; trial < 20000; ++trial) {
    // From rounds that agree to rounds that are worlds apart.
    const double middle = random.NextUniform(0.0F, 2.0F);
    const double spread = std::pow(10.0, random.NextUniform(-4.0F, 0.0F));
    std::vector<double> shares(random.NextBelow(10));
    for (double& share : shares) {
      share = middle * (1.0 + spread * random.NextUniform(-1.0F, 1.0F));
    }
    const std::optional<double> share = ShareOfRoof(shares);
    if (!share) continue;
    ++present;
    ASSERT_GT(*share, 0.0) << "seed " << kSeed << ", trial " << trial;
    ASSERT_LE(*share, 1.0) << "seed " << kSeed << ", trial " << trial;
  }
  EXPECT_GT(present, 1000U) << "the readings show nothing";
}

}  // namespace
}  // namespace kvlab
