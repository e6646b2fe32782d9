#include "lab/windowed_attention.h"

#include <cstddef>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {
namespace {

constexpr std::uint64_t kSeed = 11;
constexpr std::size_t kTokens = 9;

class WindowedAttentionTest : public ::testing::Test {
 protected:
  WindowedAttentionTest() {
    Random random(kSeed);
    weights_ = std::make_shared<Gpt2Weights>(
        RandomGpt2Weights(random, {.num_layers = 3,
                                   .num_heads = 2,
                                   .d_model = 16,
                                   .d_mlp = 24,
                                   .max_positions = 16,
                                   .vocab_size = 23}));
    ids_ = RandomTokens(random, kTokens, 23);
  }

  // Logits after each token, fed one by one.
  std::vector<Tensor3> StepByStep(std::size_t window) {
    Gpt2 model(weights_);
    model.ReplaceAttention(
        std::make_unique<WindowedAttention>(model.Config(), window));
    std::vector<Tensor3> logits;
    for (const TokenId id : ids_) {
      logits.push_back(
          model.Forward(SingleRow({id}), LogitsFor::kLastPosition));
    }
    return logits;
  }

  // Logits after the last of these tokens, without a cache.
  Tensor3 Exact(std::size_t tokens) {
    Gpt2 model(weights_);
    return model.Forward(
        SingleRow({ids_.begin(), ids_.begin() + static_cast<long>(tokens)}),
        LogitsFor::kLastPosition);
  }

  static double Largest(const Tensor3& a, const Tensor3& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      largest = std::max<double>(largest, std::abs(a.data()[i] - b.data()[i]));
    }
    return largest;
  }

  std::shared_ptr<const Gpt2Weights> weights_;
  std::vector<TokenId> ids_;
};

// float32 sums in another order differ by a few units in the last place.
constexpr double kTolerance = 1e-4;

TEST_F(WindowedAttentionTest, AWindowOfAllTokensForgetsNothing) {
  const std::vector<Tensor3> logits = StepByStep(kTokens);
  for (std::size_t t = 1; t <= kTokens; ++t) {
    EXPECT_LT(Largest(logits[t - 1], Exact(t)), kTolerance) << t << " tokens";
  }
}

TEST_F(WindowedAttentionTest, IsExactUntilTheWindowIsFullAndNotAfter) {
  constexpr std::size_t kWindow = 4;
  const std::vector<Tensor3> logits = StepByStep(kWindow);
  for (std::size_t t = 1; t <= kWindow; ++t) {
    EXPECT_LT(Largest(logits[t - 1], Exact(t)), kTolerance) << t << " tokens";
  }
  for (std::size_t t = kWindow + 1; t <= kTokens; ++t) {
    EXPECT_GT(Largest(logits[t - 1], Exact(t)), 100 * kTolerance)
        << t << " tokens";
  }
}

// In one layer a window of w sees the newest w tokens and nothing before: a
// token that has just left it has no effect.
TEST_F(WindowedAttentionTest, WhatHasLeftTheWindowIsForgotten) {
  const auto last_logits = [&](const std::vector<TokenId>& ids) {
    Random random(kSeed);
    Gpt2 model(std::make_shared<Gpt2Weights>(
        RandomGpt2Weights(random, {.num_layers = 1,
                                   .num_heads = 2,
                                   .d_model = 16,
                                   .d_mlp = 24,
                                   .max_positions = 16,
                                   .vocab_size = 23})));
    model.ReplaceAttention(
        std::make_unique<WindowedAttention>(model.Config(), 3));
    Tensor3 logits;
    for (const TokenId id : ids) {
      logits = model.Forward(SingleRow({id}), LogitsFor::kLastPosition);
    }
    return logits;
  };
  const Tensor3 logits = last_logits({1, 2, 3, 4, 5});
  EXPECT_EQ(Largest(logits, last_logits({1, 7, 3, 4, 5})), 0);
  EXPECT_GT(Largest(logits, last_logits({1, 2, 7, 4, 5})), kTolerance);
}

TEST_F(WindowedAttentionTest, RefusesWhatItCannotDo) {
  EXPECT_THROW(WindowedAttention(weights_->config, 0), ContractError);
  Gpt2 model(weights_);
  model.ReplaceAttention(
      std::make_unique<WindowedAttention>(model.Config(), 3));
  EXPECT_THROW(model.Forward(SingleRow(ids_), LogitsFor::kLastPosition),
               ContractError);
}

TEST_F(WindowedAttentionTest, KeepsTheBytesOfItsWindow) {
  const WindowedAttention attention(weights_->config, 5);
  EXPECT_EQ(attention.Bytes(), 2U * 3 * 2 * 8 * 5 * sizeof(float));
}

}  // namespace
}  // namespace kvlab
