// Keeps the promises of memo_table.h: what a memo saves, counted.
#include "modules/03_memoization/memo_table.h"

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing.h"

namespace kvlab {
namespace {

using ::testing::HasSubstr;

TEST(MemoTableTest, ComputesAnEntryOnceAndRemembersIt) {
  MemoTable table(2, 3, Memoization::kOn);
  int computed = 0;
  const auto compute = [&]() -> std::uint64_t { return 40 + ++computed; };

  EXPECT_EQ(table.LookUp(1, 2, compute), 41U);
  EXPECT_EQ(table.LookUp(1, 2, compute), 41U);
  EXPECT_EQ(table.LookUp(1, 2, compute), 41U);

  EXPECT_EQ(computed, 1);
  EXPECT_EQ(table.Misses(), 1U);
  EXPECT_EQ(table.Hits(), 2U);
}

TEST(MemoTableTest, KeepsEveryEntryApart) {
  // Given the number 10 * row + col in every entry
  MemoTable table(3, 4, Memoization::kOn);
  for (std::uint64_t row = 0; row < 3; ++row) {
    for (std::uint64_t col = 0; col < 4; ++col) {
      table.LookUp(row, col, [&] { return 10 * row + col; });
    }
  }

  for (std::uint64_t row = 0; row < 3; ++row) {
    for (std::uint64_t col = 0; col < 4; ++col) {
      EXPECT_EQ(table.LookUp(row, col, [] { return std::uint64_t{99}; }),
                10 * row + col);
    }
  }
  EXPECT_EQ(table.Misses(), 12U);
  EXPECT_EQ(table.Hits(), 12U);
}

TEST(MemoTableTest, RemembersAZeroToo) {
  MemoTable table(1, 1, Memoization::kOn);

  table.LookUp(0, 0, [] { return std::uint64_t{0}; });

  EXPECT_EQ(table.LookUp(0, 0, [] { return std::uint64_t{5}; }), 0U);
  EXPECT_EQ(table.Hits(), 1U);
}

TEST(MemoTableTest, WithoutMemoizationComputesEveryTime) {
  MemoTable table(1, 1, Memoization::kOff);
  int computed = 0;
  const auto compute = [&]() -> std::uint64_t { return 40 + ++computed; };

  EXPECT_EQ(table.LookUp(0, 0, compute), 41U);
  EXPECT_EQ(table.LookUp(0, 0, compute), 42U);

  EXPECT_EQ(table.Misses(), 2U);
  EXPECT_EQ(table.Hits(), 0U);
}

TEST(MemoTableTest, IsAsItWasWhenComputingThrows) {
  MemoTable table(1, 1, Memoization::kOn);

  EXPECT_THROW(table.LookUp(0, 0,
                            []() -> std::uint64_t {
                              throw std::runtime_error("no value");
                            }),
               std::runtime_error);

  EXPECT_EQ(table.Misses(), 0U);
  EXPECT_EQ(table.LookUp(0, 0, [] { return std::uint64_t{5}; }), 5U);
  EXPECT_EQ(table.Misses(), 1U);
}

TEST(MemoTableTest, RefusesEntriesOutsideTheTable) {
  MemoTable table(2, 3, Memoization::kOn);
  const auto compute = [] { return std::uint64_t{1}; };
  EXPECT_EQ(table.LookUp(1, 2, compute), 1U);

  EXPECT_THAT(MessageOf<ContractError>([&] { table.LookUp(2, 0, compute); }),
              HasSubstr("[2, 0] of a table 2 x 3"));
  EXPECT_THROW(table.LookUp(0, 3, compute), ContractError);
}

TEST(LatticePathsTest, CountsWaysThroughAGrid) {
  MemoTable table(10, 10, Memoization::kOn);

  EXPECT_EQ(LatticePaths(0, 0, table), 1U);
  EXPECT_EQ(LatticePaths(0, 7, table), 1U);
  EXPECT_EQ(LatticePaths(2, 2, table), 6U);
  EXPECT_EQ(LatticePaths(9, 9, table), 48620U);  // C(18, 9)
}

TEST(LatticePathsTest, ComputesEveryCellOnceWithAMemo) {
  MemoTable table(10, 10, Memoization::kOn);

  LatticePaths(9, 9, table);

  // All cells but the corner [0, 0], whose neighbours are known to be 1. Each
  // of the 81 inner cells asks twice, and we ask once: the rest are hits.
  EXPECT_EQ(table.Misses(), 99U);
  EXPECT_EQ(table.Hits(), 2U * 81 + 1 - 99);
}

TEST(LatticePathsTest, ComputesCellsAgainAndAgainWithoutOne) {
  MemoTable table(10, 10, Memoization::kOff);

  LatticePaths(9, 9, table);

  // Each of the C(18, 9) paths ends in a leaf of the call tree, and a binary
  // tree has one inner node less than leaves.
  EXPECT_EQ(table.Misses(), 2U * 48620 - 1);
  EXPECT_EQ(table.Hits(), 0U);
}

TEST(CountEntriesTest, ComputesEachEntryOncePerLayerWithAMemo) {
  const EntryCounts counts = CountEntries(3, 100, Memoization::kOn);

  EXPECT_EQ(counts.computed, 3U * 100);
  EXPECT_EQ(counts.reused, 3U * (100 * 101 / 2 - 100));  // 4,950 per layer
}

TEST(CountEntriesTest, ComputesTheWholePrefixAtEachStepWithoutOne) {
  const EntryCounts counts = CountEntries(3, 100, Memoization::kOff);

  EXPECT_EQ(counts.computed, 3U * 5050);
  EXPECT_EQ(counts.reused, 0U);
}

TEST(CountEntriesTest, MatchesTheClosedFormForEveryLength) {
  for (std::size_t n = 0; n <= 20; ++n) {
    EXPECT_EQ(CountEntries(2, n, Memoization::kOn).computed, 2 * n);
    EXPECT_EQ(CountEntries(2, n, Memoization::kOff).computed, n * (n + 1));
  }
}

}  // namespace
}  // namespace kvlab
