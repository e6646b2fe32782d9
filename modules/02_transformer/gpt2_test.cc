// Keeps the promises of gpt2.h: what a forward pass sees, computes and refuses.
// What it computes on real weights is compared with other implementations in
// golden_test.cc.
#include "modules/02_transformer/gpt2.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
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

namespace kvlab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Three layers of float32 sums of 24 to 96 terms; logits are of size 1 to 10.
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

// An attention that holds `past_len` tokens and contributes nothing; it
// remembers for which layers it was asked.
class SilentAttention final : public Attention {
 public:
  explicit SilentAttention(std::size_t past_len) : past_len_(past_len) {}
  std::size_t PastLen() const override { return past_len_; }
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& /*weights*/,
                  std::span<const std::size_t> /*left_pad*/) override {
    asked_layers.push_back(layer);
    Tensor3 zeros = Tensor3::from_shape(x.shape());
    zeros.fill(0.0F);
    return zeros;
  }

  std::vector<std::size_t> asked_layers;

 private:
  std::size_t past_len_;
};

// Logits of position t of row b.
Tensor1 LogitsAt(const Tensor3& logits, std::size_t b, std::size_t t) {
  Tensor1 row = Tensor1::from_shape({logits.shape(2)});
  for (std::size_t v = 0; v < row.size(); ++v) row(v) = logits(b, t, v);
  return row;
}

float LargestDifference(const Tensor1& a, const Tensor1& b) {
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a(i) - b(i)));
  }
  return largest;
}

TEST(Gpt2Test, GivesOneLogitPerTokenOfTheVocabularyAndPosition) {
  Gpt2 model(SmallWeights(41));

  const Tensor3 logits = model.Forward(PadLeft({{1, 2, 3}, {4, 5, 6}}, 0),
                                       LogitsFor::kAllPositions);

  EXPECT_EQ(logits.shape(0), 2U);
  EXPECT_EQ(logits.shape(1), 3U);
  EXPECT_EQ(logits.shape(2), kConfig.vocab_size);
}

TEST(Gpt2Test, LastPositionIsTheLastRowOfAllPositions) {
  Gpt2 model(SmallWeights(42));
  const TokenBatch tokens = PadLeft({{1, 2, 3}, {4, 5, 6}}, 0);

  const Tensor3 all = model.Forward(tokens, LogitsFor::kAllPositions);
  const Tensor3 last = model.Forward(tokens, LogitsFor::kLastPosition);

  ASSERT_EQ(last.shape(1), 1U);
  for (std::size_t b = 0; b < 2; ++b) {
    EXPECT_TRUE(Near(LogitsAt(last, b, 0), LogitsAt(all, b, 2), kTolerance));
  }
}

TEST(Gpt2Test, LastPositionSavesTheHeadOfAllOthers) {
  Gpt2 model(SmallWeights(42));
  const TokenBatch tokens = PadLeft({{1, 2, 3, 4, 5}, {4, 5, 6, 7, 8}}, 0);

  const WorkCounts before = CountedWork();
  model.Forward(tokens, LogitsFor::kLastPosition);
  const WorkCounts work = CountedWork() - before;

  EXPECT_EQ(work[Work::kHead], 2U * 24 * 50);
}

TEST(Gpt2Test, CountsTheWorkOfEveryLayer) {
  Gpt2 model(SmallWeights(43));

  const WorkCounts before = CountedWork();
  model.Forward(SingleRow({1, 2, 3, 4, 5}), LogitsFor::kAllPositions);
  const WorkCounts work = CountedWork() - before;

  // Per token and layer: 3 d^2, d^2 and 8 d^2, in all 24 d^2 FLOPs.
  EXPECT_EQ(work[Work::kQkv], 3U * 5 * 3 * 24 * 24);
  EXPECT_EQ(work[Work::kProjection], 3U * 5 * 24 * 24);
  EXPECT_EQ(work[Work::kMlp], 3U * 5 * 8 * 24 * 24);
  EXPECT_EQ(work[Work::kHead], 5U * 24 * 50);
}

TEST(Gpt2Test, DoesNotLetLaterTokensChangeEarlierLogits) {
  Gpt2 model(SmallWeights(44));

  const Tensor3 before =
      model.Forward(SingleRow({1, 2, 3, 4}), LogitsFor::kAllPositions);
  const Tensor3 after =
      model.Forward(SingleRow({1, 2, 3, 49}), LogitsFor::kAllPositions);

  for (std::size_t t = 0; t < 3; ++t) {
    EXPECT_TRUE(Near(LogitsAt(after, 0, t), LogitsAt(before, 0, t), kTolerance))
        << "position " << t;
  }
  EXPECT_GT(LargestDifference(LogitsAt(after, 0, 3), LogitsAt(before, 0, 3)),
            0.1F);
}

TEST(Gpt2Test, KnowsPositions) {
  // The same token at every position: without positions, attention would be
  // the mean of equal values, and all logits the same.
  Gpt2 model(SmallWeights(45));

  const Tensor3 logits =
      model.Forward(SingleRow({7, 7, 7}), LogitsFor::kAllPositions);

  EXPECT_GT(LargestDifference(LogitsAt(logits, 0, 0), LogitsAt(logits, 0, 1)),
            0.1F);
  EXPECT_GT(LargestDifference(LogitsAt(logits, 0, 1), LogitsAt(logits, 0, 2)),
            0.1F);
}

TEST(Gpt2Test, CountsPositionsOnFromWhatAttentionHolds) {
  // Given two models whose attention is silent, so that only the embedding
  // decides: one holds 5 tokens already, the other none.
  Gpt2 continued(SmallWeights(46));
  continued.ReplaceAttention(std::make_unique<SilentAttention>(5));
  Gpt2 fresh(SmallWeights(46));
  fresh.ReplaceAttention(std::make_unique<SilentAttention>(0));

  const Tensor3 last =
      continued.Forward(SingleRow({9, 3}), LogitsFor::kAllPositions);
  const Tensor3 all =
      fresh.Forward(SingleRow({0, 1, 2, 3, 4, 9, 3}), LogitsFor::kAllPositions);

  EXPECT_TRUE(Near(LogitsAt(last, 0, 0), LogitsAt(all, 0, 5), kTolerance));
  EXPECT_TRUE(Near(LogitsAt(last, 0, 1), LogitsAt(all, 0, 6), kTolerance));
}

TEST(Gpt2Test, GivesAPaddedRowTheLogitsItHasAlone) {
  // Given three prompts of different lengths in one batch
  Gpt2 model(SmallWeights(47));
  const std::vector<std::vector<TokenId>> prompts = {
      {1, 2, 3, 4, 5, 6}, {7, 8, 9}, {10}};

  const Tensor3 together =
      model.Forward(PadLeft(prompts, 0), LogitsFor::kLastPosition);

  for (std::size_t b = 0; b < prompts.size(); ++b) {
    const Tensor3 alone =
        model.Forward(SingleRow(prompts[b]), LogitsFor::kLastPosition);
    EXPECT_TRUE(
        Near(LogitsAt(together, b, 0), LogitsAt(alone, 0, 0), kTolerance))
        << "row " << b;
  }
}

TEST(Gpt2Test, DoesNotCareWhatThePaddingIs) {
  Gpt2 model(SmallWeights(48));
  const std::vector<std::vector<TokenId>> prompts = {{1, 2, 3, 4}, {7, 8}};

  EXPECT_TRUE(
      Near(model.Forward(PadLeft(prompts, 0), LogitsFor::kLastPosition),
           model.Forward(PadLeft(prompts, 33), LogitsFor::kLastPosition),
           kTolerance));
}

TEST(Gpt2Test, UsesEveryLayersOwnWeights) {
  const auto weights = SmallWeights(49);
  const auto others = SmallWeights(149);
  const TokenBatch tokens = SingleRow({1, 2, 3});
  Gpt2 model(weights);
  const Tensor3 logits = model.Forward(tokens, LogitsFor::kLastPosition);

  // Other weights in any one layer give other logits.
  for (std::size_t layer = 0; layer < kConfig.num_layers; ++layer) {
    auto changed = std::make_shared<Gpt2Weights>(*weights);
    changed->blocks[layer] = others->blocks[layer];
    Gpt2 other(changed);
    const Tensor3 other_logits =
        other.Forward(tokens, LogitsFor::kLastPosition);
    EXPECT_GT(
        LargestDifference(LogitsAt(logits, 0, 0), LogitsAt(other_logits, 0, 0)),
        0.1F)
        << "layer " << layer;
  }
}

TEST(Gpt2Test, TellsAttentionEveryLayersNumber) {
  Gpt2 model(SmallWeights(49));
  auto silent = std::make_unique<SilentAttention>(0);
  const SilentAttention& attention = *silent;
  model.ReplaceAttention(std::move(silent));

  model.Forward(SingleRow({1, 2, 3}), LogitsFor::kLastPosition);

  EXPECT_THAT(attention.asked_layers, ElementsAre(0U, 1U, 2U));
}

TEST(Gpt2Test, ReplaceAttentionReturnsWhatWasThere) {
  Gpt2 model(SmallWeights(50));
  const Attention* first = &model.CurrentAttention();
  auto silent = std::make_unique<SilentAttention>(0);
  const Attention* second = silent.get();

  const std::unique_ptr<Attention> before =
      model.ReplaceAttention(std::move(silent));

  EXPECT_EQ(before.get(), first);
  EXPECT_EQ(&model.CurrentAttention(), second);
  EXPECT_EQ(model.Forward(SingleRow({1}), LogitsFor::kLastPosition).shape(1),
            1U);
  EXPECT_THROW(model.ReplaceAttention(nullptr), ContractError);
}

TEST(Gpt2Test, RefusesTokensOutsideTheVocabulary) {
  Gpt2 model(SmallWeights(51));
  EXPECT_EQ(
      model.Forward(SingleRow({0, 49}), LogitsFor::kLastPosition).shape(1), 1U);

  EXPECT_THAT(MessageOf<ContractError>([&] {
                model.Forward(SingleRow({1, 50}), LogitsFor::kLastPosition);
              }),
              HasSubstr("token id 50"));
  EXPECT_THROW(model.Forward(SingleRow({-1}), LogitsFor::kLastPosition),
               ContractError);
}

TEST(Gpt2Test, RefusesMoreTokensThanPositions) {
  Gpt2 model(SmallWeights(52));
  const std::vector<TokenId> full(32, 1);
  const std::vector<TokenId> one_more(33, 1);

  EXPECT_EQ(model.Forward(SingleRow(full), LogitsFor::kLastPosition).shape(1),
            1U);
  EXPECT_THAT(MessageOf<ContractError>([&] {
                model.Forward(SingleRow(one_more), LogitsFor::kLastPosition);
              }),
              HasSubstr("past_len 0 + new_len 33 exceeds max_positions 32"));

  model.ReplaceAttention(std::make_unique<SilentAttention>(32));
  EXPECT_THROW(model.Forward(SingleRow({1}), LogitsFor::kLastPosition),
               ContractError);
}

TEST(Gpt2Test, RefusesNoTokensAndPaddingOfAnotherLength) {
  Gpt2 model(SmallWeights(53));
  const TokenBatch none = {.ids = Tokens::from_shape({1, 0}), .left_pad = {}};
  TokenBatch two_pads = SingleRow({1, 2});
  two_pads.left_pad = {0, 0};
  EXPECT_EQ(model.Forward(SingleRow({1}), LogitsFor::kLastPosition).shape(1),
            1U);

  EXPECT_THROW(model.Forward(none, LogitsFor::kLastPosition), ContractError);
  EXPECT_THROW(model.Forward(two_pads, LogitsFor::kLastPosition),
               ContractError);
  EXPECT_THROW(Gpt2(nullptr), ContractError);
}

}  // namespace
}  // namespace kvlab
