// Keeps the promises of cached_attention.h, task by task. The second method is
// the model without a cache: same weights, same tokens, everything recomputed.
#include "modules/03_memoization/cached_attention.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/random.h"
#include "kit/tensor.h"
#include "kit/testing.h"
#include "kit/token_batch.h"
#include "kit/work.h"
#include "modules/03_memoization/split_sequence.h"

namespace kvlab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A step multiplies matrix by vector, the full pass matrix by matrix: the same
// sums of 24 to 96 terms in another order. Logits are of size 1 to 10.
constexpr float kTolerance = 1e-4F;

constexpr Gpt2Config kConfig = {.num_layers = 3,
                                .num_heads = 4,
                                .d_model = 24,
                                .d_mlp = 96,
                                .max_positions = 32,
                                .vocab_size = 50};

std::shared_ptr<const Gpt2Weights> SmallWeights(std::uint64_t seed) {
  Random random(seed);
  return std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, kConfig));
}

// Three prompts of 12, 7 and 1 tokens: 0, 5 and 11 columns of padding.
TokenBatch ThreeRows() {
  return PadLeft({{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                  {21, 22, 23, 24, 25, 26, 27},
                  {31}},
                 0);
}

TokenBatch OneRow() {
  return SingleRow({11, 7, 42, 7, 0, 49, 3, 3, 18, 29, 30, 1});
}

// ---- Task 3.6 ----------------------------------------------------------

TEST(CachedAttentionTest, GivesTheUncachedLogitsForEverySplitOfOneRow) {
  Gpt2 uncached(SmallWeights(71));
  for (std::size_t prefill = 1; prefill <= 12; ++prefill) {
    Gpt2 cached(SmallWeights(71));
    const KvCacheHandle handle = EnableKvCache(cached, 1, 12);
    EXPECT_TRUE(SameLogits(cached, uncached, OneRow(),
                           PrefillThenSteps(prefill, 12), kTolerance));
  }
}

TEST(CachedAttentionTest, GivesTheUncachedLogitsForEverySplitOfAPaddedBatch) {
  Gpt2 uncached(SmallWeights(72));
  for (std::size_t prefill = 1; prefill <= 12; ++prefill) {
    Gpt2 cached(SmallWeights(72));
    const KvCacheHandle handle = EnableKvCache(cached, 3, 12);
    EXPECT_TRUE(SameLogits(cached, uncached, ThreeRows(),
                           PrefillThenSteps(prefill, 12), kTolerance));
  }
}

TEST(CachedAttentionTest, TakesChunksOfAnySize) {
  // The mask of a chunk must be aligned to the bottom right, or chunks of more
  // than one token behind a past see too little.
  Gpt2 uncached(SmallWeights(73));
  const std::vector<std::vector<std::size_t>> splits = {
      {3, 7, 12}, {1, 6, 7, 12}, {5, 10, 12}, {11, 12}, {2, 4, 6, 8, 10, 12}};
  for (const std::vector<std::size_t>& ends : splits) {
    Gpt2 cached(SmallWeights(73));
    const KvCacheHandle handle = EnableKvCache(cached, 3, 12);
    EXPECT_TRUE(SameLogits(cached, uncached, ThreeRows(), ends, kTolerance));
  }
}

TEST(CachedAttentionTest, AStepDoesTheWorkOfOneToken) {
  Gpt2 model(SmallWeights(74));
  const KvCacheHandle handle = EnableKvCache(model, 3, 32);
  model.Forward(ThreeRows(), LogitsFor::kLastPosition);
  const TokenBatch step = {Tokens{{1}, {2}, {3}}, ThreeRows().left_pad};

  const WorkCounts before = CountedWork();
  model.Forward(step, LogitsFor::kLastPosition);
  const WorkCounts work = CountedWork() - before;

  // Per layer and row: 3 d^2, d^2, 8 d^2; 2 * d per key; the head once a row.
  EXPECT_EQ(work[Work::kQkv], 3U * 3 * 3 * 24 * 24);
  EXPECT_EQ(work[Work::kProjection], 3U * 3 * 24 * 24);
  EXPECT_EQ(work[Work::kMlp], 3U * 3 * 8 * 24 * 24);
  EXPECT_EQ(work[Work::kHead], 3U * 24 * 50);
  EXPECT_GT(work[Work::kAttention], 0U);
  EXPECT_LE(work[Work::kAttention], 3U * 3 * 2 * 13 * 24);
}

TEST(CachedAttentionTest, KeepsEveryLayersKeysInItsOwnCache) {
  Gpt2 model(SmallWeights(75));
  const KvCacheHandle handle = EnableKvCache(model, 1, 12);
  model.Forward(OneRow(), LogitsFor::kLastPosition);

  ASSERT_EQ(handle.Cache().PastLen(), 12U);
  for (std::size_t layer = 0; layer < 3; ++layer) {
    EXPECT_EQ(handle.Cache().Layer(layer).PastLen(), 12U);
  }
  EXPECT_FALSE(Near(handle.Cache().Layer(0).Keys(),
                    handle.Cache().Layer(1).Keys(), kTolerance));
  EXPECT_FALSE(Near(handle.Cache().Layer(1).Keys(),
                    handle.Cache().Layer(2).Keys(), kTolerance));
}

// Answers as `inner` does, and from some layer on throws.
class FailingAttention final : public Attention {
 public:
  explicit FailingAttention(std::unique_ptr<Attention> inner)
      : inner_(std::move(inner)) {}
  std::size_t PastLen() const override { return inner_->PastLen(); }
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override {
    if (layer >= healthy_layers_) throw std::runtime_error("power cut");
    return inner_->Forward(layer, x, weights, left_pad);
  }
  void FailFrom(std::size_t layer) { healthy_layers_ = layer; }

 private:
  std::unique_ptr<Attention> inner_;
  std::size_t healthy_layers_ = kConfig.num_layers;
};

TEST(CachedAttentionTest, ForgetsWhatABrokenOffPassLeftBehind) {
  // Given a cache of 5 tokens and a pass that breaks off after 2 of 3 layers
  const std::shared_ptr<const Gpt2Weights> weights = SmallWeights(76);
  const TokenBatch tokens = OneRow();
  Gpt2 uncached(weights);
  Gpt2 model(weights);
  auto cache = std::make_shared<KvCache>(CacheShape{.batch = 1,
                                                    .max_seq_len = 12,
                                                    .num_layers = 3,
                                                    .num_kv_heads = 4,
                                                    .head_dim = 6});
  auto owned = std::make_unique<FailingAttention>(
      std::make_unique<CachedAttention>(4, cache));
  FailingAttention& attention = *owned;
  model.ReplaceAttention(std::move(owned));
  model.Forward(Columns(tokens, 0, 5), LogitsFor::kLastPosition);
  attention.FailFrom(2);
  EXPECT_THROW(model.Forward(Columns(tokens, 5, 8), LogitsFor::kLastPosition),
               std::runtime_error);
  EXPECT_EQ(cache->PastLen(), 5U);

  // When the same tokens come again, now undisturbed
  attention.FailFrom(3);
  const Tensor3 logits =
      model.Forward(Columns(tokens, 5, 8), LogitsFor::kLastPosition);

  // Then they are stored once
  EXPECT_EQ(cache->Layer(0).PastLen(), 8U);
  EXPECT_TRUE(Near(
      logits, uncached.Forward(Columns(tokens, 0, 8), LogitsFor::kLastPosition),
      kTolerance));
}

TEST(CachedAttentionTest, RefusesNoCache) {
  const auto cache = std::make_shared<KvCache>(CacheShape{.batch = 1,
                                                          .max_seq_len = 1,
                                                          .num_layers = 1,
                                                          .num_kv_heads = 4,
                                                          .head_dim = 6});
  EXPECT_EQ(CachedAttention(4, cache).PastLen(), 0U);
  EXPECT_THROW(CachedAttention(4, nullptr), ContractError);
}

TEST(CachedAttentionTest, RefusesTokensBeyondMaxSeqLenAndGoesOn) {
  Gpt2 uncached(SmallWeights(77));
  Gpt2 cached(SmallWeights(77));
  const KvCacheHandle handle = EnableKvCache(cached, 1, 6);
  cached.Forward(Columns(OneRow(), 0, 5), LogitsFor::kLastPosition);

  EXPECT_THAT(MessageOf<ContractError>([&] {
                cached.Forward(Columns(OneRow(), 5, 7),
                               LogitsFor::kLastPosition);
              }),
              HasSubstr("no room for 2 more tokens"));

  // Then what it held is as it was, and one more token still fits.
  const Tensor3 logits =
      cached.Forward(Columns(OneRow(), 5, 6), LogitsFor::kLastPosition);
  const Tensor3 expected =
      uncached.Forward(Columns(OneRow(), 0, 6), LogitsFor::kLastPosition);
  EXPECT_TRUE(Near(logits, expected, kTolerance));
}

// ---- Task 3.7 ----------------------------------------------------------

TEST(EnableKvCacheTest, ResetServesANewPrompt) {
  Gpt2 uncached(SmallWeights(81));
  Gpt2 cached(SmallWeights(81));
  KvCacheHandle handle = EnableKvCache(cached, 1, 12);
  EXPECT_TRUE(SameLogits(cached, uncached, OneRow(), {4, 5, 9}, kTolerance));

  handle.Cache().Reset();

  const TokenBatch other = SingleRow({5, 4, 3, 2, 1, 0, 5, 6, 7, 8, 9, 10});
  EXPECT_TRUE(SameLogits(cached, uncached, other, {3, 4, 5, 12}, kTolerance));
}

TEST(EnableKvCacheTest, TruncateTakesTokensBack) {
  Gpt2 uncached(SmallWeights(82));
  Gpt2 cached(SmallWeights(82));
  KvCacheHandle handle = EnableKvCache(cached, 1, 12);
  cached.Forward(Columns(OneRow(), 0, 8), LogitsFor::kLastPosition);

  handle.Cache().Truncate(5);

  // Another continuation from position 5 on
  const TokenBatch edited = SingleRow({11, 7, 42, 7, 0, 1, 2});
  const Tensor3 logits =
      cached.Forward(Columns(edited, 5, 7), LogitsFor::kLastPosition);
  EXPECT_TRUE(Near(logits, uncached.Forward(edited, LogitsFor::kLastPosition),
                   kTolerance));
}

TEST(EnableKvCacheTest, TwoModelsKeepTwoCaches) {
  Gpt2 first_uncached(SmallWeights(83));
  Gpt2 second_uncached(SmallWeights(84));
  Gpt2 first(SmallWeights(83));
  Gpt2 second(SmallWeights(84));
  const KvCacheHandle first_handle = EnableKvCache(first, 1, 12);
  const KvCacheHandle second_handle = EnableKvCache(second, 3, 12);

  // Fed in turn, each continues its own sequence.
  const Tensor3 first_all =
      first_uncached.Forward(OneRow(), LogitsFor::kAllPositions);
  const Tensor3 second_all =
      second_uncached.Forward(ThreeRows(), LogitsFor::kAllPositions);
  for (std::size_t t = 0; t < 12; ++t) {
    const Tensor3 one =
        first.Forward(Columns(OneRow(), t, t + 1), LogitsFor::kAllPositions);
    const Tensor3 three = second.Forward(Columns(ThreeRows(), t, t + 1),
                                         LogitsFor::kAllPositions);
    ASSERT_TRUE(Near(one, LogitsOf(first_all, t, t + 1), kTolerance));
    ASSERT_TRUE(Near(RealLogits(three, ThreeRows(), t),
                     RealLogits(LogitsOf(second_all, t, t + 1), ThreeRows(), t),
                     kTolerance));
  }
}

TEST(EnableKvCacheTest, DisableGivesBackAModelThatNeverHadACache) {
  Gpt2 untouched(SmallWeights(85));
  Gpt2 model(SmallWeights(85));
  const Attention* before = &model.CurrentAttention();
  KvCacheHandle handle = EnableKvCache(model, 1, 12);
  model.Forward(OneRow(), LogitsFor::kLastPosition);
  EXPECT_TRUE(handle.Enabled());

  handle.Disable();

  EXPECT_FALSE(handle.Enabled());
  EXPECT_EQ(&model.CurrentAttention(), before);
  EXPECT_TRUE(Near(model.Forward(OneRow(), LogitsFor::kAllPositions),
                   untouched.Forward(OneRow(), LogitsFor::kAllPositions),
                   0.0F));
  handle.Disable();  // once more does nothing
  EXPECT_EQ(&model.CurrentAttention(), before);
}

TEST(EnableKvCacheTest, CanBeEnabledAgainWithAFreshCache) {
  Gpt2 uncached(SmallWeights(86));
  Gpt2 cached(SmallWeights(86));
  KvCacheHandle first = EnableKvCache(cached, 1, 12);
  cached.Forward(OneRow(), LogitsFor::kLastPosition);
  first.Disable();

  const KvCacheHandle second = EnableKvCache(cached, 3, 20);

  EXPECT_TRUE(second.Enabled());
  EXPECT_FALSE(first.Enabled());
  EXPECT_EQ(second.Cache().PastLen(), 0U);
  EXPECT_TRUE(
      SameLogits(cached, uncached, ThreeRows(), {5, 6, 12}, kTolerance));
}

TEST(EnableKvCacheTest, EnablingTwiceDoesNotNest) {
  Gpt2 uncached(SmallWeights(87));
  Gpt2 cached(SmallWeights(87));
  const Attention* before = &cached.CurrentAttention();
  KvCacheHandle first = EnableKvCache(cached, 1, 12);
  const Attention* enabled = &cached.CurrentAttention();

  KvCacheHandle second = EnableKvCache(cached, 1, 12);

  // The same cache, one layer deep: tokens are not stored twice.
  EXPECT_EQ(&cached.CurrentAttention(), enabled);
  EXPECT_EQ(&second.Cache(), &first.Cache());
  EXPECT_TRUE(SameLogits(cached, uncached, OneRow(), {3, 4}, kTolerance));
  EXPECT_EQ(second.Cache().PastLen(), 4U);

  // One Disable is enough.
  second.Disable();
  EXPECT_EQ(&cached.CurrentAttention(), before);
  EXPECT_FALSE(first.Enabled());
}

TEST(EnableKvCacheTest, RefusesASecondCacheOfAnotherShape) {
  Gpt2 model(SmallWeights(88));
  KvCacheHandle handle = EnableKvCache(model, 1, 12);
  model.Forward(Columns(OneRow(), 0, 3), LogitsFor::kLastPosition);

  EXPECT_THROW(EnableKvCache(model, 2, 12), ContractError);
  EXPECT_TRUE(handle.Enabled());
  EXPECT_EQ(handle.Cache().PastLen(), 3U);
}

TEST(EnableKvCacheTest, EndsWithTheLastHandle) {
  Gpt2 model(SmallWeights(89));
  const Attention* before = &model.CurrentAttention();
  {
    const KvCacheHandle outer = EnableKvCache(model, 1, 12);
    { const KvCacheHandle inner = EnableKvCache(model, 1, 12); }
    EXPECT_TRUE(outer.Enabled());
    EXPECT_NE(&model.CurrentAttention(), before);
  }
  EXPECT_EQ(&model.CurrentAttention(), before);
}

TEST(EnableKvCacheTest, RefusesSizesThatTheModelDoesNotHave) {
  Gpt2 model(SmallWeights(90));
  const Attention* before = &model.CurrentAttention();

  EXPECT_THAT(MessageOf<ContractError>([&] { EnableKvCache(model, 1, 33); }),
              HasSubstr("33 exceeds max_positions 32"));
  EXPECT_THROW(EnableKvCache(model, 0, 12), ContractError);
  EXPECT_THROW(EnableKvCache(model, 1, 0), ContractError);
  EXPECT_EQ(&model.CurrentAttention(), before);
  EXPECT_EQ(EnableKvCache(model, 1, 32).Cache().Shape().max_seq_len, 32U);
}

// ---- Task 3.8 ----------------------------------------------------------

TEST(GenerateCachedTest, GivesTheTokensOfGenerate) {
  Gpt2 model(SmallWeights(91));
  const GenerateOptions greedy = {.new_tokens = 15};
  const GenerateOptions sampled = {
      .new_tokens = 15, .sampling = {.temperature = 1, .top_k = 10}, .seed = 7};

  for (const TokenBatch& prompt : {OneRow(), ThreeRows(), SingleRow({17})}) {
    for (const GenerateOptions& options : {greedy, sampled}) {
      const Tokens cached = GenerateCached(model, prompt, options);
      const Tokens expected = Generate(model, prompt, options);
      for (std::size_t b = 0; b < expected.shape(0); ++b) {
        for (std::size_t step = 0; step < options.new_tokens; ++step) {
          ASSERT_EQ(cached(b, step), expected(b, step))
              << "batch row " << b << ", new token " << step
              << " after a prompt of " << prompt.ids.shape(1)
              << ", temperature " << options.sampling.temperature;
        }
      }
    }
  }
}

TEST(GenerateCachedTest, ComputesEveryTokenOnce) {
  Gpt2 model(SmallWeights(92));

  const WorkCounts before = CountedWork();
  GenerateCached(model, OneRow(), {.new_tokens = 10});
  const WorkCounts work = CountedWork() - before;

  // 12 tokens of the prompt and 9 of the 10 new ones: the last is never fed.
  EXPECT_EQ(work[Work::kQkv], 3U * (12 + 9) * 3 * 24 * 24);
  EXPECT_EQ(work[Work::kHead], 10U * 24 * 50);
}

TEST(GenerateCachedTest, TellsEveryTokenAsItComes) {
  Gpt2 model(SmallWeights(93));
  std::vector<std::vector<TokenId>> told;
  const GenerateOptions options = {
      .new_tokens = 3,
      .sampling = {},
      .seed = 0,
      .on_tokens = [&](std::span<const TokenId> ids) {
        told.emplace_back(ids.begin(), ids.end());
      }};

  const Tokens generated = GenerateCached(model, ThreeRows(), options);

  ASSERT_EQ(told.size(), 3U);
  for (std::size_t step = 0; step < 3; ++step) {
    EXPECT_THAT(told[step], ElementsAre(generated(0, step), generated(1, step),
                                        generated(2, step)));
  }
}

TEST(GenerateCachedTest, LeavesTheModelAsItWas) {
  Gpt2 model(SmallWeights(94));
  const Attention* before = &model.CurrentAttention();
  GenerateCached(model, OneRow(), {.new_tokens = 3});
  EXPECT_EQ(&model.CurrentAttention(), before);

  const GenerateOptions failing = {
      .new_tokens = 3,
      .sampling = {},
      .seed = 0,
      .on_tokens = [](std::span<const TokenId>) {
        throw std::runtime_error("the reader left");
      }};
  EXPECT_THROW(GenerateCached(model, OneRow(), failing), std::runtime_error);
  EXPECT_EQ(&model.CurrentAttention(), before);
}

TEST(GenerateCachedTest, FillsTheModelsContextAndRefusesMore) {
  Gpt2 model(SmallWeights(95));

  EXPECT_EQ(GenerateCached(model, OneRow(), {.new_tokens = 20}),
            Generate(model, OneRow(), {.new_tokens = 20}));
  EXPECT_THROW(GenerateCached(model, OneRow(), {.new_tokens = 21}),
               ContractError);
  EXPECT_EQ(GenerateCached(model, OneRow(), {.new_tokens = 0}).shape(1), 0U);
}

}  // namespace
}  // namespace kvlab
