#include "kit/testing/all_pairs.h"

#include <array>
#include <cstddef>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

using ::testing::IsEmpty;

// Pairs of choices of features f and g that occur in a row.
std::size_t PairsSeen(const std::vector<std::vector<std::size_t>>& rows,
                      std::size_t f, std::size_t g) {
  std::set<std::pair<std::size_t, std::size_t>> seen;
  for (const auto& row : rows) seen.insert({row.at(f), row.at(g)});
  return seen.size();
}

void ExpectEveryPair(std::span<const std::size_t> choices) {
  const auto rows = AllPairs(choices);
  for (const auto& row : rows) {
    ASSERT_EQ(row.size(), choices.size());
    for (std::size_t f = 0; f < row.size(); ++f) EXPECT_LT(row[f], choices[f]);
  }
  for (std::size_t f = 0; f < choices.size(); ++f) {
    for (std::size_t g = f + 1; g < choices.size(); ++g) {
      EXPECT_EQ(PairsSeen(rows, f, g), choices[f] * choices[g])
          << "features " << f << " and " << g;
    }
  }
}

TEST(AllPairsTest, EveryChoiceMeetsEveryOther) {
  ExpectEveryPair(std::array<std::size_t, 2>{2, 2});
  ExpectEveryPair(std::array<std::size_t, 4>{5, 1, 3, 2});
  ExpectEveryPair(std::array<std::size_t, 7>{3, 5, 5, 4, 3, 5, 2});
}

TEST(AllPairsTest, TakesFarFewerRowsThanThereAreCombinations) {
  const std::array<std::size_t, 7> choices = {3, 5, 5, 4, 3, 5, 2};
  EXPECT_LE(AllPairs(choices).size(), 40U);  // of 9,000; 25 are needed
}

TEST(AllPairsTest, NeedsTwoFeatures) {
  EXPECT_THAT(AllPairs({}), IsEmpty());
  EXPECT_THAT(AllPairs(std::array<std::size_t, 1>{3}), IsEmpty());
}

TEST(AllPairsTest, RefusesAFeatureWithoutChoice) {
  EXPECT_THROW(AllPairs(std::array<std::size_t, 2>{2, 0}), ContractError);
}

}  // namespace
}  // namespace kvlab
