// Tests the contract of prefix_index.h, and task 5.5 of paged_cache.h.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "modules/05_beyond/paged_cache.h"
#include "modules/05_beyond/paged_twin.h"
#include "modules/05_beyond/prefix_index.h"

namespace kvlab {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Prompt = std::vector<TokenId>;

// ---- The hash -------------------------------------------------------------

TEST(HashBlockTest, DependsOnEveryBitOfEveryToken) {
  const Prompt tokens = {50256, 17, 300, 17};
  const std::uint64_t hash = HashBlock(7, tokens);
  EXPECT_EQ(HashBlock(7, tokens), hash) << "the same block, hashed again";
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    for (unsigned bit = 0; bit < 31; ++bit) {
      Prompt other = tokens;
      other[i] ^= TokenId{1} << bit;
      EXPECT_NE(HashBlock(7, other), hash)
          << "bit " << bit << " of token " << i << " is ignored";
    }
  }
}

TEST(HashBlockTest, DependsOnTheParent) {
  const Prompt tokens = {5, 6, 7, 8};
  std::set<std::uint64_t> hashes = {HashBlock(0, tokens)};
  for (unsigned bit = 0; bit < 64; ++bit) {
    hashes.insert(HashBlock(std::uint64_t{1} << bit, tokens));
  }
  EXPECT_EQ(hashes.size(), 65U)
      << "the same tokens after different blocks have other keys and values";
  for (const std::size_t length : {1U, 2U, 70U, 300U}) {
    hashes.clear();
    for (std::uint64_t parent = 0; parent < 1000; ++parent) {
      hashes.insert(HashBlock(parent, Prompt(length, 9)));
    }
    EXPECT_EQ(hashes.size(), 1000U) << "of " << length << " tokens each";
  }
}

// Among so many, a hash of which 32 bits depend on the parent has several
// pairs, and one of 64 bits has none.
TEST(HashBlockTest, DependsOnTheParentIn64Bits) {
  for (const auto& [length, parents] :
       {std::pair<std::size_t, std::uint64_t>{1, 300'000}, {260, 200'000}}) {
    const Prompt tokens(length, 9);
    std::vector<std::uint64_t> hashes;
    hashes.reserve(parents);
    for (std::uint64_t parent = 0; parent < parents; ++parent) {
      hashes.push_back(HashBlock(parent, tokens));
    }
    std::ranges::sort(hashes);
    EXPECT_EQ(std::ranges::adjacent_find(hashes), hashes.end())
        << "two of " << parents << " blocks of " << length
        << " tokens have the same hash";
  }
}

TEST(HashBlockTest, DependsOnEveryTokenOfALongBlock) {
  const Prompt tokens(600, 5);
  std::set<std::uint64_t> hashes = {HashBlock(7, tokens)};
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    Prompt other = tokens;
    other[i] = 4;
    hashes.insert(HashBlock(7, other));
    other.resize(i);
    hashes.insert(HashBlock(7, other));
  }
  EXPECT_EQ(hashes.size(), 1 + 2 * 600U);
}

// The parent of a first block is 0: no block may pass for nothing.
TEST(HashBlockTest, AFirstBlockOfZerosIsNotNothing) {
  for (std::size_t zeros = 1; zeros < 20; ++zeros) {
    EXPECT_NE(HashBlock(HashBlock(0, Prompt(zeros, 0)), Prompt{5, 6}),
              HashBlock(0, Prompt{5, 6}))
        << zeros;
  }
}

TEST(HashBlockTest, DependsOnOrderAndNumber) {
  Prompt tokens = {1, 2, 3, 4};
  std::set<std::uint64_t> hashes;
  do {
    hashes.insert(HashBlock(0, tokens));
  } while (std::ranges::next_permutation(tokens).found);
  EXPECT_EQ(hashes.size(), 24U) << "of 24 orders of four tokens";

  hashes.clear();
  for (std::size_t zeros = 0; zeros < 20; ++zeros) {
    hashes.insert(HashBlock(0, Prompt(zeros, 0)));
  }
  EXPECT_EQ(hashes.size(), 20U) << "of 0 to 19 tokens that are 0";
}

TEST(HashBlockTest, IsNoPolynomialInTheTokens) {
  // sum of token_i * m^(P - i) is the same for {a, b} and {a + 1, b - m},
  // whatever the parent.
  for (const TokenId m : {31, 33, 37, 53, 131, 257, 1'000'003, 16'777'619}) {
    EXPECT_NE(HashBlock(3, Prompt{1, m + 5}), HashBlock(3, Prompt{2, 5}))
        << "a polynomial with multiplier " << m;
  }
  // Modulo 2^64 and for every odd multiplier, the Thue-Morse sequence of 2,048
  // tokens and its complement have the same sum.
  Prompt thue_morse(2048);
  Prompt complement(2048);
  for (const TokenId from : {2, 3, 100, 101, 4096}) {
    for (std::size_t i = 0; i < 2048; ++i) {
      thue_morse[i] = from + __builtin_parityll(i);
      complement[i] = from + 1 - __builtin_parityll(i);
    }
    EXPECT_NE(HashBlock(0, thue_morse), HashBlock(0, complement)) << from;
  }
}

TEST(HashBlockTest, ManyBlocksDiffer) {
  // By chance, two of n hashes of 64 bits agree once in 2^65 / n^2 tries.
  std::set<std::uint64_t> hashes;
  for (TokenId a = 0; a < 100; ++a) {
    for (TokenId b = 0; b < 100; ++b) {
      hashes.insert(HashBlock(0, Prompt{a, b}));
      hashes.insert(HashBlock(static_cast<std::uint64_t>(a), Prompt{b}));
    }
  }
  EXPECT_EQ(hashes.size(), 20'000U);
}

// ---- The index ------------------------------------------------------------

TEST(PrefixIndexTest, FindsTheLongestRunOfFullBlocks) {
  PrefixIndex index(2, HashBlock);
  const Prompt tokens = {1, 2, 3, 4, 5, 6, 7};
  EXPECT_THAT(index.Find(tokens), IsEmpty());
  EXPECT_THAT(index.Add(tokens, std::vector<BlockId>{40, 30, 20, 10}),
              ElementsAre(40, 30, 20));  // token 7 fills no block
  EXPECT_THAT(index.Find(tokens), ElementsAre(40, 30, 20));
  EXPECT_THAT(index.Find(Prompt{1, 2, 3, 4, 5}), ElementsAre(40, 30));
  EXPECT_THAT(index.Find(Prompt{1, 2, 3, 4, 6, 5}), ElementsAre(40, 30));
  EXPECT_THAT(index.Find(Prompt{1, 2, 4, 3}), ElementsAre(40));
  EXPECT_THAT(index.Find(Prompt{1}), IsEmpty());
  EXPECT_THAT(index.Find(Prompt{}), IsEmpty());
  EXPECT_EQ(index.Size(), 3U);
}

TEST(PrefixIndexTest, EqualTokensAfterOtherBlocksAreOtherBlocks) {
  PrefixIndex index(2, HashBlock);
  index.Add(Prompt{1, 2, 7, 7}, std::vector<BlockId>{10, 11});
  index.Add(Prompt{3, 4, 7, 7, 7, 7}, std::vector<BlockId>{20, 21, 22});
  EXPECT_THAT(index.Find(Prompt{1, 2, 7, 7, 7, 7}), ElementsAre(10, 11));
  EXPECT_THAT(index.Find(Prompt{3, 4, 7, 7}), ElementsAre(20, 21));
  EXPECT_THAT(index.Find(Prompt{7, 7}), IsEmpty())
      << "these tokens were never the first";
  EXPECT_THAT(index.Find(Prompt{5, 6, 7, 7}), IsEmpty());
}

TEST(PrefixIndexTest, AddKeepsTheBlocksThatItHas) {
  PrefixIndex index(2, HashBlock);
  index.Add(Prompt{1, 2, 3, 4}, std::vector<BlockId>{10, 11});
  EXPECT_THAT(
      index.Add(Prompt{1, 2, 3, 4, 5, 6}, std::vector<BlockId>{20, 21, 22}),
      ElementsAre(22));
  EXPECT_THAT(index.Find(Prompt{1, 2, 3, 4, 5, 6}), ElementsAre(10, 11, 22));
  EXPECT_THROW(index.Add(Prompt{9, 9, 9, 9}, std::vector<BlockId>{30}),
               ContractError);
  EXPECT_THAT(index.Clear(), ElementsAre(10, 11, 22));
  EXPECT_THAT(index.Find(Prompt{1, 2}), IsEmpty());
}

std::uint64_t AlwaysZero(std::uint64_t /*parent*/,
                         std::span<const TokenId> /*tokens*/) {
  return 0;
}

std::uint64_t LowBytes(std::uint64_t parent, std::span<const TokenId> tokens) {
  for (const TokenId token : tokens) {
    parent = parent * 31 + static_cast<std::uint64_t>(token & 0xFF);
  }
  return parent;
}

std::uint64_t WithoutParent(std::uint64_t /*parent*/,
                            std::span<const TokenId> tokens) {
  return LowBytes(0, tokens);
}

TEST(PrefixIndexTest, EqualHashesProveNothing) {
  for (const BlockHash hash : {AlwaysZero, LowBytes, WithoutParent}) {
    PrefixIndex index(2, hash);
    index.Add(Prompt{1, 2, 7, 7}, std::vector<BlockId>{10, 11});
    index.Add(Prompt{257, 2, 7, 7}, std::vector<BlockId>{20, 21});
    EXPECT_THAT(index.Find(Prompt{1, 2, 7, 7}), ElementsAre(10, 11));
    EXPECT_THAT(index.Find(Prompt{257, 2, 7, 7}), ElementsAre(20, 21));
    EXPECT_THAT(index.Find(Prompt{513, 2, 7, 7}), IsEmpty());
    EXPECT_THAT(index.Find(Prompt{1, 2, 263, 7}), ElementsAre(10));
    EXPECT_THAT(index.Find(Prompt{0, 33}), IsEmpty());
  }
}

TEST(PrefixIndexTest, BlocksOfEverySize) {
  // A block is one token, the whole prompt, one more and one less.
  const Prompt tokens = {4, 5, 6, 7, 8, 9};
  for (const std::size_t block_size : {1U, 5U, 6U, 7U}) {
    PrefixIndex index(block_size, HashBlock);
    std::vector<BlockId> table(6);
    std::iota(table.begin(), table.end(), 50);
    const std::size_t blocks = 6 / block_size;
    EXPECT_EQ(index.Add(tokens, table).size(), blocks);
    EXPECT_EQ(index.Find(tokens).size(), blocks) << "blocks of " << block_size;
  }
}

// A second method: a block for each different run of full blocks.
struct PrefixModel {
  std::size_t block_size = 0;
  std::map<Prompt, BlockId> blocks;

  std::vector<BlockId> Find(const Prompt& tokens) const {
    std::vector<BlockId> found;
    for (std::size_t end = block_size; end <= tokens.size();
         end += block_size) {
      const auto block = blocks.find(
          {tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(end)});
      if (block == blocks.end()) break;
      found.push_back(block->second);
    }
    return found;
  }

  std::vector<BlockId> Add(const Prompt& tokens,
                           const std::vector<BlockId>& table) {
    std::vector<BlockId> added;
    for (std::size_t i = 0; i < tokens.size() / block_size; ++i) {
      const auto end = static_cast<std::ptrdiff_t>((i + 1) * block_size);
      const bool is_new =
          blocks.emplace(Prompt(tokens.begin(), tokens.begin() + end), table[i])
              .second;
      if (is_new) added.push_back(table[i]);
    }
    return added;
  }
};

// Prompts of hundreds of tokens, each of which begins as an earlier one.
void ExpectIndexAgrees(std::size_t block_size, BlockHash hash) {
  SCOPED_TRACE("blocks of " + std::to_string(block_size));
  Random random(5'600'000 + block_size);
  PrefixIndex index(block_size, hash);
  PrefixModel model = {.block_size = block_size, .blocks = {}};
  std::vector<Prompt> prompts = {{}};
  BlockId next = 0;
  for (std::size_t i = 0; i < 24; ++i) {
    Prompt prompt = prompts[random.NextBelow(prompts.size())];
    prompt.resize(random.NextBelow(prompt.size() + 1));
    const std::size_t more = 1 + random.NextBelow(200 + 2 * block_size);
    for (const TokenId token : RandomTokens(random, more, 3)) {
      prompt.push_back(token * 256);
    }
    ASSERT_EQ(index.Find(prompt), model.Find(prompt)) << "prompt " << i;
    std::vector<BlockId> table(prompt.size() / block_size + 1);
    std::iota(table.begin(), table.end(), next);
    next += table.size();
    ASSERT_EQ(index.Add(prompt, table), model.Add(prompt, table))
        << "prompt " << i;
    ASSERT_EQ(index.Size(), model.blocks.size());
    prompts.push_back(prompt);
  }
  for (const Prompt& prompt : prompts) {
    ASSERT_EQ(index.Find(prompt), model.Find(prompt));
    const auto tail = std::min<std::ptrdiff_t>(
        static_cast<std::ptrdiff_t>(block_size), std::ssize(prompt));
    const Prompt rest(prompt.begin() + tail, prompt.end());
    ASSERT_EQ(index.Find(rest), model.Find(rest));
  }
  // Each block once, and then none.
  std::vector<BlockId> blocks = index.Clear();
  EXPECT_EQ(blocks.size(), model.blocks.size());
  EXPECT_EQ(std::set<BlockId>(blocks.begin(), blocks.end()).size(),
            model.blocks.size());
  EXPECT_EQ(index.Size(), 0U);
  EXPECT_THAT(index.Find(prompts.back()), IsEmpty());
}

TEST(PrefixIndexTest, AgreesWithAListOfPrefixesAtEverySize) {
  for (const std::size_t block_size : {1U, 3U, 70U, 300U}) {
    for (const BlockHash hash : {HashBlock, LowBytes, AlwaysZero}) {
      ExpectIndexAgrees(block_size, hash);
    }
  }
}

// ---- Sharing --------------------------------------------------------------

constexpr PageShape kShape = {.num_blocks = 40,
                              .block_size = 4,
                              .num_layers = 2,
                              .num_kv_heads = 1,
                              .head_dim = 2};

// A served prompt: what is found is shared, the rest is appended, all is kept.
SequenceId Serve(PagedTwin& twin, const Prompt& prompt) {
  const SequenceId sequence = twin.StartWith(prompt);
  twin.Append({{sequence, prompt.size() - twin.Cache().Len(sequence)}});
  twin.Keep(sequence, prompt);
  return sequence;
}

// 0, 1, 2, ... from `first` on.
Prompt Counting(std::size_t length, TokenId first = 0) {
  Prompt prompt(length);
  std::iota(prompt.begin(), prompt.end(), first);
  return prompt;
}

TEST(PrefixSharingTest, ASecondPromptPrefillsWhatIsNew) {
  PagedTwin twin(kShape);
  Serve(twin, Counting(10));
  ASSERT_TRUE(twin.Agree());
  Prompt longer = Counting(10);
  longer.insert(longer.end(), {90, 91, 92});
  const SequenceId second = Serve(twin, longer);

  // Of 13 tokens 8 are in full blocks of the first prompt.
  EXPECT_EQ(twin.Cache().Counts().tokens_appended, 10U + 5);
  EXPECT_EQ(twin.Cache().Counts().blocks_in_use, 3U + 2);
  EXPECT_EQ(twin.Cache().Len(second), 13U);
  EXPECT_TRUE(twin.Agree());
  EXPECT_TRUE(twin.LeavesNothing());
}

TEST(PrefixSharingTest, NeverSharesAPartlyFilledBlock) {
  PagedTwin twin(kShape);
  const SequenceId first = Serve(twin, Counting(10));
  const SequenceId second = twin.StartWith(Counting(10));
  EXPECT_EQ(twin.Cache().Len(second), 8U);
  twin.Append({{second, 1}, {first, 1}});
  EXPECT_EQ(twin.Cache().Counts().blocks_copied, 0U);
  EXPECT_TRUE(twin.Agree());
}

TEST(PrefixSharingTest, AWholePromptMayBeFound) {
  PagedTwin twin(kShape);
  Serve(twin, Counting(8));
  const SequenceId second = twin.StartWith(Counting(8));
  EXPECT_EQ(twin.Cache().Len(second), 8U);
  EXPECT_TRUE(twin.Agree());
  // Truncated into a shared block, the next token needs a copy.
  twin.Truncate(second, 7);
  twin.Append({{second, 1}});
  EXPECT_EQ(twin.Cache().Counts().blocks_copied, 1U);
  EXPECT_TRUE(twin.Agree());
}

TEST(PrefixSharingTest, KeptBlocksOutliveTheirSequence) {
  PagedTwin twin(kShape);
  const SequenceId first = Serve(twin, Counting(10));
  twin.Release(first);
  EXPECT_EQ(twin.Cache().Counts().blocks_in_use, 2U);
  ASSERT_TRUE(twin.Agree());
  const SequenceId other = twin.Start();
  twin.Append({{other, 100}});
  Serve(twin, Counting(10));
  EXPECT_EQ(twin.Cache().Counts().tokens_appended, 10U + 100 + 2);
  ASSERT_TRUE(twin.Agree());
  twin.ForgetKept();
  EXPECT_TRUE(twin.Agree());
  EXPECT_EQ(twin.Cache().Len(twin.StartWith(Counting(10))), 0U);
  EXPECT_TRUE(twin.LeavesNothing());
}

TEST(PrefixSharingTest, TheFirstOfTwoEqualPromptsIsKept) {
  PagedTwin twin(kShape);
  // Both are prefilled before either is kept.
  const SequenceId first = twin.StartWith(Counting(9));
  const SequenceId second = twin.StartWith(Counting(9));
  twin.Append({{first, 9}, {second, 9}});
  twin.Keep(first, Counting(9));
  twin.Keep(second, Counting(9));
  twin.Keep(first, Counting(9));
  ASSERT_TRUE(twin.Agree()) << "an index owns a block once";
  twin.Release(second);
  EXPECT_TRUE(twin.Agree());
  EXPECT_TRUE(twin.LeavesNothing());
}

TEST(PrefixSharingTest, KeepRefusesAnotherNumberOfTokens) {
  PagedTwin twin(kShape);
  const SequenceId sequence = twin.Start();
  twin.Append({{sequence, 8}});
  EXPECT_THROW(twin.Cache().Keep(sequence, Counting(7)), ContractError);
  EXPECT_THROW(twin.Cache().Keep(sequence, Counting(9)), ContractError);
  twin.Release(sequence);
  EXPECT_THROW(twin.Cache().Keep(sequence, Counting(8)), ContractError);
  EXPECT_TRUE(twin.Agree());
}

TEST(PrefixSharingTest, CollidingHashesShareNothingWrong) {
  for (const BlockHash hash : {AlwaysZero, LowBytes, WithoutParent}) {
    PagedTwin twin(kShape, hash);
    Serve(twin, Counting(8));
    Serve(twin, Counting(8, 256));  // the same low bytes
    Serve(twin, Counting(12, 4));   // the same tokens, after other ones
    EXPECT_EQ(twin.Cache().Counts().tokens_appended, 8U + 8 + 12);
    EXPECT_TRUE(twin.Agree());
  }
}

TEST(PrefixSharingTest, RowsPrefilledAreTheNodesOfTheTokenTrie) {
  // 60 prompts over three tokens, so that many begin alike. With every prompt
  // kept, each different prefix of full blocks is prefilled once; what is left
  // over at the end of a prompt fills no block and is prefilled each time.
  for (const std::size_t block_size : {1U, 2U, 3U, 4U}) {
    PageShape shape = kShape;
    shape.block_size = block_size;
    shape.num_blocks = 1500;
    PagedTwin twin(shape);
    Random random(61);
    std::set<Prompt> nodes;
    std::size_t left_over = 0;
    for (std::size_t i = 0; i < 60; ++i) {
      const Prompt prompt = RandomTokens(random, 1 + random.NextBelow(13), 3);
      Serve(twin, prompt);
      for (std::size_t end = block_size; end <= prompt.size();
           end += block_size) {
        const auto prefix = std::span(prompt).first(end);
        nodes.insert(Prompt(prefix.begin(), prefix.end()));
      }
      left_over += prompt.size() % block_size;
      ASSERT_EQ(twin.Cache().Counts().tokens_appended,
                nodes.size() * block_size + left_over)
          << "blocks of " << block_size << ", prompt " << i;
    }
    EXPECT_TRUE(twin.Agree());
    EXPECT_TRUE(twin.LeavesNothing());
  }
}

// How long a prompt may be, and in how many tokens two may differ.
struct PromptSizes {
  std::size_t longest = 0;
  std::size_t vocab_size = 0;
};

// Calls at random, each followed by a comparison with the model.
::testing::AssertionResult RandomCallsAgree(PagedTwin& twin,
                                            const PromptSizes& sizes,
                                            Random& random) {
  std::map<SequenceId, Prompt> tokens;
  std::vector<Prompt> earlier = {{}};
  for (std::size_t step = 0; step < 30; ++step) {
    const std::size_t choice = tokens.empty() ? 0 : random.NextBelow(10);
    if (choice <= 2) {  // a prompt, if there is room for it
      Prompt prompt = earlier[random.NextBelow(earlier.size())];
      prompt.resize(random.NextBelow(prompt.size() + 1));
      for (const TokenId token : RandomTokens(
               random, random.NextBelow(sizes.longest) + 1, sizes.vocab_size)) {
        prompt.push_back(token * 256);
      }
      prompt.resize(std::min(prompt.size(), sizes.longest));
      const SequenceId sequence = twin.StartWith(prompt);
      const std::size_t found = twin.Cache().Len(sequence);
      if (!twin.Append({{sequence, prompt.size() - found}})) {
        prompt.resize(found);
      }
      tokens[sequence] = prompt;
      earlier.push_back(prompt);
    } else if (choice == 9) {
      twin.ForgetKept();
    } else {
      auto& [sequence, held] = *std::next(
          tokens.begin(),
          static_cast<std::ptrdiff_t>(random.NextBelow(tokens.size())));
      if (choice <= 4) {
        twin.Keep(sequence, held);
      } else if (choice == 5) {
        const SequenceId fork = twin.Fork(sequence);
        tokens[fork] = held;
      } else if (choice == 6) {
        held.resize(random.NextBelow(held.size() + 1));
        twin.Truncate(sequence, held.size());
      } else if (choice == 7) {
        twin.Release(sequence);
        tokens.erase(sequence);
      } else if (twin.Append({{sequence, 2}})) {
        held.insert(held.end(), {512, 0});
      }
    }
    ::testing::AssertionResult agrees = twin.Agree();
    if (!agrees) {
      return agrees << ", at step " << step << ", choice " << choice;
    }
  }
  return ::testing::AssertionSuccess();
}

TEST(PrefixSharingTest, AgreesWithTheModelOnAThousandTraces) {
  const std::vector<BlockHash> hashes = {HashBlock, AlwaysZero, LowBytes};
  for (std::uint64_t trace = 0; trace < 1000; ++trace) {
    Random random(5'500'000 + trace);
    const PageShape shape = {.num_blocks = 1 + random.NextBelow(30),
                             .block_size = 1 + random.NextBelow(4),
                             .num_layers = 1 + random.NextBelow(2),
                             .num_kv_heads = 1,
                             .head_dim = 1 + random.NextBelow(2)};
    PagedTwin twin(shape, hashes[trace % 3]);
    ASSERT_TRUE(
        RandomCallsAgree(twin, {.longest = 13, .vocab_size = 2}, random))
        << "trace of seed " << 5'500'000 + trace << ": " << shape.num_blocks
        << " blocks of " << shape.block_size;
    ASSERT_TRUE(twin.LeavesNothing()) << "trace of seed " << 5'500'000 + trace;
  }
}

// Prompts of hundreds of tokens and blocks, in a cache that has had hundreds of
// sequences and copies.
TEST(PrefixSharingTest, AgreesWithTheModelOnLargeTraces) {
  for (const std::size_t block_size : {2U, 70U, 300U}) {
    for (std::uint64_t trace = 0; trace < 3; ++trace) {
      Random random(5'700'000 + trace);
      PagedTwin twin({.num_blocks = block_size == 2 ? 1500U : 290U,
                      .block_size = block_size,
                      .num_layers = 1,
                      .num_kv_heads = 1,
                      .head_dim = 1});
      // Copies of a partly filled block; those with small numbers stay taken.
      const SequenceId first = twin.Start();
      twin.Append({{first, 1}});
      std::vector<Extension> samples;
      while (samples.size() < 260) samples.push_back({twin.Fork(first), 1});
      twin.Append(samples);
      EXPECT_EQ(twin.Cache().Counts().blocks_copied, 260U);
      const std::size_t longest = 400 + 2 * block_size;
      ASSERT_TRUE(
          RandomCallsAgree(twin, {.longest = longest, .vocab_size = 2}, random))
          << "blocks of " << block_size << ", trace " << trace;
      ASSERT_TRUE(twin.LeavesNothing());
    }
  }
}

}  // namespace
}  // namespace kvlab
