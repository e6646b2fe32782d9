#include "kit/tokenizer/tokenizer_merges.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

using Word = std::vector<TokenId>;

struct Merge {
  TokenId left;
  TokenId right;
  TokenId merged;
};

MergeTable MakeTable(const std::vector<Merge>& merges) {
  MergeTable table;
  for (const Merge& merge : merges) {
    table.Add(merge.left, merge.right, merge.merged);
  }
  return table;
}

// The slow way, as GPT-2's encoder.py has it: the first merge of the list that
// fits anywhere, wherever it fits, and start again.
Word ApplySlowly(const std::vector<Merge>& merges, Word word) {
  for (;;) {
    const auto fitting = std::ranges::find_if(merges, [&](const Merge& merge) {
      for (std::size_t i = 0; i + 1 < word.size(); ++i) {
        if (word[i] == merge.left && word[i + 1] == merge.right) return true;
      }
      return false;
    });
    if (fitting == merges.end()) return word;
    Word next;
    for (std::size_t i = 0; i < word.size(); ++i) {
      const bool pair = i + 1 < word.size() && word[i] == fitting->left &&
                        word[i + 1] == fitting->right;
      next.push_back(pair ? fitting->merged : word[i]);
      if (pair) ++i;
    }
    word = next;
  }
}

TEST(MergeTableTest, AnEmptyTableMergesNothing) {
  EXPECT_EQ(MergeTable().Apply({1, 2, 3}), (Word{1, 2, 3}));
}

TEST(MergeTableTest, AnEmptyWordStaysEmpty) {
  EXPECT_EQ(MakeTable({{1, 2, 3}}).Apply({}), Word{});
}

TEST(MergeTableTest, MergesAreMergedAgain) {
  const MergeTable table = MakeTable({{1, 2, 10}, {10, 3, 11}, {11, 11, 12}});
  EXPECT_EQ(table.Apply({1, 2, 3, 1, 2, 3, 1}), (Word{12, 1}));
}

// The merge added first goes first, not the leftmost.
TEST(MergeTableTest, TheFirstMergeAddedGoesFirst) {
  EXPECT_EQ(MakeTable({{2, 3, 10}, {1, 2, 11}}).Apply({1, 2, 3}),
            (Word{1, 10}));
  EXPECT_EQ(MakeTable({{1, 2, 11}, {2, 3, 10}}).Apply({1, 2, 3}),
            (Word{11, 3}));
}

TEST(MergeTableTest, RepeatsAreMergedFromLeftToRight) {
  EXPECT_EQ(MakeTable({{1, 1, 10}}).Apply({1, 1, 1, 1, 1}), (Word{10, 10, 1}));
}

// (10, 1) ranks before (1, 2), which makes the 10: yet every (1, 2) is merged
// before the table is consulted again.
TEST(MergeTableTest, ARoundIsFinishedBeforeAnEarlierMergeGetsItsTurn) {
  const std::vector<Merge> merges = {{10, 1, 11}, {1, 2, 10}};
  const Word word = {1, 2, 1, 2};
  EXPECT_EQ(ApplySlowly(merges, word), (Word{10, 10}));
  EXPECT_EQ(MakeTable(merges).Apply(word), (Word{10, 10}));
}

TEST(MergeTableTest, RefusesAPairThatIsThere) {
  MergeTable table;
  EXPECT_TRUE(table.Add(1, 2, 10));
  EXPECT_FALSE(table.Add(1, 2, 11));
  EXPECT_EQ(table.Apply({1, 2}), Word{10});
}

// A merge of two tokens drawn at random is a token of its own, so orders that
// no training would produce come up too.
TEST(MergeTableTest, AgreesWithTheSlowWay) {
  const std::uint64_t seed = 42;
  Random random(seed);
  for (int trial = 0; trial < 500; ++trial) {
    std::vector<Merge> merges;
    MergeTable table;
    TokenId next = 3;
    while (merges.size() < 30) {
      const Merge merge = {static_cast<TokenId>(random.NextBelow(next)),
                           static_cast<TokenId>(random.NextBelow(next)), next};
      if (!table.Add(merge.left, merge.right, merge.merged)) continue;
      merges.push_back(merge);
      ++next;
    }
    // Ranks in another order than the tokens' making: rank 0 may need a token
    // that rank 29 makes.
    for (std::size_t i = merges.size(); i > 1; --i) {
      std::swap(merges[i - 1], merges[random.NextBelow(i)]);
    }
    Word word(40);
    for (TokenId& token : word) {
      token = static_cast<TokenId>(random.NextBelow(3));
    }
    EXPECT_EQ(MakeTable(merges).Apply(word), ApplySlowly(merges, word))
        << "seed " << seed << ", trial " << trial;
  }
}

}  // namespace
}  // namespace kvlab
