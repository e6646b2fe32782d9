#include "kit/kernels/fastest.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/random.h"

namespace kvlab {
namespace {

TEST(FastestCandidateTest, IsTheOneWithTheHighestSpeed) {
  EXPECT_EQ(FastestCandidate({{10, 15, 12}}), 1U);
  EXPECT_EQ(FastestCandidate({{10, 12, 15}}), 2U);
  EXPECT_EQ(FastestCandidate({{15, 10, 12}}), 0U);
}

// The tied head in F16 on a Xeon: 10.0 GB/s with AVX-512, 15.1 with AVX2.
TEST(FastestCandidateTest, WiderVectorsAreNotFasterForBeingWider) {
  EXPECT_EQ(FastestCandidate({{10.0, 15.1}, {10.1, 15.0}, {9.9, 15.2}}), 1U);
}

TEST(FastestCandidateTest, TheDefaultStaysInATie) {
  EXPECT_EQ(FastestCandidate({{10, 10, 10}}), 0U);
}

TEST(FastestCandidateTest, TheFirstOfEquallyFastOnesDisplacesIt) {
  EXPECT_EQ(FastestCandidate({{10, 12, 12}}), 1U);
}

TEST(FastestCandidateTest, ALeadWithinTheMarginDoesNotDisplaceTheDefault) {
  EXPECT_EQ(FastestCandidate({{100, 102}, {100, 102}, {100, 102}}), 0U);
  EXPECT_EQ(FastestCandidate({{100, 104}, {100, 104}, {100, 104}}), 1U);
}

// Another program ran during one turn of the faster candidate.
TEST(FastestCandidateTest, OneDisturbedTurnDoesNotMatter) {
  EXPECT_EQ(FastestCandidate({{10, 15}, {10, 2}, {10, 15}, {10, 15}, {10, 15}}),
            1U);
  EXPECT_EQ(FastestCandidate({{10, 8}, {1, 8}, {10, 8}, {10, 8}, {10, 8}}), 0U);
}

// A median of 1.5, but hardly more often ahead than behind: chance.
TEST(FastestCandidateTest, ALeadThatComesAndGoesDoesNotDisplaceTheDefault) {
  EXPECT_EQ(FastestCandidate({{10, 15}, {10, 7}, {10, 15}, {10, 7}, {10, 15}}),
            0U);
}

// The machine is half as fast from the third round on. The median of the
// speeds alone would be 10 for the default and 8 for the other.
TEST(FastestCandidateTest, SpeedsAreComparedWithinARound) {
  EXPECT_EQ(
      FastestCandidate({{10, 12}, {10, 12}, {5, 6}, {5, 6}, {5, 6}, {10, 8}}),
      1U);
}

TEST(FastestCandidateTest, ATurnThatWasNotTimedIsLeftOut) {
  EXPECT_EQ(FastestCandidate({{0, 15}, {10, 9}, {10, 9}}), 0U);
  EXPECT_EQ(FastestCandidate({{std::nan(""), 15}, {10, 12}}), 1U);
  EXPECT_EQ(FastestCandidate({{0, 15}}), 0U);
}

TEST(FastestCandidateTest, WithoutTimingsTheDefaultStays) {
  EXPECT_EQ(FastestCandidate({}), 0U);
  EXPECT_EQ(FastestCandidate({{7}}), 0U);
}

TEST(FastestCandidateTest, RoundsOfDifferentSizesAreRefused) {
  EXPECT_THROW(FastestCandidate({{10, 15}, {10}}), ContractError);
  EXPECT_THROW(FastestCandidate({{}}), ContractError);
}

// True speeds, each turn disturbed by up to a tenth, and one in ten by a half:
// in 99 of 100 cases what is chosen is at most the margin behind the truly
// fastest.
TEST(FastestCandidateTest, NoiseCostsNoMoreThanTheMargin) {
  constexpr std::uint64_t kSeed = 9;
  constexpr int kTrials = 2000;
  constexpr std::size_t kRounds = 31;
  Random random(kSeed);
  int behind = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    // Candidates are alike, or differ by more than noise.
    const std::vector<double> speeds = {10.0, trial % 2 == 0 ? 10.0 : 12.0,
                                        trial % 3 == 0 ? 8.0 : 15.0};
    std::vector<RoundOfSpeeds> rounds;
    for (std::size_t round = 0; round < kRounds; ++round) {
      RoundOfSpeeds& disturbed = rounds.emplace_back();
      for (const double speed : speeds) {
        const double share = random.NextBelow(10) == 0
                                 ? random.NextUniform(0.5F, 1.0F)
                                 : random.NextUniform(0.9F, 1.0F);
        disturbed.push_back(speed * share);
      }
    }
    const double chosen = speeds[FastestCandidate(rounds)];
    for (const double speed : speeds) {
      if (chosen * kLeadToDisplace < speed) {
        ++behind;
        break;
      }
    }
  }
  EXPECT_LE(behind, kTrials / 100) << "seed " << kSeed;
}

}  // namespace
}  // namespace kvlab
