// Tests the contract of cached_attention.h, task by task. The second method is
// the model without a cache: same weights, same tokens, everything recomputed.
#include "modules/03_memoization/cached_attention.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/copy.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/attention_seam.h"
#include "modules/02_transformer/generate.h"
#include "modules/03_memoization/allocation_counter.h"
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

std::shared_ptr<const Gpt2Weights> WeightsFor(const Gpt2Config& config,
                                              std::uint64_t seed) {
  Random random(seed);
  return std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, config));
}

std::shared_ptr<const Gpt2Weights> SmallWeights(std::uint64_t seed) {
  return WeightsFor(kConfig, seed);
}

// Rows of these lengths, padded on the left to the longest.
TokenBatch RowsOf(const std::vector<std::size_t>& lengths, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::vector<TokenId>> rows;
  for (const std::size_t length : lengths) {
    std::vector<TokenId>& row = rows.emplace_back();
    for (std::size_t t = 0; t < length; ++t) {
      row.push_back(static_cast<TokenId>(random.NextBelow(50)));
    }
  }
  return PadLeft(rows, 0);
}

// The cache of a model that has one. Shared, as in the attention: a weak_ptr to
// it shows when it is freed.
std::shared_ptr<KvCache> CacheOf(Gpt2& model) {
  return dynamic_cast<CachedAttention&>(model.CurrentAttention()).Cache();
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
    const KvCacheHandle handle =
        EnableKvCache(cached, {.batch = 1, .max_seq_len = 12});
    EXPECT_TRUE(SameLogits({.cached = cached, .uncached = uncached}, OneRow(),
                           PrefillThenSteps({.prefill = prefill, .total = 12}),
                           kTolerance));
  }
}

TEST(CachedAttentionTest, GivesTheUncachedLogitsForEverySplitOfAPaddedBatch) {
  Gpt2 uncached(SmallWeights(72));
  for (std::size_t prefill = 1; prefill <= 12; ++prefill) {
    Gpt2 cached(SmallWeights(72));
    const KvCacheHandle handle =
        EnableKvCache(cached, {.batch = 3, .max_seq_len = 12});
    EXPECT_TRUE(SameLogits(
        {.cached = cached, .uncached = uncached}, ThreeRows(),
        PrefillThenSteps({.prefill = prefill, .total = 12}), kTolerance));
  }
}

TEST(CachedAttentionTest, TakesChunksOfAnySize) {
  // The mask of a chunk must be aligned to the bottom right, or chunks of more
  // than one token after a past see too little.
  Gpt2 uncached(SmallWeights(73));
  const std::vector<std::vector<std::size_t>> splits = {
      {3, 7, 12}, {1, 6, 7, 12}, {5, 10, 12}, {11, 12}, {2, 4, 6, 8, 10, 12}};
  for (const std::vector<std::size_t>& ends : splits) {
    Gpt2 cached(SmallWeights(73));
    const KvCacheHandle handle =
        EnableKvCache(cached, {.batch = 3, .max_seq_len = 12});
    EXPECT_TRUE(SameLogits({.cached = cached, .uncached = uncached},
                           ThreeRows(), ends, kTolerance));
  }
}

// The model, the lengths of its rows, and the ends of the pieces they are fed
// in. Together the rows of the table cover every pair of: 1, few, many layers;
// 1, few, more than 8 heads; even and odd head_dim; 1, 3 and 5 rows;
// no padding, some, more than 255; a prompt beyond 256 and none; steps; chunks
// of a few and of more than 64 tokens; hundreds and more than a thousand
// positions, always up to the last one that the model has.
struct Combination {
  std::size_t num_layers;
  std::size_t num_heads;
  std::size_t head_dim;
  std::vector<std::size_t> rows;
  std::vector<std::size_t> ends;
};

// `pieces`, and then one token at a time up to `total`.
std::vector<std::size_t> ThenSteps(std::vector<std::size_t> pieces,
                                   std::size_t total) {
  while (pieces.empty() || pieces.back() < total) {
    pieces.push_back(pieces.empty() ? 1 : pieces.back() + 1);
  }
  return pieces;
}

// Lengths of as many rows, 4 to 6 tokens each.
std::vector<std::size_t> ManyRows(std::size_t count) {
  std::vector<std::size_t> rows;
  for (std::size_t b = 0; b < count; ++b) rows.push_back(6 - b % 3);
  return rows;
}

TEST(CachedAttentionTest, GivesTheUncachedLogitsForSizesOfEveryKind) {
  const std::vector<Combination> combinations = {
      {1, 2, 5, {1'090}, ThenSteps({300, 301, 371}, 1'090)},
      {5, 9, 3, {66, 7, 1, 40, 66}, {3, 4, 66}},
      {2, 12, 7, {330, 20, 1}, ThenSteps({257, 260}, 330)},
      {7, 2, 4, {70, 70, 69}, {1, 68, 70}},
      {3, 16, 1, {300, 300, 44, 2, 299}, {1, 2, 290, 299, 300}},
      {6, 1, 9, {140}, ThenSteps({}, 140)},
      {1, 10, 5, {600, 310, 520}, ThenSteps({590}, 600)},
      // Layers, heads, head_dim and rows beyond what 8 bits count.
      {270, 1, 3, {6, 4}, ThenSteps({3}, 6)},
      {70, 2, 1, {6, 4}, ThenSteps({3}, 6)},
      {2, 270, 1, {6, 4}, ThenSteps({3}, 6)},
      {1, 2, 270, {6, 4}, ThenSteps({3}, 6)},
      {2, 2, 3, std::vector<std::size_t>(270, 6), ThenSteps({3}, 6)},
      {2, 2, 3, ManyRows(270), ThenSteps({3}, 6)}};
  std::uint64_t seed = 701;
  for (const Combination& each : combinations) {
    const TokenBatch tokens = RowsOf(each.rows, seed);
    const std::size_t total = tokens.ids.shape(1);
    const std::size_t d_model = each.num_heads * each.head_dim;
    const auto weights = WeightsFor({.num_layers = each.num_layers,
                                     .num_heads = each.num_heads,
                                     .d_model = d_model,
                                     .d_mlp = 3 * d_model + 1,
                                     .max_positions = total,
                                     .vocab_size = 50},
                                    seed++);
    Gpt2 uncached(weights);
    Gpt2 cached(weights);
    KvCacheHandle handle = EnableKvCache(
        cached, {.batch = each.rows.size(), .max_seq_len = total});
    // Twice in the same cache: the second time after Reset().
    for (int time = 1; time <= 2; ++time) {
      // Rounding in one layer is passed on through hundreds of others.
      const float tolerance =
          each.num_layers > 13 ? 200 * kTolerance : kTolerance;
      ASSERT_TRUE(SameLogits({.cached = cached, .uncached = uncached}, tokens,
                             each.ends, tolerance))
          << each.num_layers << " layers, " << each.num_heads << " heads of "
          << each.head_dim << ", " << each.rows.size() << " rows of up to "
          << total << " tokens, time " << time;
      EXPECT_EQ(handle.Cache().PastLen(), total);
      handle.Cache().Reset();
    }
  }
}

TEST(CachedAttentionTest, GivesWhatFullAttentionGivesAlsoForPadding) {
  // Called directly, without a model. A query that is padding sees no key at
  // all: its result is the projection of zeros.
  const auto weights = SmallWeights(702);
  const std::vector<std::size_t> left_pad = {9, 0, 4, 10, 3};
  Random random(703);
  Tensor3 x = Tensor3::from_shape({5, 11, 24});
  for (float& value : x) value = random.NextUniform(-2.0F, 2.0F);
  const AttentionWeights& attn = weights->blocks[1].attn;
  const Tensor3 whole = MultiHeadAttention(x, attn, 4, left_pad);

  CachedAttention attention(
      4, std::make_shared<KvCache>(CacheShape{.batch = 5,
                                              .max_seq_len = 11,
                                              .num_layers = 3,
                                              .num_kv_heads = 4,
                                              .head_dim = 6}));
  std::size_t begin = 0;
  for (const std::size_t end : {3, 4, 9, 10, 11}) {
    EXPECT_TRUE(
        Near(attention.Forward(1, LogitsOf(x, begin, end), attn, left_pad),
             LogitsOf(whole, begin, end), kTolerance))
        << "tokens " << begin << " to " << end;
    begin = end;
  }
}

TEST(CachedAttentionTest, KeepsHundredsOfLayersApart) {
  // Called directly, layer by layer, each with tokens of its own: what a model
  // of so many layers rounds would hide a difference.
  constexpr std::size_t kLayers = 300;
  const auto weights = WeightsFor({.num_layers = 2,
                                   .num_heads = 2,
                                   .d_model = 6,
                                   .d_mlp = 5,
                                   .max_positions = 9,
                                   .vocab_size = 50},
                                  717);
  const AttentionWeights& attn = weights->blocks[1].attn;
  CachedAttention attention(
      2, std::make_shared<KvCache>(CacheShape{.batch = 2,
                                              .max_seq_len = 5,
                                              .num_layers = kLayers,
                                              .num_kv_heads = 2,
                                              .head_dim = 3}));
  Random random(718);
  std::vector<Tensor3> x(kLayers, Tensor3::from_shape({2, 5, 6}));
  for (Tensor3& of_layer : x) {
    for (float& value : of_layer) value = random.NextUniform(-2.0F, 2.0F);
  }
  std::size_t begin = 0;
  for (const std::size_t end : {3, 4, 5}) {
    for (std::size_t layer = 0; layer < kLayers; ++layer) {
      ASSERT_TRUE(Near(
          attention.Forward(layer, LogitsOf(x[layer], begin, end), attn, {}),
          LogitsOf(MultiHeadAttention(x[layer], attn, 2, {}), begin, end),
          kTolerance))
          << "layer " << layer << ", tokens " << begin << " to " << end;
    }
    begin = end;
  }
}

TEST(CachedAttentionTest, ACallThatIsRefusedLeavesItsLayerAsItWas) {
  // One layer: PastLen() is that layer's, so an extra token shows at once.
  const auto weights = SmallWeights(704);
  const AttentionWeights& attn = weights->blocks[0].attn;
  auto cache = std::make_shared<KvCache>(CacheShape{.batch = 2,
                                                    .max_seq_len = 6,
                                                    .num_layers = 1,
                                                    .num_kv_heads = 4,
                                                    .head_dim = 6});
  CachedAttention attention(4, cache);
  Random random(705);
  Tensor3 x = Tensor3::from_shape({2, 6, 24});
  for (float& value : x) value = random.NextUniform(-2.0F, 2.0F);
  const std::vector<std::size_t> left_pad = {2, 0};
  const Tensor3 whole = MultiHeadAttention(x, attn, 4, left_pad);
  AttentionWeights wrong = attn;
  wrong.c_proj = weights->blocks[0].mlp.c_proj;  // made for 96 features

  for (std::size_t t = 0; t < 6; ++t) {
    const Tensor3 token = LogitsOf(x, t, t + 1);
    const std::vector<std::size_t> three(3, 0);
    EXPECT_THROW(attention.Forward(0, token, attn, three), ContractError);
    EXPECT_THROW(attention.Forward(0, token, wrong, left_pad), ContractError);
    EXPECT_THROW(attention.Forward(1, token, attn, left_pad), ContractError);
    EXPECT_THROW(
        attention.Forward(0, Tensor3::from_shape({3, 1, 24}), attn, {}),
        ContractError);
    EXPECT_THROW(attention.Forward(0, Tensor3::from_shape({2, 7 - t, 24}), attn,
                                   left_pad),
                 ContractError);
    ASSERT_EQ(attention.PastLen(), t) << "after refused calls";
    EXPECT_TRUE(Near(attention.Forward(0, token, attn, left_pad),
                     LogitsOf(whole, t, t + 1), kTolerance));
  }
}

TEST(CachedAttentionTest, AStepCopiesNothingThatIsStored) {
  // A step may allocate its scores, which grow with the tokens held; keys and
  // values stay in place. So a step after 1,024 tokens may request no more
  // bytes than one after 64 plus the growth of attention, provided that this is
  // less than a quarter of the keys.
  const Gpt2Config config = {.num_layers = 1,
                             .num_heads = 2,
                             .d_model = 128,
                             .d_mlp = 128,
                             .max_positions = 1'100,
                             .vocab_size = 10};
  const auto weights = WeightsFor(config, 706);
  const AttentionWeights& attn = weights->blocks[0].attn;
  auto cache = std::make_shared<KvCache>(CacheShape{.batch = 1,
                                                    .max_seq_len = 1'100,
                                                    .num_layers = 1,
                                                    .num_kv_heads = 2,
                                                    .head_dim = 64});
  CachedAttention attention(2, cache);
  Tensor3 token = Tensor3::from_shape({1, 1, 128});
  token.fill(0.5F);
  const Qkv qkv = ProjectQkv(token, attn, 2);
  struct Bytes {
    std::uint64_t forward = 0;  // allocated by a step
    std::uint64_t attend = 0;   // allocated by attending alone
    std::uint64_t copied = 0;   // counted by CopyRows in a step
  };
  const auto step_after = [&](std::size_t past_len) {
    Tensor3 before = Tensor3::from_shape({1, past_len - cache->PastLen(), 128});
    before.fill(0.25F);
    attention.Forward(0, before, attn, {});
    const std::uint64_t start = AllocatedBytes();
    const std::uint64_t copied = CopiedBytes();
    attention.Forward(0, token, attn, {});
    const std::uint64_t end = AllocatedBytes();
    CausalAttention(qkv.queries, cache->Layer(0).Keys(),
                    cache->Layer(0).Values(), {});
    return Bytes{end - start, AllocatedBytes() - end, CopiedBytes() - copied};
  };

  const Bytes few = step_after(64);
  const Bytes many = step_after(1'024);

  const std::uint64_t keys_between = 960U * 128 * sizeof(float);
  EXPECT_LT(many.forward - few.forward,
            many.attend - few.attend + keys_between / 4);
  EXPECT_LE(few.copied, 2U * 128 * sizeof(float));
  EXPECT_LE(many.copied, 2U * 128 * sizeof(float));
}

TEST(CachedAttentionTest, AStepDoesTheWorkOfOneToken) {
  Gpt2 model(SmallWeights(74));
  const KvCacheHandle handle =
      EnableKvCache(model, {.batch = 3, .max_seq_len = 32});
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
  // 13 keys in each row; padding may be skipped: rows see 13, 8 and 2.
  EXPECT_GE(work[Work::kAttention], 3U * (13 + 8 + 2) * 2 * 24);
  EXPECT_LE(work[Work::kAttention], 3U * (13 + 13 + 13) * 2 * 24);
}

TEST(CachedAttentionTest, AChunkDoesTheWorkOfItsTokens) {
  Gpt2 model(SmallWeights(74));
  const KvCacheHandle handle =
      EnableKvCache(model, {.batch = 3, .max_seq_len = 32});
  std::size_t past_len = 0;
  for (const std::size_t new_len : {1, 20, 4, 7}) {
    const TokenBatch tokens = {Tokens(Tokens::shape_type{3, new_len}, 5), {}};
    const WorkCounts before = CountedWork();
    const std::uint64_t copied = CopiedBytes();
    model.Forward(tokens, LogitsFor::kLastPosition);
    const WorkCounts work = CountedWork() - before;

    EXPECT_EQ(work[Work::kQkv], 3U * 3 * new_len * 3 * 24 * 24);
    EXPECT_EQ(work[Work::kProjection], 3U * 3 * new_len * 24 * 24);
    EXPECT_EQ(work[Work::kMlp], 3U * 3 * new_len * 8 * 24 * 24);
    EXPECT_EQ(work[Work::kHead], 3U * 24 * 50);
    // Query i sees past_len + i + 1 keys; hidden keys may be skipped.
    const std::uint64_t all = new_len * (past_len + new_len);
    const std::uint64_t hidden = new_len * (new_len - 1) / 2;
    EXPECT_GE(work[Work::kAttention], 3U * 3 * (all - hidden) * 2 * 24);
    EXPECT_LE(work[Work::kAttention], 3U * 3 * all * 2 * 24);
    EXPECT_LE(CopiedBytes() - copied,
              3U * 3 * new_len * 2 * 24 * sizeof(float));
    past_len += new_len;
  }
}

TEST(CachedAttentionTest, KeepsEveryLayersKeysInItsOwnCache) {
  Gpt2 model(SmallWeights(75));
  const KvCacheHandle handle =
      EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
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

// Forwards to `inner`, but throws from some layer on.
class FailingAttention final : public Attention {
 public:
  // Fails only once FailFrom says so.
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
  std::size_t healthy_layers_ = std::numeric_limits<std::size_t>::max();
};

// Models each of whose sizes in turn goes far beyond what others have, up to
// more than 8 bits count.
std::vector<Gpt2Config> LargeConfigs() {
  std::vector<Gpt2Config> configs;
  for (const std::size_t size : {10, 70, 300}) {
    for (const auto axis :
         {&Gpt2Config::num_layers, &Gpt2Config::d_model, &Gpt2Config::num_heads,
          &Gpt2Config::d_mlp, &Gpt2Config::max_positions}) {
      Gpt2Config config = {.num_layers = 2,
                           .num_heads = 2,
                           .d_model = 4,
                           .d_mlp = 5,
                           .max_positions = 9,
                           .vocab_size = 300};
      config.*axis = size;
      if (axis == &Gpt2Config::num_heads) config.d_model = size;
      configs.push_back(config);
    }
  }
  return configs;
}

// "300 layers, 2 heads, ..."
std::string TextOf(const Gpt2Config& config) {
  return std::to_string(config.num_layers) + " layers, " +
         std::to_string(config.num_heads) + " heads, " +
         std::to_string(config.d_model) + " features, " +
         std::to_string(config.d_mlp) + " in the MLP, " +
         std::to_string(config.max_positions) + " positions";
}

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

  // When the same tokens come again, now without an exception
  attention.FailFrom(3);
  const Tensor3 logits =
      model.Forward(Columns(tokens, 5, 8), LogitsFor::kLastPosition);

  // Then they are stored once
  EXPECT_EQ(cache->Layer(0).PastLen(), 8U);
  EXPECT_TRUE(Near(
      logits, uncached.Forward(Columns(tokens, 0, 8), LogitsFor::kLastPosition),
      kTolerance));
}

TEST(CachedAttentionTest, ForgetsABrokenOffPassOfAnyModel) {
  for (const Gpt2Config& config : LargeConfigs()) {
    Gpt2 model(WeightsFor(config, 709));
    auto cache =
        std::make_shared<KvCache>(CacheShape{.batch = 2,
                                             .max_seq_len = 9,
                                             .num_layers = config.num_layers,
                                             .num_kv_heads = config.num_heads,
                                             .head_dim = config.HeadDim()});
    auto owned = std::make_unique<FailingAttention>(
        std::make_unique<CachedAttention>(config.num_heads, cache));
    FailingAttention& attention = *owned;
    model.ReplaceAttention(std::move(owned));
    const TokenBatch tokens = RowsOf({9, 7}, 710);
    model.Forward(Columns(tokens, 0, 4), LogitsFor::kLastPosition);
    attention.FailFrom(1);
    EXPECT_THROW(model.Forward(Columns(tokens, 4, 6), LogitsFor::kLastPosition),
                 std::runtime_error);
    attention.FailFrom(config.num_layers);
    model.Forward(Columns(tokens, 4, 6), LogitsFor::kLastPosition);
    for (std::size_t layer = 0; layer < config.num_layers; ++layer) {
      ASSERT_EQ(cache->Layer(layer).PastLen(), 6U)
          << TextOf(config) << ", layer " << layer;
    }
  }
}

TEST(CachedAttentionTest, ForgetsPassesThatBrokeOffAnywhere) {
  // After each layer, at the first token, in the middle and where the cache is
  // full: a complete pass follows, and all logits are right.
  const std::shared_ptr<const Gpt2Weights> weights = SmallWeights(707);
  const TokenBatch tokens = ThreeRows();
  Gpt2 uncached(weights);
  const Tensor3 all = uncached.Forward(tokens, LogitsFor::kAllPositions);
  const TokenBatch others = RowsOf({12, 12, 12}, 708);
  for (std::size_t healthy = 0; healthy < 3; ++healthy) {
    Gpt2 model(weights);
    auto cache = std::make_shared<KvCache>(CacheShape{.batch = 3,
                                                      .max_seq_len = 12,
                                                      .num_layers = 3,
                                                      .num_kv_heads = 4,
                                                      .head_dim = 6});
    auto owned = std::make_unique<FailingAttention>(
        std::make_unique<CachedAttention>(4, cache));
    FailingAttention& attention = *owned;
    model.ReplaceAttention(std::move(owned));
    std::size_t begin = 0;
    for (const std::size_t end : {4, 5, 9, 12}) {
      for (int time = 0; time < 2; ++time) {
        attention.FailFrom(healthy);
        EXPECT_THROW(model.Forward(Columns(others, begin, end),
                                   LogitsFor::kLastPosition),
                     std::runtime_error);
      }
      attention.FailFrom(3);
      const Tensor3 logits =
          model.Forward(Columns(tokens, begin, end), LogitsFor::kAllPositions);
      ASSERT_TRUE(Near(RealLogits(logits, tokens, begin),
                       RealLogits(LogitsOf(all, begin, end), tokens, begin),
                       kTolerance))
          << "passes broke off after " << healthy << " layers";
      EXPECT_EQ(cache->PastLen(), end);
      begin = end;
    }
  }
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
  const KvCacheHandle handle =
      EnableKvCache(cached, {.batch = 1, .max_seq_len = 6});
  cached.Forward(Columns(OneRow(), 0, 5), LogitsFor::kLastPosition);

  EXPECT_THAT(MessageOf<ContractError>([&] {
                cached.Forward(Columns(OneRow(), 5, 7),
                               LogitsFor::kLastPosition);
              }),
              HasSubstr("no room for 2 more tokens"));

  // Then its contents are unchanged, and one more token still fits.
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
  KvCacheHandle handle = EnableKvCache(cached, {.batch = 1, .max_seq_len = 12});
  EXPECT_TRUE(SameLogits({.cached = cached, .uncached = uncached}, OneRow(),
                         {4, 5, 9}, kTolerance));

  handle.Cache().Reset();

  const TokenBatch other = SingleRow({5, 4, 3, 2, 1, 0, 5, 6, 7, 8, 9, 10});
  EXPECT_TRUE(SameLogits({.cached = cached, .uncached = uncached}, other,
                         {3, 4, 5, 12}, kTolerance));
}

TEST(EnableKvCacheTest, TruncateTakesTokensBack) {
  Gpt2 uncached(SmallWeights(82));
  Gpt2 cached(SmallWeights(82));
  KvCacheHandle handle = EnableKvCache(cached, {.batch = 1, .max_seq_len = 12});
  cached.Forward(Columns(OneRow(), 0, 8), LogitsFor::kLastPosition);

  handle.Cache().Truncate(5);

  // Another continuation from position 5 on
  const TokenBatch edited = SingleRow({11, 7, 42, 7, 0, 1, 2});
  const Tensor3 logits =
      cached.Forward(Columns(edited, 5, 7), LogitsFor::kLastPosition);
  EXPECT_TRUE(Near(logits, uncached.Forward(edited, LogitsFor::kLastPosition),
                   kTolerance));
}

TEST(EnableKvCacheTest, TruncateTakesBackToEveryPosition) {
  const auto weights = SmallWeights(821);
  Gpt2 uncached(weights);
  Gpt2 cached(weights);
  KvCacheHandle handle = EnableKvCache(cached, {.batch = 3, .max_seq_len = 12});
  const TokenBatch tokens = ThreeRows();
  const Tensor3 all = uncached.Forward(tokens, LogitsFor::kAllPositions);
  for (std::size_t kept = 0; kept < 12; ++kept) {
    handle.Cache().Reset();
    cached.Forward(Columns(tokens, 0, kept + 1), LogitsFor::kLastPosition);
    // Wrong tokens, up to a full cache, then truncated again.
    const TokenBatch others = {RowsOf({12, 12, 12}, kept).ids, tokens.left_pad};
    if (kept + 1 < 12) {
      cached.Forward(Columns(others, kept + 1, 12), LogitsFor::kLastPosition);
    }
    handle.Cache().Truncate(kept);
    const Tensor3 logits =
        cached.Forward(Columns(tokens, kept, 12), LogitsFor::kAllPositions);
    ASSERT_TRUE(Near(RealLogits(logits, tokens, kept),
                     RealLogits(LogitsOf(all, kept, 12), tokens, kept),
                     kTolerance))
        << "truncated to " << kept;
  }
}

TEST(EnableKvCacheTest, ResetServesALongerPromptUpToTheLastToken) {
  const auto weights = SmallWeights(822);
  Gpt2 uncached(weights);
  Gpt2 cached(weights);
  KvCacheHandle handle = EnableKvCache(cached, {.batch = 2, .max_seq_len = 32});
  for (const std::size_t length : {5, 31, 2, 32, 32}) {
    const TokenBatch tokens = RowsOf({length, length - 1}, length);
    EXPECT_TRUE(SameLogits({.cached = cached, .uncached = uncached}, tokens,
                           ThenSteps({length / 2 + 1}, length), kTolerance))
        << "a prompt of " << length << " in a cache used before";
    EXPECT_EQ(handle.Cache().PastLen(), length);
    handle.Cache().Reset();
  }
}

TEST(EnableKvCacheTest, TwoModelsKeepTwoCaches) {
  Gpt2 first_uncached(SmallWeights(83));
  Gpt2 second_uncached(SmallWeights(84));
  Gpt2 first(SmallWeights(83));
  Gpt2 second(SmallWeights(84));
  const KvCacheHandle first_handle =
      EnableKvCache(first, {.batch = 1, .max_seq_len = 12});
  const KvCacheHandle second_handle =
      EnableKvCache(second, {.batch = 3, .max_seq_len = 12});

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
  KvCacheHandle handle = EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
  model.Forward(OneRow(), LogitsFor::kLastPosition);
  EXPECT_TRUE(handle.Enabled());

  handle.Disable();

  EXPECT_FALSE(handle.Enabled());
  EXPECT_EQ(&model.CurrentAttention(), before);
  // 0: the same sums in the same order
  EXPECT_TRUE(Near(model.Forward(OneRow(), LogitsFor::kAllPositions),
                   untouched.Forward(OneRow(), LogitsFor::kAllPositions),
                   0.0F));
  handle.Disable();  // once more does nothing
  EXPECT_EQ(&model.CurrentAttention(), before);
}

TEST(EnableKvCacheTest, CanBeEnabledAgainWithAFreshCache) {
  Gpt2 uncached(SmallWeights(86));
  Gpt2 cached(SmallWeights(86));
  KvCacheHandle first = EnableKvCache(cached, {.batch = 1, .max_seq_len = 12});
  cached.Forward(OneRow(), LogitsFor::kLastPosition);
  first.Disable();

  const KvCacheHandle second =
      EnableKvCache(cached, {.batch = 3, .max_seq_len = 20});

  EXPECT_TRUE(second.Enabled());
  EXPECT_FALSE(first.Enabled());
  EXPECT_EQ(second.Cache().PastLen(), 0U);
  EXPECT_TRUE(SameLogits({.cached = cached, .uncached = uncached}, ThreeRows(),
                         {5, 6, 12}, kTolerance));
}

TEST(EnableKvCacheTest, EnablingTwiceDoesNotNest) {
  Gpt2 uncached(SmallWeights(87));
  Gpt2 cached(SmallWeights(87));
  const Attention* before = &cached.CurrentAttention();
  KvCacheHandle first = EnableKvCache(cached, {.batch = 1, .max_seq_len = 12});
  const Attention* enabled = &cached.CurrentAttention();

  KvCacheHandle second = EnableKvCache(cached, {.batch = 1, .max_seq_len = 12});

  // The same cache, one layer deep: tokens are not stored twice.
  EXPECT_EQ(&cached.CurrentAttention(), enabled);
  EXPECT_EQ(&second.Cache(), &first.Cache());
  EXPECT_TRUE(SameLogits({.cached = cached, .uncached = uncached}, OneRow(),
                         {3, 4}, kTolerance));
  EXPECT_EQ(second.Cache().PastLen(), 4U);

  // One Disable is enough.
  second.Disable();
  EXPECT_EQ(&cached.CurrentAttention(), before);
  EXPECT_FALSE(first.Enabled());
}

TEST(EnableKvCacheTest, EnablingTwiceKeepsTheTokens) {
  const auto weights = SmallWeights(871);
  Gpt2 uncached(weights);
  Gpt2 cached(weights);
  const TokenBatch tokens = ThreeRows();
  const Tensor3 all = uncached.Forward(tokens, LogitsFor::kAllPositions);
  std::optional<KvCacheHandle> first =
      EnableKvCache(cached, {.batch = 3, .max_seq_len = 12});
  cached.Forward(Columns(tokens, 0, 5), LogitsFor::kLastPosition);

  // Enabled again in the middle of a sequence; either handle may be destroyed.
  std::optional<KvCacheHandle> second =
      EnableKvCache(cached, {.batch = 3, .max_seq_len = 12});
  EXPECT_EQ(second->Cache().PastLen(), 5U);
  const auto expect_next = [&](std::size_t begin, std::size_t end) {
    const Tensor3 logits =
        cached.Forward(Columns(tokens, begin, end), LogitsFor::kAllPositions);
    EXPECT_TRUE(Near(RealLogits(logits, tokens, begin),
                     RealLogits(LogitsOf(all, begin, end), tokens, begin),
                     kTolerance));
  };
  expect_next(5, 6);
  first.reset();
  EXPECT_TRUE(second->Enabled());
  expect_next(6, 8);
  first.emplace(EnableKvCache(cached, {.batch = 3, .max_seq_len = 12}));
  second.reset();
  EXPECT_TRUE(first->Enabled());
  EXPECT_EQ(first->Cache().PastLen(), 8U);
  expect_next(8, 12);
}

TEST(EnableKvCacheTest, AHandleMovesAndIsNotCopied) {
  static_assert(!std::is_copy_constructible_v<KvCacheHandle>);
  Gpt2 model(SmallWeights(872));
  const Attention* before = &model.CurrentAttention();
  std::optional<KvCacheHandle> original =
      EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
  model.Forward(OneRow(), LogitsFor::kLastPosition);

  KvCacheHandle moved = std::move(*original);
  original.reset();
  EXPECT_TRUE(moved.Enabled());
  EXPECT_EQ(&moved.Cache(), CacheOf(model).get());
  EXPECT_EQ(moved.Cache().PastLen(), 12U);

  // Moving a handle does not make another one: this is the last.
  { const KvCacheHandle last = std::move(moved); }
  EXPECT_EQ(&model.CurrentAttention(), before);
}

TEST(EnableKvCacheTest, DisableSpeaksForAllHandlesOfTheCache) {
  Gpt2 model(SmallWeights(872));
  const Attention* before = &model.CurrentAttention();
  std::optional<KvCacheHandle> first =
      EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
  KvCacheHandle second = EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
  const KvCacheHandle third =
      EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
  model.Forward(OneRow(), LogitsFor::kLastPosition);

  first.reset();
  EXPECT_TRUE(second.Enabled());

  second.Disable();
  EXPECT_FALSE(second.Enabled());
  EXPECT_FALSE(third.Enabled());
  EXPECT_EQ(third.Cache().PastLen(), 12U);
  EXPECT_EQ(&model.CurrentAttention(), before);
}

TEST(EnableKvCacheTest, DisableLeavesTheHandleItsCache) {
  Gpt2 model(SmallWeights(873));
  KvCacheHandle handle = EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
  model.Forward(OneRow(), LogitsFor::kLastPosition);
  const KvCache* cache = &handle.Cache();
  std::vector<Tensor4> keys;
  for (std::size_t layer = 0; layer < 3; ++layer) {
    keys.emplace_back(cache->Layer(layer).Keys());
  }

  handle.Disable();
  // Neither a pass without a cache nor one with another cache changes its
  // contents.
  model.Forward(OneRow(), LogitsFor::kLastPosition);
  const KvCacheHandle next =
      EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
  model.Forward(RowsOf({7}, 1), LogitsFor::kLastPosition);

  EXPECT_EQ(&handle.Cache(), cache);
  EXPECT_NE(&next.Cache(), cache);
  EXPECT_EQ(handle.Cache().PastLen(), 12U);
  for (std::size_t layer = 0; layer < 3; ++layer) {
    EXPECT_TRUE(Same(handle.Cache().Layer(layer).Keys(), keys[layer]));
  }
}

TEST(EnableKvCacheTest, AnOldHandleHasNoHoldOnALaterCache) {
  Gpt2 model(SmallWeights(874));
  const Attention* before = &model.CurrentAttention();
  std::optional<KvCacheHandle> old =
      EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
  old->Disable();
  KvCacheHandle current = EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
  model.Forward(Columns(OneRow(), 0, 4), LogitsFor::kLastPosition);

  old->Disable();
  EXPECT_TRUE(current.Enabled());
  old.reset();
  EXPECT_TRUE(current.Enabled());
  EXPECT_EQ(current.Cache().PastLen(), 4U);
  current.Disable();
  EXPECT_EQ(&model.CurrentAttention(), before);
}

TEST(EnableKvCacheTest, EachModelHasItsOwnCache) {
  // Three models of one shape, enabled in turns and twice: a handle or a cache
  // shared by all models, or found by the model's address, mixes them up.
  const auto weights = SmallWeights(875);
  Gpt2 uncached(weights);
  std::optional<Gpt2> one(std::in_place, weights);
  std::optional<Gpt2> two(std::in_place, weights);
  std::optional<KvCacheHandle> first =
      EnableKvCache(*one, {.batch = 1, .max_seq_len = 12});
  std::optional<KvCacheHandle> second =
      EnableKvCache(*two, {.batch = 1, .max_seq_len = 12});
  one->Forward(Columns(OneRow(), 0, 3), LogitsFor::kLastPosition);
  two->Forward(Columns(OneRow(), 0, 5), LogitsFor::kLastPosition);

  std::optional<KvCacheHandle> first_again =
      EnableKvCache(*one, {.batch = 1, .max_seq_len = 12});
  EXPECT_EQ(&first_again->Cache(), &first->Cache());
  EXPECT_EQ(first_again->Cache().PastLen(), 3U);
  {
    const KvCacheHandle second_again =
        EnableKvCache(*two, {.batch = 1, .max_seq_len = 12});
    EXPECT_EQ(&second_again.Cache(), &second->Cache());
    EXPECT_EQ(second_again.Cache().PastLen(), 5U);
  }

  // The first model is destroyed, and another one takes its place in memory.
  first_again->Disable();
  first_again.reset();
  first.reset();
  one.emplace(weights);
  EXPECT_TRUE(second->Enabled());
  const KvCacheHandle third =
      EnableKvCache(*one, {.batch = 1, .max_seq_len = 12});
  EXPECT_EQ(third.Cache().PastLen(), 0U);
  EXPECT_TRUE(SameLogits({.cached = *one, .uncached = uncached}, OneRow(),
                         {5, 6, 12}, kTolerance));
  EXPECT_EQ(second->Cache().PastLen(), 5U);
  EXPECT_TRUE(
      Near(two->Forward(Columns(OneRow(), 5, 12), LogitsFor::kLastPosition),
           uncached.Forward(OneRow(), LogitsFor::kLastPosition), kTolerance));
}

TEST(EnableKvCacheTest, TheLastHandleFreesTheCache) {
  Gpt2 model(SmallWeights(876));
  std::vector<std::weak_ptr<KvCache>> caches;
  for (int time = 0; time < 20; ++time) {
    KvCacheHandle handle =
        EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
    caches.push_back(CacheOf(model));
    model.Forward(OneRow(), LogitsFor::kLastPosition);
    const KvCacheHandle other =
        EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
    if (time % 2 == 0) handle.Disable();
    EXPECT_FALSE(caches.back().expired());
  }
  for (const std::weak_ptr<KvCache>& cache : caches) {
    EXPECT_TRUE(cache.expired()) << "a cache outlives all of its handles";
  }
}

TEST(EnableKvCacheTest, RefusesACacheThatItDidNotMake) {
  // Of exactly the requested shape, but plugged in by other code.
  Gpt2 model(SmallWeights(877));
  model.ReplaceAttention(std::make_unique<CachedAttention>(
      4, std::make_shared<KvCache>(CacheShape{.batch = 1,
                                              .max_seq_len = 12,
                                              .num_layers = 3,
                                              .num_kv_heads = 4,
                                              .head_dim = 6})));
  const Attention* plugged_in = &model.CurrentAttention();
  model.Forward(Columns(OneRow(), 0, 3), LogitsFor::kLastPosition);

  // In a separate process: taking it for an enabled one would crash.
  const auto enable = [&] {
    try {
      EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
    } catch (const ContractError&) {
      std::_Exit(0);
    }
    std::cerr << "nothing was refused, though the model has a cache\n";
    std::_Exit(1);
  };
  EXPECT_EXIT(enable(), ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(&model.CurrentAttention(), plugged_in);
  EXPECT_EQ(model.CurrentAttention().PastLen(), 3U);
}

TEST(EnableKvCacheTest, RefusesASecondCacheOfAnotherShape) {
  Gpt2 model(SmallWeights(88));
  KvCacheHandle handle = EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
  model.Forward(Columns(OneRow(), 0, 3), LogitsFor::kLastPosition);

  EXPECT_THROW(EnableKvCache(model, {.batch = 2, .max_seq_len = 12}),
               ContractError);
  EXPECT_THROW(EnableKvCache(model, {.batch = 1, .max_seq_len = 11}),
               ContractError);
  EXPECT_THROW(EnableKvCache(model, {.batch = 1, .max_seq_len = 13}),
               ContractError);
  EXPECT_THROW(EnableKvCache(model, {.batch = 0, .max_seq_len = 12}),
               ContractError);
  EXPECT_THROW(EnableKvCache(model, {.batch = 1, .max_seq_len = 33}),
               ContractError);
  EXPECT_TRUE(handle.Enabled());
  EXPECT_EQ(handle.Cache().PastLen(), 3U);
}

TEST(EnableKvCacheTest, RefusesASecondCacheOfAnotherShapeForAnyNumberOfRows) {
  for (const std::size_t batch : {3, 10, 70, 300}) {
    SCOPED_TRACE(batch);
    Gpt2 model(SmallWeights(89));
    const KvCacheHandle handle =
        EnableKvCache(model, {.batch = batch, .max_seq_len = 4});
    EXPECT_THROW(EnableKvCache(model, {.batch = batch - 1, .max_seq_len = 4}),
                 ContractError);
    EXPECT_THROW(EnableKvCache(model, {.batch = batch + 1, .max_seq_len = 4}),
                 ContractError);
    EXPECT_THROW(EnableKvCache(model, {.batch = batch, .max_seq_len = 3}),
                 ContractError);
    EXPECT_EQ(handle.Cache().Shape().batch, batch);
  }
}

TEST(EnableKvCacheTest, KeepsItsPromisesForModelsOfAnySize) {
  for (const Gpt2Config& config : LargeConfigs()) {
    SCOPED_TRACE(TextOf(config));
    Gpt2 model(WeightsFor(config, 885));
    const Attention* before = &model.CurrentAttention();
    {
      const KvCacheHandle outer =
          EnableKvCache(model, {.batch = 1, .max_seq_len = 9});
      model.Forward(RowsOf({4}, 886), LogitsFor::kLastPosition);
      const KvCacheHandle inner =
          EnableKvCache(model, {.batch = 1, .max_seq_len = 9});
      EXPECT_EQ(&inner.Cache(), &outer.Cache());
      EXPECT_EQ(inner.Cache().PastLen(), 4U);
      EXPECT_EQ(inner.Cache().Shape().num_layers, config.num_layers);
      EXPECT_EQ(inner.Cache().Shape().num_kv_heads, config.num_heads);
      EXPECT_EQ(inner.Cache().Shape().head_dim, config.HeadDim());
      EXPECT_THROW(EnableKvCache(model, {.batch = 2, .max_seq_len = 9}),
                   ContractError);
      EXPECT_THROW(EnableKvCache(model, {.batch = 1, .max_seq_len = 8}),
                   ContractError);
      EXPECT_THROW(
          EnableKvCache(model,
                        {.batch = 1, .max_seq_len = config.max_positions + 1}),
          ContractError);
      EXPECT_EQ(outer.Cache().PastLen(), 4U);
    }
    EXPECT_EQ(&model.CurrentAttention(), before);

    // A cache that other code plugged in, of as many tokens as there are
    // positions.
    Gpt2 other(WeightsFor(config, 887));
    other.ReplaceAttention(std::make_unique<CachedAttention>(
        config.num_heads, std::make_shared<KvCache>(
                              CacheShape{.batch = 300,
                                         .max_seq_len = config.max_positions,
                                         .num_layers = config.num_layers,
                                         .num_kv_heads = config.num_heads,
                                         .head_dim = config.HeadDim()})));
    const auto enable = [&] {
      try {
        EnableKvCache(other,
                      {.batch = 300, .max_seq_len = config.max_positions});
      } catch (const ContractError&) {
        std::_Exit(0);
      }
      std::cerr << "nothing was refused, though the model has a cache\n";
      std::_Exit(1);
    };
    EXPECT_EXIT(enable(), ::testing::ExitedWithCode(0), "");
  }
}

TEST(EnableKvCacheTest, EndsWithTheLastHandle) {
  Gpt2 model(SmallWeights(89));
  const Attention* before = &model.CurrentAttention();
  {
    const KvCacheHandle outer =
        EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
    {
      const KvCacheHandle inner =
          EnableKvCache(model, {.batch = 1, .max_seq_len = 12});
    }
    EXPECT_TRUE(outer.Enabled());
    EXPECT_NE(&model.CurrentAttention(), before);
  }
  EXPECT_EQ(&model.CurrentAttention(), before);
}

TEST(EnableKvCacheTest, RefusesSizesThatTheModelDoesNotHave) {
  Gpt2 model(SmallWeights(90));
  const Attention* before = &model.CurrentAttention();

  EXPECT_THAT(MessageOf<ContractError>([&] {
                EnableKvCache(model, {.batch = 1, .max_seq_len = 33});
              }),
              HasSubstr("33 exceeds max_positions 32"));
  EXPECT_THROW(EnableKvCache(model, {.batch = 0, .max_seq_len = 12}),
               ContractError);
  EXPECT_THROW(EnableKvCache(model, {.batch = 1, .max_seq_len = 0}),
               ContractError);
  EXPECT_EQ(&model.CurrentAttention(), before);
  EXPECT_EQ(EnableKvCache(model, {.batch = 1, .max_seq_len = 32})
                .Cache()
                .Shape()
                .max_seq_len,
            32U);
}

// ---- Task 3.8 ----------------------------------------------------------

TEST(GenerateCachedTest, GivesTheTokensOfGenerate) {
  Gpt2 model(SmallWeights(91));
  const GenerateOptions greedy = {.new_tokens = 15};
  const GenerateOptions sampled = {
      .new_tokens = 15, .sampling = {.temperature = 1, .top_k = 10}, .seed = 7};

  for (const TokenBatch& prompt : {OneRow(), ThreeRows(), SingleRow({17})}) {
    for (const GenerateOptions& options : {greedy, sampled}) {
      ASSERT_TRUE(SameTokens(GenerateCached(model, prompt, options),
                             Generate(model, prompt, options), prompt))
          << "temperature " << options.sampling.temperature;
    }
  }
}

// The rows below cover every pair of: one row and several; no padding, some,
// more than 255; greedy, sampled, sampled from the top k; a seed below and
// beyond 32 bits; a prompt of one token, a few, more than 256; 1 new token, a
// few, and as many as the model has positions for.
struct Generation {
  std::vector<std::size_t> rows;
  std::size_t new_tokens;
  SamplingOptions sampling;
  std::uint64_t seed;
};

TEST(GenerateCachedTest, GivesTheTokensOfGenerateForOptionsOfEveryKind) {
  constexpr std::uint64_t kLarge = std::uint64_t{1} << 40U;
  const std::vector<Generation> generations = {
      {{1}, 319, {}, kLarge},
      {{1, 1, 1}, 1, {.temperature = 0.7F}, 3},
      {{5}, 20, {.temperature = 1, .top_k = 5}, kLarge + 3},
      {{9, 4, 1, 9, 2}, 25, {.temperature = 1.5F}, kLarge},
      {{283, 290}, 30, {.temperature = 0.9F, .top_k = 12}, 4},
      {{290, 20, 1}, 30, {.temperature = 1, .top_k = 3}, kLarge + 5},
      {{300}, 1, {.temperature = 2}, 6},
      {{300, 299}, 8, {}, 7},
      {{260, 3}, 1, {.temperature = 1, .top_k = 50}, 2 * kLarge},
      {ManyRows(70), 3, {.temperature = 1, .top_k = 9}, 8},
      {ManyRows(270), 3, {.temperature = 1, .top_k = 9}, 9}};
  const auto weights = WeightsFor({.num_layers = 2,
                                   .num_heads = 3,
                                   .d_model = 15,
                                   .d_mlp = 40,
                                   .max_positions = 320,
                                   .vocab_size = 50},
                                  911);
  Gpt2 model(weights);  // one for all: nothing may be left in it
  for (std::size_t i = 0; i < generations.size(); ++i) {
    const Generation& each = generations[i];
    const TokenBatch prompt = RowsOf(each.rows, 912 + i);
    const GenerateOptions options = {.new_tokens = each.new_tokens,
                                     .sampling = each.sampling,
                                     .seed = each.seed};
    const WorkCounts before = CountedWork();
    const Tokens generated = GenerateCached(model, prompt, options);
    const WorkCounts work = CountedWork() - before;
    EXPECT_EQ(generated, Generate(model, prompt, options))
        << "generation " << i << " of the table";
    // Each token once, in 2 layers; the last is never fed back.
    const std::size_t tokens = prompt.ids.shape(1) + each.new_tokens - 1;
    EXPECT_EQ(work[Work::kQkv], prompt.ids.shape(0) * 2 * tokens * 3 * 15 * 15)
        << "generation " << i << " of the table";
    EXPECT_EQ(model.CurrentAttention().PastLen(), 0U);
  }
}

TEST(GenerateCachedTest, EnablesACacheForAllTokensButTheLast) {
  Gpt2 model(SmallWeights(913));
  for (const TokenBatch& prompt : {ThreeRows(), RowsOf(ManyRows(270), 914)}) {
    const std::size_t batch = prompt.ids.shape(0);
    const std::size_t prompt_len = prompt.ids.shape(1);
    std::weak_ptr<KvCache> cache;
    std::size_t step = 0;
    const GenerateOptions options = {
        .new_tokens = 6,
        .sampling = {.temperature = 0.9F, .top_k = 300},
        .seed = 70'000,
        .on_tokens = [&](std::span<const TokenId>) {
          cache = CacheOf(model);
          EXPECT_EQ(cache.lock()->Shape().batch, batch);
          EXPECT_EQ(cache.lock()->Shape().max_seq_len, prompt_len + 6 - 1);
          EXPECT_EQ(cache.lock()->PastLen(), prompt_len + step++);
        }};
    GenerateCached(model, prompt, options);
    EXPECT_EQ(step, 6U);
    EXPECT_TRUE(cache.expired()) << "the cache outlives the generation";
  }
}

TEST(GenerateCachedTest, UsesTheCallersCacheAndLeavesItEmpty) {
  // Of the shape that GenerateCached needs: 12 + 6 - 1 tokens of 3 rows.
  Gpt2 model(SmallWeights(914));
  const Tokens expected = Generate(model, ThreeRows(), {.new_tokens = 6});
  KvCacheHandle handle = EnableKvCache(model, {.batch = 3, .max_seq_len = 17});
  const Attention* enabled = &model.CurrentAttention();
  const auto expect_as_before = [&] {
    EXPECT_TRUE(handle.Enabled());
    EXPECT_EQ(&model.CurrentAttention(), enabled);
    for (std::size_t layer = 0; layer < 3; ++layer) {
      EXPECT_EQ(handle.Cache().Layer(layer).PastLen(), 0U);
    }
  };

  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(GenerateCached(model, ThreeRows(), {.new_tokens = 6}), expected);
    expect_as_before();
  }
  for (std::size_t broken_at = 0; broken_at < 6; ++broken_at) {
    std::size_t step = 0;
    const GenerateOptions failing = {
        .new_tokens = 6,
        .sampling = {},
        .seed = 0,
        .on_tokens = [&](std::span<const TokenId>) {
          if (step++ == broken_at) throw std::runtime_error("the reader left");
        }};
    EXPECT_THROW(GenerateCached(model, ThreeRows(), failing),
                 std::runtime_error);
    expect_as_before();
  }
  // No tokens: nothing is enabled, and no cache is of the wrong shape.
  for (const TokenBatch& prompt : {ThreeRows(), RowsOf(ManyRows(270), 915)}) {
    GenerateCached(model, prompt, {.new_tokens = 0});
    expect_as_before();
  }

  // Another shape is refused, and so is a cache that is not empty.
  EXPECT_THROW(GenerateCached(model, ThreeRows(), {.new_tokens = 7}),
               ContractError);
  expect_as_before();
  model.Forward(ThreeRows(), LogitsFor::kLastPosition);
  EXPECT_THROW(GenerateCached(model, ThreeRows(), {.new_tokens = 6}),
               ContractError);
  EXPECT_EQ(handle.Cache().PastLen(), 12U);
}

TEST(GenerateCachedTest, CanBeBrokenOffAtEveryStepAndStartedAgain) {
  Gpt2 model(SmallWeights(915));
  const Attention* before = &model.CurrentAttention();
  GenerateOptions options = {
      .new_tokens = 5, .sampling = {.temperature = 1, .top_k = 10}, .seed = 9};
  const Tokens expected = Generate(model, ThreeRows(), options);
  for (std::size_t broken_at = 0; broken_at < 5; ++broken_at) {
    std::size_t step = 0;
    options.on_tokens = [&](std::span<const TokenId>) {
      if (step++ == broken_at) throw std::runtime_error("the reader left");
    };
    EXPECT_THROW(GenerateCached(model, ThreeRows(), options),
                 std::runtime_error);
    EXPECT_EQ(&model.CurrentAttention(), before);

    options.on_tokens = nullptr;
    EXPECT_EQ(GenerateCached(model, ThreeRows(), options), expected);
  }
}

TEST(GenerateCachedTest, ComputesEveryTokenOnce) {
  Gpt2 model(SmallWeights(92));

  const WorkCounts before = CountedWork();
  GenerateCached(model, OneRow(), {.new_tokens = 10});
  const WorkCounts work = CountedWork() - before;

  // 12 tokens of the prompt and 9 of the 10 new ones: the last is never fed.
  EXPECT_EQ(work[Work::kQkv], 3U * (12 + 9) * 3 * 24 * 24);
  EXPECT_EQ(work[Work::kProjection], 3U * (12 + 9) * 24 * 24);
  EXPECT_EQ(work[Work::kMlp], 3U * (12 + 9) * 8 * 24 * 24);
  EXPECT_EQ(work[Work::kHead], 10U * 24 * 50);

  // No tokens need no work, and one token needs only the prompt.
  const WorkCounts start = CountedWork();
  GenerateCached(model, OneRow(), {.new_tokens = 0});
  EXPECT_EQ((CountedWork() - start).Total(), 0U);
  GenerateCached(model, OneRow(), {.new_tokens = 1});
  EXPECT_EQ((CountedWork() - start)[Work::kQkv], 3U * 12 * 3 * 24 * 24);
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

  for (const GenerateOptions& options :
       {GenerateOptions{.new_tokens = 20},
        GenerateOptions{.new_tokens = 20,
        .sampling = {.temperature = 0.9F, .top_k = 300},
        .seed = 70'000}}) {
    EXPECT_EQ(GenerateCached(model, OneRow(), options),
              Generate(model, OneRow(), options));
  }
  EXPECT_THROW(GenerateCached(model, OneRow(), {.new_tokens = 21}),
               ContractError);
  EXPECT_EQ(GenerateCached(model, OneRow(), {.new_tokens = 0}).shape(1), 0U);

  // A prompt that fills all positions, and one that leaves room for one token.
  const TokenBatch full = RowsOf({32, 30}, 951);
  EXPECT_EQ(GenerateCached(model, full, {.new_tokens = 0}).shape(0), 2U);
  EXPECT_THROW(GenerateCached(model, full, {.new_tokens = 1}), ContractError);
  const TokenBatch almost = RowsOf({31, 30}, 952);
  EXPECT_EQ(GenerateCached(model, almost, {.new_tokens = 1}),
            Generate(model, almost, {.new_tokens = 1}));
}

}  // namespace
}  // namespace kvlab
