// Tests the contract of grouped_attention.h. The second method is module 1's
// attention over key and value heads that are written out once for each query
// head (repeated_heads.h).
#include "modules/05_beyond/grouped_attention.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "kit/testing/testing.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/kv_cache.h"
#include "modules/03_memoization/split_sequence.h"
#include "modules/05_beyond/repeated_heads.h"

namespace kvlab {
namespace {

using ::testing::HasSubstr;

// Sums of 24 to 96 terms in another order; logits are of size 1 to 10.
constexpr float kTolerance = 1e-4F;

// A mean of up to 256 numbers of size 1, summed in float32.
constexpr float kMeanTolerance = 2e-5F;

constexpr Gpt2Config kConfig = {.num_layers = 3,
                                .num_heads = 6,
                                .d_model = 24,
                                .d_mlp = 96,
                                .max_positions = 40,
                                .vocab_size = 50};

std::shared_ptr<const Gpt2Weights> WeightsFor(const Gpt2Config& config,
                                              std::uint64_t seed) {
  Random random(seed);
  return std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, config));
}

// Output feature `out` of input 0 weighs `out`, of input i that plus i
// thousandths; its bias is minus `out`.
AttentionWeights Numbered(std::size_t d_model) {
  std::vector<float> values;  // [in, out]
  for (std::size_t in = 0; in < d_model; ++in) {
    for (std::size_t out = 0; out < 3 * d_model; ++out) {
      values.push_back(static_cast<float>(out) +
                       static_cast<float>(in) / 1024.0F);
    }
  }
  AttentionWeights weights;
  weights.c_attn.weight = WeightMatrix::FromFloats(values, WeightLayout::kInOut,
                                                   d_model, 3 * d_model);
  weights.c_attn.bias = Tensor1::from_shape({3 * d_model});
  for (std::size_t out = 0; out < 3 * d_model; ++out) {
    weights.c_attn.bias(out) = -static_cast<float>(out);
  }
  return weights;
}

// A feature of a key head (part 1) or value head (part 2).
struct HeadFeature {
  std::size_t part = 0;
  std::size_t kv_head = 0;
  std::size_t d = 0;
};

// What the mean over its group weighs, of numbered weights.
float MeanOfGroup(const GroupedHeads& heads, std::size_t d_model,
                  const HeadFeature& feature) {
  const std::size_t head_dim = d_model / heads.heads;
  const std::size_t group = heads.heads / heads.kv_heads;
  double sum = 0;
  for (std::size_t i = 0; i < group; ++i) {
    const std::size_t h = feature.kv_head * group + i;
    sum +=
        static_cast<double>(feature.part * d_model + h * head_dim + feature.d);
  }
  return static_cast<float>(sum / static_cast<double>(group));
}

void ExpectMeans(const GroupedHeads& heads, std::size_t d_model) {
  SCOPED_TRACE(std::to_string(heads.heads) + " heads to " +
               std::to_string(heads.kv_heads));
  const AttentionWeights pooled = PoolKeyValueHeads(Numbered(d_model), heads);
  const std::size_t head_dim = d_model / heads.heads;
  const std::size_t kv_features = heads.kv_heads * head_dim;
  ASSERT_EQ(pooled.c_attn.weight.In(), d_model);
  ASSERT_EQ(pooled.c_attn.weight.Out(), d_model + 2 * kv_features);
  ASSERT_EQ(pooled.c_attn.bias.size(), d_model + 2 * kv_features);
  for (const std::size_t part : {1, 2}) {
    for (std::size_t g = 0; g < heads.kv_heads; ++g) {
      for (std::size_t d = 0; d < head_dim; ++d) {
        const std::size_t out =
            d_model + (part - 1) * kv_features + g * head_dim + d;
        const float mean =
            MeanOfGroup(heads, d_model, {.part = part, .kv_head = g, .d = d});
        const std::string where = (part == 1 ? "key head " : "value head ") +
                                  std::to_string(g) + ", feature " +
                                  std::to_string(d);
        ASSERT_NEAR(pooled.c_attn.weight.At(0, out), mean,
                    mean * kMeanTolerance)
            << where;
        ASSERT_NEAR(pooled.c_attn.bias(out), -mean, mean * kMeanTolerance)
            << where << ", its bias";
      }
    }
  }
}

TEST(GroupedCacheShapeTest, TakesExactlyGOfHOfTheBytes) {
  const CacheCapacity capacity = {.batch = 3, .max_seq_len = 7};
  const CacheShape full = {.batch = 3,
                           .max_seq_len = 7,
                           .num_layers = 3,
                           .num_kv_heads = 6,
                           .head_dim = 4};
  for (const std::size_t kv_heads : {1, 2, 3, 6}) {
    const CacheShape shape = GroupedCacheShape(kConfig, kv_heads, capacity);
    EXPECT_EQ(6 * CacheBytes(shape, sizeof(float)),
              kv_heads * CacheBytes(full, sizeof(float)))
        << kv_heads << " key/value heads for 6 query heads";
  }
}

TEST(GroupedCacheShapeTest, HasTheSizesOfTheModelButItsHeads) {
  const CacheShape shape =
      GroupedCacheShape(kConfig, 2, {.batch = 5, .max_seq_len = 9});
  EXPECT_EQ(shape.batch, 5U);
  EXPECT_EQ(shape.max_seq_len, 9U);
  EXPECT_EQ(shape.num_layers, 3U);
  EXPECT_EQ(shape.num_kv_heads, 2U);
  EXPECT_EQ(shape.head_dim, 4U) << "24 features in 6 query heads";
}

TEST(GroupedCacheShapeTest, TakesSizesOfEveryKind) {
  const Gpt2Config config = {.num_layers = 300,
                             .num_heads = 1'040,
                             .d_model = 1'040 * 270,
                             .d_mlp = 8,
                             .max_positions = 70'000,
                             .vocab_size = 50};
  const CacheShape shape =
      GroupedCacheShape(config, 260, {.batch = 280, .max_seq_len = 66'000});
  EXPECT_EQ(shape.batch, 280U);
  EXPECT_EQ(shape.max_seq_len, 66'000U);
  EXPECT_EQ(shape.num_layers, 300U);
  EXPECT_EQ(shape.num_kv_heads, 260U);
  EXPECT_EQ(shape.head_dim, 270U);
}

TEST(GroupedCacheShapeTest, RefusesGroupsOfDifferentSizes) {
  for (const std::size_t kv_heads : {0, 4, 5, 7, 12}) {
    EXPECT_THROW(
        GroupedCacheShape(kConfig, kv_heads, {.batch = 1, .max_seq_len = 1}),
        ContractError)
        << kv_heads << " key/value heads for 6 query heads";
  }
  EXPECT_EQ(GroupedCacheShape(kConfig, 6, {.batch = 1, .max_seq_len = 1})
                .num_kv_heads,
            6U);
}

TEST(PoolKeyValueHeadsTest, IsTheMeanOverEachGroupOfNeighbours) {
  ExpectMeans({.heads = 6, .kv_heads = 3}, 24);
  ExpectMeans({.heads = 6, .kv_heads = 2}, 24);
}

TEST(PoolKeyValueHeadsTest, OneHeadIsTheMeanOfAll) {
  ExpectMeans({.heads = 6, .kv_heads = 1}, 24);
  ExpectMeans({.heads = 2, .kv_heads = 1}, 6);
}

TEST(PoolKeyValueHeadsTest, PoolsAnyNumberOfHeads) {
  ExpectMeans({.heads = 256, .kv_heads = 4}, 256);
  ExpectMeans({.heads = 64, .kv_heads = 32}, 192);
  ExpectMeans({.heads = 5, .kv_heads = 5}, 35);
}

TEST(PoolKeyValueHeadsTest, PoolsHeadsOfAnySize) {
  ExpectMeans({.heads = 6, .kv_heads = 3}, 6 * 9);
  ExpectMeans({.heads = 20, .kv_heads = 10}, 20 * 11);
  ExpectMeans({.heads = 4, .kv_heads = 2}, 4 * 65);
  ExpectMeans({.heads = 2, .kv_heads = 1}, 2 * 260);
  ExpectMeans({.heads = 2, .kv_heads = 2}, 2 * 257);
  ExpectMeans({.heads = 132, .kv_heads = 2}, 132 * 3);
  ExpectMeans({.heads = 260, .kv_heads = 1}, 260 * 2);
}

TEST(PoolKeyValueHeadsTest, LeavesQueriesAndTheOutputAlone) {
  const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(kConfig, 51);
  const AttentionWeights& before = weights->blocks[1].attn;
  const AttentionWeights pooled =
      PoolKeyValueHeads(before, {.heads = 6, .kv_heads = 2});
  for (std::size_t out = 0; out < 24; ++out) {
    for (std::size_t in = 0; in < 24; ++in) {
      ASSERT_EQ(pooled.c_attn.weight.At(in, out),
                before.c_attn.weight.At(in, out))
          << "query feature " << out;
      ASSERT_EQ(pooled.c_proj.weight.At(in, out),
                before.c_proj.weight.At(in, out))
          << "output feature " << out;
    }
    ASSERT_EQ(pooled.c_attn.bias(out), before.c_attn.bias(out));
    ASSERT_EQ(pooled.c_proj.bias(out), before.c_proj.bias(out));
  }
}

TEST(PoolKeyValueHeadsTest, AsManyHeadsAsBeforeAreTheSameHeads) {
  const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(kConfig, 52);
  const LinearWeights& before = weights->blocks[0].attn.c_attn;
  const AttentionWeights pooled =
      PoolKeyValueHeads(weights->blocks[0].attn, {.heads = 6, .kv_heads = 6});
  for (std::size_t out = 0; out < 72; ++out) {
    ASSERT_EQ(pooled.c_attn.weight.At(5, out), before.weight.At(5, out)) << out;
    ASSERT_EQ(pooled.c_attn.bias(out), before.bias(out)) << out;
  }
}

TEST(PoolKeyValueHeadsTest, AMapWithoutBiasesStaysWithout) {
  AttentionWeights weights = Numbered(12);
  weights.c_attn.bias = Tensor1();
  const AttentionWeights pooled =
      PoolKeyValueHeads(weights, {.heads = 4, .kv_heads = 2});
  EXPECT_EQ(pooled.c_attn.bias.size(), 0U);
  EXPECT_EQ(pooled.c_attn.weight.Out(), 24U);
}

TEST(PoolKeyValueHeadsTest, ConvertsEveryLayerOfAModel) {
  const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(kConfig, 53);
  const std::shared_ptr<const Gpt2Weights> pooled =
      PoolKeyValueHeads(*weights, 3);
  ASSERT_EQ(pooled->blocks.size(), 3U);
  for (const BlockWeights& block : pooled->blocks) {
    EXPECT_EQ(block.attn.c_attn.weight.Out(), 48U);
  }
  EXPECT_EQ(weights->blocks[2].attn.c_attn.weight.Out(), 72U)
      << "the weights that were given must stay";
}

TEST(PoolKeyValueHeadsTest, RefusesHeadsThatDoNotFit) {
  const AttentionWeights weights = Numbered(12);
  EXPECT_THROW(PoolKeyValueHeads(weights, {.heads = 4, .kv_heads = 3}),
               ContractError);
  EXPECT_THROW(PoolKeyValueHeads(weights, {.heads = 4, .kv_heads = 0}),
               ContractError);
  EXPECT_THROW(PoolKeyValueHeads(weights, {.heads = 5, .kv_heads = 5}),
               ContractError);
  EXPECT_THROW(PoolKeyValueHeads(weights, {.heads = 0, .kv_heads = 1}),
               ContractError);
  const AttentionWeights pooled =
      PoolKeyValueHeads(weights, {.heads = 4, .kv_heads = 2});
  EXPECT_THROW(PoolKeyValueHeads(pooled, {.heads = 4, .kv_heads = 2}),
               ContractError)
      << "c_attn is pooled already";
}

TEST(ProjectGroupedQkvTest, GivesQueriesThenFewerKeysThenFewerValues) {
  const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(kConfig, 54);
  const GroupedHeads heads = {.heads = 6, .kv_heads = 2};
  const AttentionWeights pooled =
      PoolKeyValueHeads(weights->blocks[0].attn, heads);
  Random random(55);
  const Tensor3 x = RandomTensor3(random, {2, 5, 24});

  const Qkv qkv = ProjectGroupedQkv(x, pooled, heads);

  // Module 1 projects every head of a group, all alike.
  const Qkv all = ProjectQkv(x, RepeatHeads(pooled, heads), 6);
  ASSERT_EQ(qkv.keys.shape(1), 2U);
  ASSERT_EQ(qkv.values.shape(1), 2U);
  EXPECT_TRUE(Near(qkv.queries, all.queries, kTolerance));
  for (const std::size_t h : {0, 2, 3, 5}) {
    for (const std::size_t b : {0, 1}) {
      for (std::size_t t = 0; t < 5; ++t) {
        for (std::size_t d = 0; d < 4; ++d) {
          ASSERT_NEAR(qkv.keys(b, h / 3, t, d), all.keys(b, h, t, d),
                      kTolerance)
              << "the key of query head " << h;
          ASSERT_NEAR(qkv.values(b, h / 3, t, d), all.values(b, h, t, d),
                      kTolerance)
              << "the value of query head " << h;
        }
      }
    }
  }
}

TEST(ProjectGroupedQkvTest, CountsTheWorkOfItsOneProduct) {
  const GroupedHeads heads = {.heads = 4, .kv_heads = 2};
  const AttentionWeights pooled = PoolKeyValueHeads(Numbered(12), heads);
  Random random(56);
  const Tensor3 x = RandomTensor3(random, {3, 5, 12});
  const WorkCounts before = CountedWork();
  ProjectGroupedQkv(x, pooled, heads);
  const WorkCounts work = CountedWork() - before;
  EXPECT_EQ(work[Work::kQkv], 3U * 5 * 12 * (4 + 2 * 2) * 3);
  EXPECT_EQ(work.Total(), work[Work::kQkv]);
}

TEST(ProjectGroupedQkvTest, RefusesAProjectionThatIsNotPooled) {
  Random random(57);
  const Tensor3 x = RandomTensor3(random, {1, 2, 12});
  EXPECT_THROW(ProjectGroupedQkv(x, Numbered(12), {.heads = 4, .kv_heads = 2}),
               ContractError);
  const Tensor3 wide = RandomTensor3(random, {1, 2, 13});
  const GroupedHeads heads = {.heads = 4, .kv_heads = 2};
  EXPECT_THROW(
      ProjectGroupedQkv(wide, PoolKeyValueHeads(Numbered(12), heads), heads),
      ContractError);
}

// A model of pooled weights whose attention has a cache of G heads.
struct GroupedModel {
  GroupedModel(const Gpt2Weights& weights, std::size_t kv_heads,
               const CacheCapacity& capacity)
      : pooled(PoolKeyValueHeads(weights, kv_heads)),
        cache(std::make_shared<KvCache>(
            GroupedCacheShape(weights.config, kv_heads, capacity))),
        model(pooled) {
    model.ReplaceAttention(
        std::make_unique<GroupedAttention>(weights.config.num_heads, cache));
  }

  std::shared_ptr<const Gpt2Weights> pooled;
  std::shared_ptr<KvCache> cache;
  Gpt2 model;
};

// Logits of all tokens, without a cache: module 1's attention over repeated
// heads.
Tensor3 SecondMethod(const Gpt2Weights& pooled, std::size_t kv_heads,
                     const TokenBatch& tokens) {
  Gpt2 model(RepeatHeads(pooled, kv_heads));
  return model.Forward(tokens, LogitsFor::kAllPositions);
}

// Forwards `tokens` piece by piece; each piece's logits must be those of
// `expected`, except where a row is padding.
void ExpectPieces(GroupedModel& grouped, const TokenBatch& tokens,
                  const Tensor3& expected,
                  const std::vector<std::size_t>& pieces) {
  std::size_t begin = 0;
  for (const std::size_t piece : pieces) {
    SCOPED_TRACE("the piece from column " + std::to_string(begin) + " to " +
                 std::to_string(begin + piece - 1));
    const TokenBatch part = Columns(tokens, begin, begin + piece);
    const Tensor3 logits =
        grouped.model.Forward(part, LogitsFor::kAllPositions);
    for (std::size_t b = 0; b < logits.shape(0); ++b) {
      const std::size_t pad = tokens.left_pad.empty() ? 0 : tokens.left_pad[b];
      for (std::size_t t = 0; t < piece; ++t) {
        if (begin + t < pad) continue;
        for (std::size_t id = 0; id < logits.shape(2); ++id) {
          const float right = expected(b, begin + t, id);
          ASSERT_NEAR(logits(b, t, id), right,
                      kTolerance * (1 + std::abs(right)))
              << "row " << b << " (left_pad " << pad << "), column "
              << begin + t << ", logit " << id;
        }
      }
    }
    begin += piece;
  }
}

TokenBatch PaddedBatch(std::uint64_t seed) {
  Random random(seed);
  return PadLeft({RandomTokens(random, 7, 50), RandomTokens(random, 12, 50),
                  RandomTokens(random, 2, 50)},
                 0);
}

TEST(GroupedAttentionTest, IsMultiHeadAttentionIfTheHeadsOfAGroupAreAlike) {
  const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(kConfig, 60);
  for (const std::size_t kv_heads : {1, 2, 3, 6}) {
    SCOPED_TRACE(std::to_string(kv_heads) + " key/value heads");
    auto alike = std::make_shared<Gpt2Weights>(*weights);
    for (BlockWeights& block : alike->blocks) {
      block.attn =
          MakeGroupsAlike(block.attn, {.heads = 6, .kv_heads = kv_heads});
    }
    const TokenBatch tokens = PaddedBatch(61);
    Gpt2 multi_head(alike);
    const Tensor3 expected =
        multi_head.Forward(tokens, LogitsFor::kAllPositions);
    GroupedModel grouped(*alike, kv_heads, {.batch = 3, .max_seq_len = 12});
    ExpectPieces(grouped, tokens, expected, {8, 1, 1, 2});
  }
}

TEST(GroupedAttentionTest, GivesTheUncachedLogitsForEverySplitOfAPaddedBatch) {
  const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(kConfig, 62);
  const TokenBatch tokens = PaddedBatch(63);
  for (const std::size_t kv_heads : {1, 2, 3}) {
    GroupedModel grouped(*weights, kv_heads, {.batch = 3, .max_seq_len = 12});
    const Tensor3 expected = SecondMethod(*grouped.pooled, kv_heads, tokens);
    for (std::size_t first = 1; first < 12; ++first) {
      SCOPED_TRACE(std::to_string(kv_heads) + " key/value heads, " +
                   std::to_string(first) + " tokens first");
      grouped.cache->Reset();
      ExpectPieces(grouped, tokens, expected, {first, 12 - first});
      if (HasFatalFailure()) return;
    }
  }
}

TEST(GroupedAttentionTest, GivesTheUncachedLogitsForSizesOfEveryKind) {
  struct Sizes {
    std::size_t heads, kv_heads, head_dim, rows, tokens;
  };
  for (const Sizes& sizes : {Sizes{12, 4, 1, 1, 9},
                             {64, 16, 2, 2, 3},
                             {2, 1, 33, 2, 5},
                             {4, 2, 4, 9, 300},
                             {270, 1, 1, 1, 4},
                             {2, 2, 3, 260, 2}}) {
    SCOPED_TRACE(std::to_string(sizes.heads) + " heads on " +
                 std::to_string(sizes.kv_heads) + ", head_dim " +
                 std::to_string(sizes.head_dim) + ", " +
                 std::to_string(sizes.rows) + " rows of " +
                 std::to_string(sizes.tokens) + " tokens");
    const Gpt2Config config = {.num_layers = 2,
                               .num_heads = sizes.heads,
                               .d_model = sizes.heads * sizes.head_dim,
                               .d_mlp = 8,
                               .max_positions = sizes.tokens,
                               .vocab_size = 20};
    const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(config, 64);
    Random random(65);
    std::vector<std::vector<TokenId>> rows;
    for (std::size_t b = 0; b < sizes.rows; ++b) {
      rows.push_back(RandomTokens(
          random, sizes.tokens - b * (sizes.tokens - 1) / sizes.rows, 20));
    }
    const TokenBatch tokens = PadLeft(rows, 0);
    GroupedModel grouped(*weights, sizes.kv_heads,
                         {.batch = sizes.rows, .max_seq_len = sizes.tokens});
    ExpectPieces(grouped, tokens,
                 SecondMethod(*grouped.pooled, sizes.kv_heads, tokens),
                 {sizes.tokens - 1, 1});
    if (HasFatalFailure()) return;
  }
}

TEST(GroupedAttentionTest, KeepsTheKeyValueHeadsAlone) {
  const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(kConfig, 66);
  GroupedModel grouped(*weights, 2, {.batch = 3, .max_seq_len = 12});
  grouped.model.Forward(PaddedBatch(67), LogitsFor::kLastPosition);
  EXPECT_EQ(grouped.model.CurrentAttention().PastLen(), 12U);
  EXPECT_TRUE(grouped.model.CurrentAttention().Remembers());
  EXPECT_EQ(grouped.cache->Layer(1).Keys().shape(1), 2U);
  // keys and values, 3 layers, 2 of 6 heads of 4 floats, 12 tokens, 3 rows
  EXPECT_EQ(grouped.cache->Bytes(), 2U * 3 * 2 * 4 * 12 * 3 * 4);
}

TEST(GroupedAttentionTest, AStepDoesTheWorkOfOneTokenAndOfFewerHeads) {
  const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(kConfig, 68);
  GroupedModel grouped(*weights, 2, {.batch = 3, .max_seq_len = 13});
  const TokenBatch prompt = PaddedBatch(69);
  grouped.model.Forward(prompt, LogitsFor::kLastPosition);
  const TokenBatch step = {Tokens{{1}, {2}, {3}}, prompt.left_pad};

  const WorkCounts before = CountedWork();
  grouped.model.Forward(step, LogitsFor::kLastPosition);
  const WorkCounts work = CountedWork() - before;

  // Per layer and row: d (6 + 2 * 2) 4 for queries, keys and values.
  EXPECT_EQ(work[Work::kQkv], 3U * 3 * 24 * 40);
  EXPECT_EQ(work[Work::kProjection], 3U * 3 * 24 * 24);
  // Every query head still scores every key: 13, and 8 and 3 without padding.
  EXPECT_GE(work[Work::kAttention], 3U * (13 + 8 + 3) * 2 * 24);
  EXPECT_LE(work[Work::kAttention], 3U * 3 * 13 * 2 * 24);
}

TEST(GroupedAttentionTest, DiscardsWhatABrokenOffPassLeft) {
  const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(kConfig, 70);
  const TokenBatch tokens = PaddedBatch(71);
  GroupedModel grouped(*weights, 3, {.batch = 3, .max_seq_len = 12});
  const Tensor3 expected = SecondMethod(*grouped.pooled, 3, tokens);
  Random random(72);
  // Two of three layers, then nothing
  for (const std::size_t layer : {0, 1}) {
    grouped.model.CurrentAttention().Forward(
        layer, RandomTensor3(random, {3, 4, 24}),
        grouped.pooled->blocks[layer].attn, tokens.left_pad);
  }
  ExpectPieces(grouped, tokens, expected, {8, 4});
}

TEST(GroupedAttentionTest, ARefusedCallLeavesTheCacheAsItWas) {
  const std::shared_ptr<const Gpt2Weights> weights = WeightsFor(kConfig, 73);
  const TokenBatch tokens = PaddedBatch(74);
  GroupedModel grouped(*weights, 2, {.batch = 3, .max_seq_len = 12});
  const Tensor3 expected = SecondMethod(*grouped.pooled, 2, tokens);
  Attention& attention = grouped.model.CurrentAttention();
  const AttentionWeights& attn = grouped.pooled->blocks[0].attn;
  Random random(75);
  const std::vector<std::size_t> four_pads = {0, 1, 2, 3};

  EXPECT_THROW(
      attention.Forward(0, RandomTensor3(random, {3, 1, 24}), attn, four_pads),
      ContractError);
  EXPECT_THROW(
      attention.Forward(0, RandomTensor3(random, {2, 1, 24}), attn, {}),
      ContractError);
  EXPECT_THROW(
      attention.Forward(0, RandomTensor3(random, {3, 13, 24}), attn, {}),
      ContractError);
  EXPECT_THROW(
      attention.Forward(3, RandomTensor3(random, {3, 1, 24}), attn, {}),
      ContractError);
  EXPECT_THROW(attention.Forward(0, RandomTensor3(random, {3, 1, 24}),
                                 weights->blocks[0].attn, {}),
               ContractError)
      << "weights of all heads for a cache of two";

  EXPECT_EQ(grouped.cache->PastLen(), 0U);
  ExpectPieces(grouped, tokens, expected, {12});
}

TEST(GroupedAttentionTest, RefusesACacheThatItCannotUse) {
  EXPECT_THAT(MessageOf<ContractError>(
                  [] { const GroupedAttention attention(4, nullptr); }),
              HasSubstr("cache is null"));
  const auto cache = std::make_shared<KvCache>(
      GroupedCacheShape(kConfig, 3, {.batch = 1, .max_seq_len = 2}));
  EXPECT_THAT(MessageOf<ContractError>(
                  [&] { const GroupedAttention attention(4, cache); }),
              HasSubstr("3 key/value heads"));
}

}  // namespace
}  // namespace kvlab
