#include "cli/demo/speedup.h"

#include <cstddef>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/random.h"

namespace kvlab {
namespace {

constexpr Gpt2Config kConfig = {.num_layers = 2,
                                .num_heads = 2,
                                .d_model = 64,
                                .d_mlp = 256,
                                .max_positions = 32,
                                .vocab_size = 11};

// The result of a small random model, and the pairs reported.
struct Told {
  MeasuredSpeedup result;
  std::vector<std::size_t> pairs;
};

Told RunPairs(std::size_t pairs) {
  Random random(1);
  Gpt2 model(
      std::make_shared<const Gpt2Weights>(RandomGpt2Weights(random, kConfig)));
  Told told;
  told.result =
      MeasureSpeedup(model, SingleRow({1, 2, 3}), {.new_tokens = 10}, pairs,
                     [&](std::size_t pair) { told.pairs.push_back(pair); });
  return told;
}

// Prompt 3 and 10 new tokens: the passes run over 3, 4, .. 12 tokens, 75 in
// all; with a cache over 3 and then one at a time, 12. With d = 64 the linear
// layers of 2 blocks do 24 d^2 MACs a token and the head 11 d a pass.
// Attention adds between 0 and 2 d t^2 to a pass over t tokens: the true ratio
// is between the two extremes.
TEST(MeasureSpeedupTest, WorkRatioIsThatOfTheCountedProducts) {
  const MeasuredSpeedup result = RunPairs(1).result;
  const double head = 10 * 11 * 64;
  const double uncached = 24 * 64 * 64 * 75 + head;
  const double cached = 24 * 64 * 64 * 12 + head;
  const double attention = 2 * 2 * 64 * 645;  // 3^2 + 4^2 + .. + 12^2 = 645
  EXPECT_GT(result.work_ratio, uncached / (cached + attention));
  EXPECT_LT(result.work_ratio, (uncached + attention) / cached);
}

// 2 * 2 layers * 2 heads * 32 * (3 + 10 - 1) tokens * 4 bytes: the last new
// token is never fed back. The heap adds its own bytes to each block.
TEST(MeasureSpeedupTest, CacheBytesAreThoseOfTheCacheInUse) {
  const MeasuredSpeedup result = RunPairs(1).result;
  EXPECT_EQ(result.cache.formula_bytes, 12288U);
  EXPECT_GE(result.cache.measured_bytes, 12288U);
  EXPECT_LE(result.cache.measured_bytes, 12288U + 2048U);
}

// Freed small blocks stay with the thread that freed them; a cache made of such
// blocks takes its bytes all the same.
TEST(MeasureCacheTest, SeesSmallCachesAfterSmallBlocksWereFreed) {
  for (std::size_t size = 16; size <= 1024; size += 16) {
    std::vector<std::unique_ptr<std::vector<char>>> blocks(20);
    for (auto& block : blocks) {
      block = std::make_unique<std::vector<char>>(size);
    }
  }
  for (std::size_t tokens = 1; tokens <= 16; ++tokens) {
    const CacheShape shape = {.batch = 1,
                              .max_seq_len = tokens,
                              .num_layers = 2,
                              .num_kv_heads = 2,
                              .head_dim = 4};
    const CacheMemory memory = MeasureCache(shape);
    EXPECT_EQ(memory.formula_bytes, 128 * tokens);
    EXPECT_GE(memory.measured_bytes, memory.formula_bytes);
    EXPECT_LE(memory.measured_bytes, memory.formula_bytes + 2048);
  }
}

TEST(MeasureSpeedupTest, SpeedupLiesBetweenItsEnds) {
  const auto [result, pairs] = RunPairs(3);
  EXPECT_EQ(pairs, (std::vector<std::size_t>{1, 2, 3}));
  EXPECT_LE(result.speedup_low, result.speedup);
  EXPECT_LE(result.speedup, result.speedup_high);
  EXPECT_GT(result.speedup_low, 0);
}

TEST(MeasureSpeedupTest, CachedAndUncachedWriteTheSame) {
  EXPECT_EQ(RunPairs(2).result.equal_tokens, 10U);
}

TEST(MeasureSpeedupTest, NoPairsAreRefused) {
  EXPECT_THROW(RunPairs(0), ContractError);
}

TEST(EqualTokensTest, CountsUpToTheFirstDifference) {
  const Tokens a = {{4, 5, 6, 7}};
  EXPECT_EQ(EqualTokens(a, a), 4U);
  EXPECT_EQ(EqualTokens(a, Tokens{{4, 5, 9, 7}}), 2U);
  EXPECT_EQ(EqualTokens(a, Tokens{{0, 5, 6, 7}}), 0U);
}

}  // namespace
}  // namespace kvlab
