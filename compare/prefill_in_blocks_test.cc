#include "compare/prefill_in_blocks.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/03_memoization/cache_shape.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {
namespace {

constexpr std::uint64_t kSeed = 10;
constexpr std::size_t kHeads = 2;
constexpr std::size_t kBatch = 2;
constexpr std::size_t kTokens = 48;
constexpr std::size_t kWidth = 16;
constexpr float kTolerance = 1e-5F;  // some dozen float32 additions

AttentionWeights RandomWeights() {
  Random random(kSeed);
  return RandomGpt2Weights(random, {.num_layers = 1,
                                    .num_heads = kHeads,
                                    .d_model = kWidth,
                                    .d_mlp = kWidth,
                                    .max_positions = kTokens,
                                    .vocab_size = 2})
      .blocks[0]
      .attn;
}

std::shared_ptr<KvCache> EmptyCache() {
  return std::make_shared<KvCache>(CacheShape{.batch = kBatch,
                                              .max_seq_len = kTokens,
                                              .num_layers = 1,
                                              .num_kv_heads = kHeads,
                                              .head_dim = kWidth / kHeads});
}

Tensor3 RandomTokensOf(std::size_t tokens) {
  Random random(kSeed + tokens);
  return RandomTensor3(random, {kBatch, tokens, kWidth});
}

// Whole, in two blocks, in blocks that leave a rest, and token by token.
TEST(PrefillInBlocksTest, GivesWhatCachedAttentionGives) {
  const AttentionWeights weights = RandomWeights();
  const std::vector<std::size_t> left_pad = {0, 13};
  const Tensor3 first = RandomTokensOf(37);
  const Tensor3 second = RandomTokensOf(11);  // after others
  CachedAttention whole(kHeads, EmptyCache());
  const Tensor3 expected_first = whole.Forward(0, first, weights, left_pad);
  const Tensor3 expected_second = whole.Forward(0, second, weights, left_pad);
  for (const std::size_t block : {64, 24, 10, 1}) {
    SCOPED_TRACE(block);
    PrefillInBlocks attention(kHeads, EmptyCache(), block);
    EXPECT_TRUE(Near(attention.Forward(0, first, weights, left_pad),
                     expected_first, kTolerance));
    EXPECT_TRUE(Near(attention.Forward(0, second, weights, left_pad),
                     expected_second, kTolerance));
    EXPECT_EQ(attention.PastLen(), 48U);
  }
}

std::uint64_t AttentionMacs(Attention& attention, std::size_t tokens) {
  const AttentionWeights weights = RandomWeights();
  const WorkCounts before = CountedWork();
  attention.Forward(0, RandomTokensOf(tokens), weights, {});
  return (CountedWork() - before)[Work::kAttention];
}

// Of four blocks, the first queries see a quarter of the keys, the next a half,
// and so on: (1 + 2 + 3 + 4) / 16.
TEST(PrefillInBlocksTest, FourBlocksDoFiveEighthsOfTheWork) {
  CachedAttention whole(kHeads, EmptyCache());
  PrefillInBlocks blocks(kHeads, EmptyCache(), kTokens / 4);
  const std::uint64_t square = kBatch * 2 * kTokens * kTokens * kWidth;
  EXPECT_EQ(AttentionMacs(whole, kTokens), square);
  EXPECT_EQ(AttentionMacs(blocks, kTokens), square * 5 / 8);
}

TEST(PrefillInBlocksTest, AStepIsThatOfCachedAttention) {
  PrefillInBlocks attention(kHeads, EmptyCache(), 8);
  AttentionMacs(attention, kTokens - 1);
  EXPECT_EQ(AttentionMacs(attention, 1), kBatch * 2 * kTokens * kWidth);
}

TEST(PrefillInBlocksTest, ABlockOfNoQueriesIsRefused) {
  EXPECT_THROW(PrefillInBlocks(kHeads, EmptyCache(), 0), ContractError);
  EXPECT_THROW(PrefillInBlocks(kHeads, nullptr, 8), ContractError);
}

}  // namespace
}  // namespace kvlab
