// Tests the contract of memo_table.h: the work that a memo saves, counted.
#include "modules/03_memoization/memo_table.h"

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/testing.h"

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

TEST(MemoTableTest, KeepsEveryEntryOfLargeTablesApart) {
  // Square, wide and tall, and beyond 8 or 16 bits: if row and column are
  // combined into one index, no two entries may share it.
  struct Size {
    std::size_t rows = 0;
    std::size_t cols = 0;
  };
  for (const auto& [rows, cols] :
       {Size{300, 300}, Size{3, 700}, Size{700, 3}, Size{1, 70'000}}) {
    MemoTable table(rows, cols, Memoization::kOn);
    for (std::uint64_t row = rows; row-- > 0;) {
      for (std::uint64_t col = 0; col < cols; ++col) {
        table.LookUp(row, col, [&] { return 1'000'000 * row + col; });
      }
    }
    for (std::uint64_t row = 0; row < rows; ++row) {
      for (std::uint64_t col = 0; col < cols; ++col) {
        ASSERT_EQ(table.LookUp(row, col, [] { return std::uint64_t{99}; }),
                  1'000'000 * row + col)
            << "entry [" << row << ", " << col << "] of " << rows << " x "
            << cols;
      }
    }
    EXPECT_EQ(table.Misses(), rows * cols);
    EXPECT_EQ(table.Hits(), rows * cols);
  }
}

TEST(MemoTableTest, RemembersAll64Bits) {
  MemoTable table(1, 64, Memoization::kOn);
  for (std::uint64_t bit = 0; bit < 64; ++bit) {
    table.LookUp(0, bit, [&] { return ~(std::uint64_t{1} << bit); });
  }
  for (std::uint64_t bit = 0; bit < 64; ++bit) {
    EXPECT_EQ(table.LookUp(0, bit, [] { return std::uint64_t{5}; }),
              ~(std::uint64_t{1} << bit));
  }
}

TEST(MemoTableTest, TwoTablesAreApart) {
  MemoTable one(2, 2, Memoization::kOn);
  MemoTable other(2, 2, Memoization::kOn);
  EXPECT_EQ(one.LookUp(1, 1, [] { return std::uint64_t{7}; }), 7U);

  EXPECT_EQ(other.LookUp(1, 1, [] { return std::uint64_t{8}; }), 8U);

  EXPECT_EQ(one.LookUp(1, 1, [] { return std::uint64_t{9}; }), 7U);
  EXPECT_EQ(one.Misses(), 1U);
  EXPECT_EQ(other.Misses(), 1U);
  EXPECT_EQ(other.Hits(), 0U);
}

TEST(MemoTableTest, ACountOfHitsBelongsToItsEntries) {
  // One entry's computation looks up two others, one of them known already.
  MemoTable table(2, 2, Memoization::kOn);
  const auto one = [] { return std::uint64_t{1}; };
  table.LookUp(0, 0, one);

  const std::uint64_t sum = table.LookUp(
      1, 1, [&] { return table.LookUp(0, 0, one) + table.LookUp(0, 1, one); });

  EXPECT_EQ(sum, 2U);
  EXPECT_EQ(table.Misses(), 3U);
  EXPECT_EQ(table.Hits(), 1U);
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

TEST(MemoTableTest, KeepsTheOtherEntriesWhenComputingThrows) {
  for (const Memoization memoization : {Memoization::kOn, Memoization::kOff}) {
    MemoTable table(2, 2, memoization);
    table.LookUp(0, 1, [] { return std::uint64_t{7}; });

    // The computation that throws has looked up an entry before: that look-up
    // counts.
    EXPECT_THROW(table.LookUp(1, 0,
                              [&]() -> std::uint64_t {
                                table.LookUp(1, 1, [] { return 3; });
                                throw std::runtime_error("no value");
                              }),
                 std::runtime_error);

    EXPECT_EQ(table.Misses(), 2U);
    EXPECT_EQ(table.Hits(), 0U);
    const bool on = memoization == Memoization::kOn;
    EXPECT_EQ(table.LookUp(0, 1, [] { return std::uint64_t{8}; }),
              on ? 7U : 8U);
    EXPECT_EQ(table.LookUp(1, 0, [] { return std::uint64_t{9}; }), 9U);
    EXPECT_EQ(table.LookUp(1, 0, [] { return std::uint64_t{10}; }),
              on ? 9U : 10U);
  }
}

TEST(MemoTableTest, RefusesEntriesOutsideTheTable) {
  MemoTable table(2, 3, Memoization::kOn);
  const auto compute = [] { return std::uint64_t{1}; };
  EXPECT_EQ(table.LookUp(1, 2, compute), 1U);

  EXPECT_THAT(MessageOf<ContractError>([&] { table.LookUp(2, 0, compute); }),
              HasSubstr("[2, 0] of a table 2 x 3"));
  EXPECT_THROW(table.LookUp(0, 3, compute), ContractError);
  EXPECT_EQ(table.Misses(), 1U);
  EXPECT_EQ(table.Hits(), 0U);
  EXPECT_EQ(table.LookUp(1, 2, compute), 1U);
  EXPECT_EQ(table.Hits(), 1U);
}

TEST(LatticePathsTest, CountsWaysThroughAGrid) {
  MemoTable table(10, 10, Memoization::kOn);

  EXPECT_EQ(LatticePaths(0, 0, table), 1U);
  EXPECT_EQ(LatticePaths(0, 7, table), 1U);
  EXPECT_EQ(LatticePaths(2, 2, table), 6U);
  EXPECT_EQ(LatticePaths(9, 9, table), 48620U);  // C(18, 9)
}

TEST(LatticePathsTest, CountsInAll64Bits) {
  MemoTable table(34, 303, Memoization::kOn);

  EXPECT_EQ(LatticePaths(33, 34, table), 14'226'520'737'620'288'370U);
  EXPECT_EQ(LatticePaths(2, 300, table), 302U * 301 / 2);  // C(302, 2)
  EXPECT_EQ(LatticePaths(1, 302, table), 303U);
}

TEST(LatticePathsTest, GoesHundredsOfRowsDown) {
  MemoTable table(303, 34, Memoization::kOn);

  EXPECT_EQ(LatticePaths(34 - 1, 33, table), 7'219'428'434'016'265'740U);
  EXPECT_EQ(LatticePaths(300, 2, table), 302U * 301 / 2);  // C(302, 2)
  EXPECT_EQ(LatticePaths(302, 1, table), 303U);
  EXPECT_EQ(LatticePaths(70, 3, table), 73U * 72 * 71 / 6);  // C(73, 3)
}

TEST(MemoTableTest, KeepsAll64BitsOfEveryEntry) {
  MemoTable tall(303, 3, Memoization::kOn);
  MemoTable wide(3, 303, Memoization::kOn);
  for (std::size_t far = 0; far < 303; ++far) {
    const std::uint64_t value = ~std::uint64_t{0} - far;
    for (int time = 0; time < 2; ++time) {
      EXPECT_EQ(tall.LookUp(far, 2, [&] { return value; }), value) << far;
      EXPECT_EQ(wide.LookUp(2, far, [&] { return value; }), value) << far;
    }
  }
}

TEST(LatticePathsTest, KnowsTheBordersOfLargeTables) {
  MemoTable tall(303, 4, Memoization::kOn);
  MemoTable wide(4, 303, Memoization::kOn);
  for (const std::uint64_t far : {64, 65, 66, 255, 256, 257, 258, 302}) {
    EXPECT_EQ(LatticePaths(far, 0, tall), 1U) << far;
    EXPECT_EQ(LatticePaths(0, far, wide), 1U) << far;
    EXPECT_EQ(LatticePaths(far, 1, tall), far + 1) << far;
    EXPECT_EQ(LatticePaths(1, far, wide), far + 1) << far;
    EXPECT_EQ(LatticePaths(far, 2, tall), (far + 2) * (far + 1) / 2) << far;
    EXPECT_EQ(LatticePaths(2, far, wide), (far + 2) * (far + 1) / 2) << far;
  }
}

TEST(LatticePathsTest, AsksOnceForWhatIsKnownAlready) {
  MemoTable table(20, 40, Memoization::kOn);
  const std::uint64_t paths = LatticePaths(4, 30, table);
  EXPECT_EQ(paths, 46'376U);  // C(34, 4)
  EXPECT_EQ(table.Misses(), 5U * 31 - 1);
  const std::uint64_t hits = table.Hits();
  EXPECT_EQ(hits, 2U * 4 * 30 + 1 - table.Misses());

  EXPECT_EQ(LatticePaths(4, 30, table), paths);

  EXPECT_EQ(table.Misses(), 5U * 31 - 1);
  EXPECT_EQ(table.Hits(), hits + 1);
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
  // tree has one inner node fewer than leaves.
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
  for (const std::size_t layers : {0, 1, 2, 9, 65, 300}) {
    for (const std::size_t n : {0, 1, 2, 3, 9, 19, 20, 64, 65, 257, 300}) {
      const std::size_t all = layers * n * (n + 1) / 2;
      const EntryCounts on = CountEntries(layers, n, Memoization::kOn);
      EXPECT_EQ(on.computed, layers * n) << layers << " layers, " << n;
      EXPECT_EQ(on.reused, all - layers * n) << layers << " layers, " << n;
      const EntryCounts off = CountEntries(layers, n, Memoization::kOff);
      EXPECT_EQ(off.computed, all) << layers << " layers, " << n;
      EXPECT_EQ(off.reused, 0U) << layers << " layers, " << n;
    }
  }
}

}  // namespace
}  // namespace kvlab
