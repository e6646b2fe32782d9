// Tests the contract of recomputing_cache.h. The second methods are module 1's
// attention over the whole sequence, and a model without a cache.
#include "modules/05_beyond/recomputing_cache.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
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

// --- the cache ---

// x of a layer: element [b, s, c] is its place.
Tensor3 NumberedInputs(std::size_t layer, std::size_t begin, std::size_t end) {
  Tensor3 x = Tensor3::from_shape({2, end - begin, 3});
  for (std::size_t b = 0; b < 2; ++b) {
    for (std::size_t s = begin; s < end; ++s) {
      for (std::size_t c = 0; c < 3; ++c) {
        x(b, s - begin, c) =
            static_cast<float>(1000 * layer + 100 * b + 10 * s + c);
      }
    }
  }
  return x;
}

void ExpectHolds(const InputCache& cache, std::size_t layer,
                 std::size_t past_len) {
  const Tensor3 all = NumberedInputs(layer, 0, past_len);
  ASSERT_EQ(cache.PastLen(layer), past_len) << "layer " << layer;
  for (std::size_t b = 0; b < 2; ++b) {
    const ConstMatrix inputs = cache.Inputs(layer, b);
    ASSERT_EQ(inputs.rows, past_len);
    for (std::size_t s = 0; s < past_len; ++s) {
      for (std::size_t c = 0; c < 3; ++c) {
        ASSERT_EQ(inputs.Row(s)[c], all(b, s, c))
            << "layer " << layer << ", row " << b << ", position " << s;
      }
    }
  }
}

constexpr InputShape kShape = {
    .batch = 2, .max_seq_len = 9, .num_layers = 3, .d_model = 3};

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
};

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
    cache_ =
        std::make_shared<InputCache>(InputShape{.batch = sizes.batch,
                                                .max_seq_len = sizes.tokens,
                                                .num_layers = config.num_layers,
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
    return attention_->Forward(layer, Part(x_[layer], done_, count),
                               Weights(layer), left_pad);
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

TEST(RecomputingAttentionTest, HundredsOfTokensRowsAndHeads) {
  const auto config = [](std::size_t heads, std::size_t d_model) {
    return Gpt2Config{.num_layers = 1,
                      .num_heads = heads,
                      .d_model = d_model,
                      .d_mlp = 8,
                      .max_positions = 700,
                      .vocab_size = 10};
  };
  for (const auto& [heads, d_model, batch, tokens] :
       std::vector<std::array<std::size_t, 4>>{
           {2, 6, 1, 600}, {2, 6, 270, 5}, {264, 264, 1, 5}, {1, 270, 1, 7}}) {
    SCOPED_TRACE(std::to_string(heads) + " heads, d_model " +
                 std::to_string(d_model) + ", " + std::to_string(batch) +
                 " rows, " + std::to_string(tokens) + " tokens");
    Trial trial(config(heads, d_model), {.batch = batch, .tokens = tokens});
    trial.ExpectPieces({tokens - 2, 1, 1});
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
