// Tests the contract of recomputing_cache.h. The second methods are module 1's
// attention over the whole sequence, and a model without a cache.
#include "modules/05_beyond/recomputing_cache.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/allocation_counter.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {
namespace {

// Sums of 24 to 96 terms in another order; logits are of size 1 to 10.
constexpr float kTolerance = 1e-4F;

constexpr Gpt2Config kConfig = {.num_layers = 3,
                                .num_heads = 4,
                                .d_model = 24,
                                .d_mlp = 96,
                                .max_positions = 40,
                                .vocab_size = 50};

std::shared_ptr<const Gpt2Weights> WeightsFor(const Gpt2Config& config,
                                              std::uint64_t seed) {
  Random random(seed);
  return std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, config));
}

// --- bytes, chunks and work ---

TEST(InputBytesTest, AreHalfOfKeysAndValuesOfAsManyHeads) {
  const std::uint64_t bytes = InputBytes(
      {.batch = 3, .max_seq_len = 7, .num_layers = 5, .d_model = 24});
  EXPECT_EQ(bytes, 3U * 7 * 5 * 24 * 4);
  EXPECT_EQ(2 * bytes, CacheBytes({.batch = 3,
                                   .max_seq_len = 7,
                                   .num_layers = 5,
                                   .num_kv_heads = 4,
                                   .head_dim = 6},
                                  sizeof(float)));
}

TEST(InputBytesTest, OfALargeModelDoNotFit32Bits) {
  EXPECT_EQ(InputBytes({.batch = 300,
                        .max_seq_len = 2'048,
                        .num_layers = 96,
                        .d_model = 12'288}),
            std::uint64_t{300} * 2'048 * 96 * 12'288 * 4);
}

TEST(InputBytesTest, RefusesASizeOf0) {
  EXPECT_EQ(
      InputBytes({.batch = 1, .max_seq_len = 1, .num_layers = 1, .d_model = 1}),
      4U);
  EXPECT_THROW(
      InputBytes({.batch = 1, .max_seq_len = 1, .num_layers = 0, .d_model = 1}),
      ContractError);
  EXPECT_THROW(
      InputBytes({.batch = 0, .max_seq_len = 1, .num_layers = 1, .d_model = 1}),
      ContractError);
}

TEST(ChunkLengthTest, IsTheSmallestWhoseSquareReachesTheTokens) {
  for (std::size_t total_len = 1; total_len <= 1'000; ++total_len) {
    std::size_t length = 1;
    while (length * length < total_len) ++length;
    ASSERT_EQ(ChunkLength(total_len), length) << total_len << " tokens";
  }
  EXPECT_EQ(ChunkLength(0), 1U);
}

TEST(ChunkLengthTest, IsExactForLargeSquares) {
  for (const std::size_t root :
       {std::size_t{4'096}, std::size_t{94'906'267},
        (std::size_t{1} << 31U) - 1, std::size_t{1} << 31U}) {
    const std::size_t square = root * root;
    EXPECT_EQ(ChunkLength(square - 1), root) << root << " squared, less 1";
    EXPECT_EQ(ChunkLength(square), root) << root << " squared";
    if (root < std::size_t{1} << 31U) {
      EXPECT_EQ(ChunkLength(square + 1), root + 1)
          << root << " squared, plus 1";
    }
  }
}

TEST(RecomputedMacsTest, AreThoseOfEachTokenBeforeTheCallThatIsNotPadding) {
  const std::vector<std::size_t> left_pad = {0, 3, 9, 30};
  const std::uint64_t each = 3 * 24 * 24;
  EXPECT_EQ(RecomputedMacs({.batch = 4, .past_len = 9, .d_model = 24}, {}),
            4 * 9 * each);
  EXPECT_EQ(
      RecomputedMacs({.batch = 4, .past_len = 9, .d_model = 24}, left_pad),
      (9 + 6) * each)
      << "rows 2 and 3 have nothing but padding";
  EXPECT_EQ(RecomputedMacs({.batch = 4, .past_len = 0, .d_model = 24}, {}), 0U);
  EXPECT_THROW(
      RecomputedMacs({.batch = 3, .past_len = 9, .d_model = 24}, left_pad),
      ContractError);
}

TEST(RecomputedMacsTest, AreThoseOfHundredsOfRowsTokensAndFeatures) {
  std::vector<std::size_t> left_pad;
  std::uint64_t tokens = 0;
  for (std::size_t b = 0; b < 300; ++b) {
    left_pad.push_back(b * 7 % 900);
    tokens += 700 - std::min<std::size_t>(left_pad.back(), 700);
  }
  const PastTokens past = {.batch = 300, .past_len = 700, .d_model = 520};
  EXPECT_EQ(RecomputedMacs(past, left_pad), tokens * 3 * 520 * 520);
  EXPECT_EQ(RecomputedMacs(past, {}), std::uint64_t{300} * 700 * 3 * 520 * 520);
}

TEST(RecomputedMacsTest, OfManyTokensDoNotFit32Bits) {
  const std::vector<std::size_t> left_pad(300, 70'000);
  const std::uint64_t each = 3 * 300 * 300;
  for (const std::size_t past_len : {10'000'000U, 20'000'000U, 100'000'000U}) {
    const PastTokens past = {
        .batch = 300, .past_len = past_len, .d_model = 300};
    EXPECT_EQ(RecomputedMacs(past, {}), 300 * past_len * each);
    EXPECT_EQ(RecomputedMacs(past, left_pad), 300 * (past_len - 70'000) * each);
  }
}

// --- the cache ---

constexpr InputShape kShape = {
    .batch = 2, .max_seq_len = 9, .num_layers = 3, .d_model = 3};

// Positions [begin, end) of x of a layer: each element is another number, of
// those below 2^24, which float32 holds.
Tensor3 NumberedInputs(std::size_t layer, std::size_t begin, std::size_t end,
                       const InputShape& shape = kShape) {
  Tensor3 x = Tensor3::from_shape({shape.batch, end - begin, shape.d_model});
  for (std::size_t b = 0; b < shape.batch; ++b) {
    for (std::size_t s = begin; s < end; ++s) {
      for (std::size_t c = 0; c < shape.d_model; ++c) {
        const std::size_t token =
            (layer * shape.batch + b) * shape.max_seq_len + s;
        x(b, s - begin, c) = static_cast<float>(token * shape.d_model + c);
      }
    }
  }
  return x;
}

void ExpectHolds(const InputCache& cache, std::size_t layer,
                 std::size_t past_len) {
  const InputShape& shape = cache.Shape();
  const Tensor3 all = NumberedInputs(layer, 0, past_len, shape);
  ASSERT_EQ(cache.PastLen(layer), past_len) << "layer " << layer;
  for (std::size_t b = 0; b < shape.batch; ++b) {
    const ConstMatrix inputs = cache.Inputs(layer, b);
    ASSERT_EQ(inputs.rows, past_len);
    for (std::size_t s = 0; s < past_len; ++s) {
      ASSERT_TRUE(std::ranges::equal(inputs.Row(s),
                                     std::span(&all(b, s, 0), shape.d_model)))
          << "layer " << layer << ", row " << b << ", position " << s;
    }
  }
}

TEST(InputCacheTest, AppendPutsNewTokensBehindThoseOfTheLayer) {
  InputCache cache(kShape);
  EXPECT_EQ(cache.Bytes(), InputBytes(kShape));
  for (const auto& [begin, end] : std::vector<std::array<std::size_t, 2>>{
           {0, 4}, {4, 5}, {5, 5}, {5, 9}}) {
    for (std::size_t layer = 0; layer < 3; ++layer) {
      cache.Append(layer, NumberedInputs(layer, begin, end));
    }
    for (std::size_t layer = 0; layer < 3; ++layer) {
      ExpectHolds(cache, layer, end);
    }
  }
}

// Of any two of rows, tokens, layers and features.
TEST(InputCacheTest, HoldsHundredsOfEverything) {
  for (const auto& [batch, tokens, layers, d_model] :
       std::vector<std::array<std::size_t, 4>>{{260, 270, 2, 2},
                                               {260, 4, 265, 2},
                                               {260, 4, 2, 270},
                                               {2, 270, 265, 2},
                                               {2, 270, 2, 265},
                                               {2, 4, 260, 270}}) {
    const InputShape shape = {.batch = batch,
                              .max_seq_len = tokens,
                              .num_layers = layers,
                              .d_model = d_model};
    SCOPED_TRACE(std::to_string(batch) + " rows, " + std::to_string(tokens) +
                 " tokens, " + std::to_string(layers) + " layers, d_model " +
                 std::to_string(d_model));
    InputCache cache(shape);
    std::size_t past_len = 0;
    for (const std::size_t end : {tokens - 3, tokens}) {
      for (std::size_t layer = 0; layer < layers; ++layer) {
        EXPECT_EQ(cache.PastLen(), past_len);
        cache.Append(layer, NumberedInputs(layer, past_len, end, shape));
      }
      past_len = end;
      EXPECT_EQ(cache.PastLen(), past_len);
    }
    for (std::size_t layer = 0; layer < layers; ++layer) {
      ASSERT_NO_FATAL_FAILURE(ExpectHolds(cache, layer, tokens));
    }
  }
}

TEST(InputCacheTest, LayersMayBeAheadOfEachOther) {
  InputCache cache(kShape);
  cache.Append(0, NumberedInputs(0, 0, 6));
  cache.Append(1, NumberedInputs(1, 0, 2));
  EXPECT_EQ(cache.PastLen(), 0U);
  cache.Append(2, NumberedInputs(2, 0, 3));
  EXPECT_EQ(cache.PastLen(), 2U);
  ExpectHolds(cache, 0, 6);
  ExpectHolds(cache, 1, 2);
  ExpectHolds(cache, 2, 3);
  cache.Truncate(2);
  cache.Append(0, NumberedInputs(0, 2, 4));
  ExpectHolds(cache, 0, 4);
}

TEST(InputCacheTest, AppendRefusesWhatDoesNotFit) {
  InputCache cache(kShape);
  cache.Append(1, NumberedInputs(1, 0, 7));
  EXPECT_THROW(cache.Append(1, NumberedInputs(1, 0, 3)), ContractError);
  EXPECT_THROW(cache.Append(3, NumberedInputs(1, 0, 1)), ContractError);
  Tensor3 wide = Tensor3::from_shape({2, 1, 4});
  wide.fill(0.0F);
  EXPECT_THROW(cache.Append(1, wide), ContractError);
  ExpectHolds(cache, 1, 7);
  cache.Append(1, NumberedInputs(1, 7, 9));
  ExpectHolds(cache, 1, 9);
}

// --- attention ---

struct Sizes {
  std::size_t batch = 3;
  std::size_t tokens = 13;
  std::size_t earlier_layers = 0;  // which the cache has, and no token is in
};

// Padding of each row: of row 0 none, then numbers from all over
// [0, sizes.tokens).
std::vector<std::size_t> SpreadPadding(const Sizes& sizes) {
  std::vector<std::size_t> left_pad;
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    left_pad.push_back(b * 283 % sizes.tokens);
  }
  return left_pad;
}

// One layer's attention, its weights, and x of the whole sequence.
class Trial {
 public:
  explicit Trial(const Gpt2Config& config, const Sizes& sizes)
      : weights_(WeightsFor(config, 60)), config_(config), sizes_(sizes) {
    Random random(61);
    for (std::size_t layer = 0; layer < config.num_layers; ++layer) {
      x_.push_back(
          RandomTensor3(random, {sizes.batch, sizes.tokens, config.d_model}));
    }
    cache_ = std::make_shared<InputCache>(
        InputShape{.batch = sizes.batch,
                   .max_seq_len = sizes.tokens,
                   .num_layers = sizes.earlier_layers + config.num_layers,
                   .d_model = config.d_model});
    attention_ =
        std::make_unique<RecomputingAttention>(config.num_heads, cache_);
  }

  const AttentionWeights& Weights(std::size_t layer) const {
    return weights_->blocks[layer].attn;
  }
  RecomputingAttention& Attention() { return *attention_; }

  // The tokens of a layer after those that every layer has got.
  Tensor3 Next(std::size_t layer, std::size_t count) {
    return attention_->Forward(sizes_.earlier_layers + layer,
                               Part(x_[layer], done_, count), Weights(layer),
                               left_pad);
  }

  static Tensor3 Part(const Tensor3& x, std::size_t begin, std::size_t count) {
    Tensor3 part = Tensor3::from_shape({x.shape(0), count, x.shape(2)});
    for (std::size_t b = 0; b < x.shape(0); ++b) {
      for (std::size_t s = 0; s < count; ++s) {
        for (std::size_t c = 0; c < x.shape(2); ++c) {
          part(b, s, c) = x(b, begin + s, c);
        }
      }
    }
    return part;
  }

  // Tokens in pieces, layer by layer, against attention over all of them. What
  // padding gives is not compared.
  void ExpectPieces(const std::vector<std::size_t>& pieces) {
    for (const std::size_t piece : pieces) {
      const std::size_t begin = done_;
      for (std::size_t layer = 0; layer < config_.num_layers; ++layer) {
        SCOPED_TRACE("layer " + std::to_string(layer) + ", " +
                     std::to_string(piece) + " tokens after " +
                     std::to_string(begin));
        Tensor3 actual = Next(layer, piece);
        Tensor3 right = Part(MultiHeadAttention(x_[layer], Weights(layer),
                                                config_.num_heads, left_pad),
                             begin, piece);
        for (std::size_t b = 0; b < left_pad.size(); ++b) {
          for (std::size_t s = 0; s < piece && begin + s < left_pad[b]; ++s) {
            for (std::size_t c = 0; c < config_.d_model; ++c) {
              actual(b, s, c) = right(b, s, c) = 0;
            }
          }
        }
        ASSERT_TRUE(Near(actual, right, kTolerance));
      }
      done_ += piece;
    }
  }

  // The last `count` tokens of layer 0, after all others were appended, against
  // attention of these queries alone. No row may end in padding.
  void ExpectLast(std::size_t count) {
    done_ = sizes_.tokens - count;
    cache_->Append(0, Part(x_[0], 0, done_));
    const Qkv all = ProjectQkv(x_[0], Weights(0), config_.num_heads);
    const Tensor4 attended =
        CausalAttention(kvlab::Part(all.queries, done_, count), View(all.keys),
                        View(all.values), left_pad);
    ASSERT_TRUE(
        Near(Next(0, count), ProjectOutput(attended, Weights(0)), kTolerance));
  }

  std::vector<std::size_t> left_pad;

 private:
  std::shared_ptr<const Gpt2Weights> weights_;
  Gpt2Config config_;
  Sizes sizes_;
  std::vector<Tensor3> x_;  // by layer, [B, S, C]
  std::size_t done_ = 0;    // tokens that every layer has got
  std::shared_ptr<InputCache> cache_;
  std::unique_ptr<RecomputingAttention> attention_;
};

TEST(RecomputingAttentionTest, StepsAreAttentionOverAllTokens) {
  Trial trial(kConfig, {});
  trial.ExpectPieces({5, 1, 1, 1, 1, 1, 1, 1, 1});
}

TEST(RecomputingAttentionTest, ChunksAndStepsOfEveryLength) {
  for (const std::vector<std::size_t>& pieces :
       std::vector<std::vector<std::size_t>>{
           {13}, {1, 12}, {12, 1}, {9, 4}, {4, 4, 4, 1}, {2, 7, 3, 1}}) {
    SCOPED_TRACE(std::to_string(pieces.size()) + " pieces, the first of " +
                 std::to_string(pieces.front()));
    Trial trial(kConfig, {});
    trial.ExpectPieces(pieces);
  }
}

TEST(RecomputingAttentionTest, RowsOfABatchMayHavePadding) {
  for (const std::vector<std::size_t>& left_pad :
       std::vector<std::vector<std::size_t>>{
           {0, 3, 7}, {5, 0, 1}, {4, 11, 12}}) {
    Trial trial(kConfig, {});
    trial.left_pad = left_pad;
    SCOPED_TRACE("left_pad of row 1: " + std::to_string(left_pad[1]));
    trial.ExpectPieces({6, 1, 1, 4, 1});
  }
}

// One layer, or the last one of hundreds.
struct LargeSizes {
  std::size_t heads = 2;
  std::size_t d_model = 6;
  std::size_t batch = 2;
  std::size_t tokens = 9;
  std::size_t earlier_layers = 0;
};

Trial LargeTrial(const LargeSizes& sizes) {
  Trial trial({.num_layers = 1,
               .num_heads = sizes.heads,
               .d_model = sizes.d_model,
               .d_mlp = 2,
               .max_positions = 2,
               .vocab_size = 10},
              {.batch = sizes.batch,
               .tokens = sizes.tokens,
               .earlier_layers = sizes.earlier_layers});
  trial.left_pad =
      SpreadPadding({.batch = sizes.batch, .tokens = sizes.tokens});
  return trial;
}

std::string TextOf(const LargeSizes& sizes) {
  return std::to_string(sizes.heads) + " heads, d_model " +
         std::to_string(sizes.d_model) + ", " + std::to_string(sizes.batch) +
         " rows, " + std::to_string(sizes.tokens) + " tokens, after " +
         std::to_string(sizes.earlier_layers) + " layers";
}

TEST(RecomputingAttentionTest, HundredsOfTokensRowsAndHeads) {
  for (const LargeSizes& sizes : std::vector<LargeSizes>{
           {.batch = 3, .tokens = 600, .earlier_layers = 260},
           {.batch = 270, .earlier_layers = 260},
           {.heads = 264, .d_model = 528, .earlier_layers = 260},
           {.heads = 2, .d_model = 540, .earlier_layers = 260}}) {
    SCOPED_TRACE(TextOf(sizes));
    const std::size_t half = sizes.tokens / 2;
    Trial padded = LargeTrial(sizes);
    padded.ExpectPieces({half, sizes.tokens - half - 2, 1, 1});
    Trial trial = LargeTrial(sizes);
    trial.left_pad = {};
    trial.ExpectPieces({sizes.tokens - 2, 2});
  }
}

// Not of rows and heads: an answer may have a thread for each head of each row.
TEST(RecomputingAttentionTest, HundredsOfTwoSizesAtOnce) {
  for (const LargeSizes& sizes : std::vector<LargeSizes>{
           {.heads = 1, .d_model = 1, .batch = 260, .tokens = 280},
           {.heads = 260, .d_model = 260, .batch = 1, .tokens = 270},
           {.heads = 1, .d_model = 260, .batch = 2, .tokens = 270},
           {.heads = 260, .d_model = 260, .batch = 9, .tokens = 4},
           {.heads = 1, .d_model = 260, .batch = 260, .tokens = 4}}) {
    SCOPED_TRACE(TextOf(sizes));
    Trial trial = LargeTrial(sizes);
    trial.ExpectPieces({sizes.tokens - 2, 2});
  }
}

// The root of 4,300 is above 65, that of 65,100 above 255.
TEST(RecomputingAttentionTest, ChunksOfDozensAndOfHundredsOfTokens) {
  for (const std::size_t tokens : {4'300, 65'100}) {
    SCOPED_TRACE(std::to_string(tokens) + " tokens");
    Trial trial = LargeTrial({.d_model = 4, .batch = 3, .tokens = tokens});
    trial.left_pad = {300, tokens - 150, 0};
    trial.ExpectLast(80);
  }
}

TEST(RecomputingAttentionTest, GivesTheLogitsOfAModelWithoutACache) {
  const auto weights = WeightsFor(kConfig, 62);
  Gpt2 plain(weights);
  Gpt2 model(weights);
  model.ReplaceAttention(std::make_unique<RecomputingAttention>(
      kConfig.num_heads,
      std::make_shared<InputCache>(InputShape{.batch = 1,
                                              .max_seq_len = 12,
                                              .num_layers = kConfig.num_layers,
                                              .d_model = kConfig.d_model})));
  Random random(63);
  const std::vector<TokenId> tokens = RandomTokens(random, 12, 50);
  const Tensor3 right =
      plain.Forward(SingleRow(tokens), LogitsFor::kAllPositions);
  std::size_t begin = 0;
  for (const std::size_t piece : {7, 1, 3, 1}) {
    const TokenBatch part = SingleRow(
        {tokens.begin() + static_cast<std::ptrdiff_t>(begin),
         tokens.begin() + static_cast<std::ptrdiff_t>(begin + piece)});
    ASSERT_TRUE(Near(model.Forward(part, LogitsFor::kAllPositions),
                     Trial::Part(right, begin, piece), kTolerance))
        << piece << " tokens after " << begin;
    begin += piece;
  }
}

TEST(RecomputingAttentionTest, DiscardsThePassThatBrokeOff) {
  Trial trial(kConfig, {});
  trial.ExpectPieces({4});
  trial.Next(0, 3);
  trial.Next(1, 3);  // layer 2 is never called
  EXPECT_EQ(trial.Attention().PastLen(), 4U);
  trial.ExpectPieces({1, 8});
  EXPECT_EQ(trial.Attention().PastLen(), 13U);
}

TEST(RecomputingAttentionTest, ComputesEachTokenOfThePastOnceToTheUnit) {
  for (const auto& [past_len, new_len] :
       std::vector<std::array<std::size_t, 2>>{
           {0, 5}, {1, 1}, {5, 1}, {8, 1}, {9, 1}, {10, 3}, {12, 1}}) {
    for (const std::vector<std::size_t>& left_pad :
         std::vector<std::vector<std::size_t>>{{}, {0, 4, 12}, {9, 13, 1}}) {
      Gpt2Config config = kConfig;
      config.num_layers = 1;
      Trial trial(config, {});
      trial.left_pad = left_pad;
      if (past_len > 0) trial.ExpectPieces({past_len});
      const WorkCounts before = CountedWork();
      trial.Next(0, new_len);
      const WorkCounts work = CountedWork() - before;
      EXPECT_EQ(
          work[Work::kQkv],
          3U * new_len * 3 * 24 * 24 +
              RecomputedMacs({.batch = 3, .past_len = past_len, .d_model = 24},
                             left_pad))
          << new_len << " tokens after " << past_len
          << (left_pad.empty() ? "" : ", rows padded");
      EXPECT_EQ(work[Work::kProjection], 3U * new_len * 24 * 24);
      EXPECT_LE(work[Work::kAttention],
                3U * new_len * (past_len + new_len) * 2 * 24);
    }
  }
}

// Scratch is that of a chunk, not that of all tokens.
TEST(RecomputingAttentionTest, AllocatesAChunkNotAllKeysAndValues) {
  const auto allocated = [](std::size_t tokens) {
    Trial trial({.num_layers = 1,
                 .num_heads = 2,
                 .d_model = 16,
                 .d_mlp = 8,
                 .max_positions = 4'000,
                 .vocab_size = 10},
                {.batch = 1, .tokens = tokens + 2});
    trial.Attention().Cache()->Append(0, Tensor3::from_shape({1, tokens, 16}));
    trial.Next(0, 1);  // what the first call needs for good
    const std::uint64_t before = AllocatedBytes();
    trial.Next(0, 1);
    return AllocatedBytes() - before;
  };
  // Chunks of 11 and of 61 tokens: 3 C products and a score for each.
  const std::uint64_t few = allocated(99);
  const std::uint64_t many = allocated(3'599);
  EXPECT_LE(many - few, std::uint64_t{61 - 11} * (3 * 16 + 1) * 4)
      << "keys and values of 3,600 tokens would be " << 3'600 * 2 * 16 * 4
      << " bytes";
}

TEST(RecomputingAttentionTest, RefusesWhatDoesNotFit) {
  Trial trial(kConfig, {});
  trial.ExpectPieces({11});
  Tensor3 x = Tensor3::from_shape({3, 3, 24});
  x.fill(1.0F);
  const AttentionWeights& weights = trial.Weights(0);
  EXPECT_THROW(trial.Attention().Forward(0, x, weights, {}), ContractError)
      << "11 + 3 tokens of 13";
  const std::vector<std::size_t> two = {0, 0};
  const Tensor3 one = Trial::Part(x, 0, 1);
  EXPECT_THROW(trial.Attention().Forward(0, one, weights, two), ContractError);
  EXPECT_THROW(trial.Attention().Forward(3, one, weights, {}), ContractError);
  EXPECT_EQ(trial.Attention().Cache()->PastLen(0), 11U);
  EXPECT_EQ(trial.Next(0, 1).shape(1), 1U);
  EXPECT_THROW(RecomputingAttention(5, trial.Attention().Cache()),
               ContractError);
  EXPECT_THROW(RecomputingAttention(4, nullptr), ContractError);
}

}  // namespace
}  // namespace kvlab
