// Tests the contract of policy_attention.h. The second method is generation
// with module 3's cache.
#include "modules/05_beyond/policy_attention.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/kv_cache.h"
#include "modules/05_beyond/cache_policy.h"
#include "modules/05_beyond/quantized_cache.h"
#include "modules/05_beyond/recomputing_cache.h"

namespace kvlab {
namespace {

constexpr Gpt2Config kConfig = {.num_layers = 3,
                                .num_heads = 4,
                                .d_model = 24,
                                .d_mlp = 96,
                                .max_positions = 80,
                                .vocab_size = 50};
constexpr std::size_t kNewTokens = 40;
// Of three rows, 7, 1 and 4 tokens: they are padded to 7.
constexpr std::size_t kPrompt = 7;
constexpr std::size_t kRows = 3;
// The last new token is never fed back.
constexpr std::size_t kTokens = kPrompt + kNewTokens - 1;

class PolicyAttentionTest : public ::testing::Test {
 protected:
  PolicyAttentionTest() : model_(Weights()) {
    Random random(11);
    std::vector<std::vector<TokenId>> rows;
    for (const std::size_t length : {kPrompt, std::size_t{1}, std::size_t{4}}) {
      rows.push_back(RandomTokens(random, length, kConfig.vocab_size));
    }
    prompt_ = PadLeft(rows, 0);
    options_ = {.new_tokens = kNewTokens,
                .sampling = {.temperature = 1, .top_k = 0},
                .seed = 3};
  }

  static std::shared_ptr<const Gpt2Weights> Weights() {
    Random random(5);
    return std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, kConfig));
  }

  PolicyGeneration With(const std::string& name) {
    return GenerateWithPolicy(model_, prompt_, options_,
                              ParseCachePolicy(name));
  }

  Gpt2 model_;
  TokenBatch prompt_;
  GenerateOptions options_;
};

TEST_F(PolicyAttentionTest, WhatIsExactGeneratesTheTokensOfTheFullCache) {
  const Tokens expected = GenerateCached(model_, prompt_, options_);
  const std::string all = std::to_string(kTokens);
  for (const std::string& name :
       {std::string("full"), std::string("paged"), std::string("recompute"),
        "window:" + all, "sinks:5+" + std::to_string(kTokens - 5),
        "evict:" + all}) {
    ASSERT_TRUE(IsExact(ParseCachePolicy(name), kTokens)) << name;
    EXPECT_EQ(With(name).tokens, expected) << name;
  }
}

TEST_F(PolicyAttentionTest, WhatForgetsGeneratesOtherTokensInTheEnd) {
  const Tokens expected = GenerateCached(model_, prompt_, options_);
  for (const char* name : {"window:3", "sinks:1+2", "evict:3"}) {
    EXPECT_FALSE(IsExact(ParseCachePolicy(name), kTokens)) << name;
    EXPECT_NE(With(name).tokens, expected) << name;
  }
}

TEST_F(PolicyAttentionTest, EightBitsAreCloseToTheFullCacheAndNotEqual) {
  Gpt2 full(Weights());
  Gpt2 rounded(Weights());
  const CacheCapacity capacity = {.batch = kRows, .max_seq_len = kPrompt};
  full.ReplaceAttention(
      MakePolicyAttention(ParseCachePolicy("full"), kConfig, capacity));
  rounded.ReplaceAttention(
      MakePolicyAttention(ParseCachePolicy("int8"), kConfig, capacity));
  const Tensor3 exact = full.Forward(prompt_, LogitsFor::kLastPosition);
  const Tensor3 close = rounded.Forward(prompt_, LogitsFor::kLastPosition);
  float largest = 0;
  float difference = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    largest = std::max(largest, std::abs(exact.data()[i]));
    difference =
        std::max(difference, std::abs(exact.data()[i] - close.data()[i]));
  }
  EXPECT_GT(difference, 0);
  // Each value is off by at most 1/510 of its range; three layers add up.
  EXPECT_LT(difference, 0.05F * largest);
}

TEST_F(PolicyAttentionTest, BytesAreThoseOfTheFormulas) {
  const CacheShape shape = {.batch = kRows,
                            .max_seq_len = kTokens,
                            .num_layers = kConfig.num_layers,
                            .num_kv_heads = kConfig.num_heads,
                            .head_dim = kConfig.HeadDim()};
  const std::uint64_t token_bytes =
      2 * kConfig.num_layers * kConfig.d_model * sizeof(float);
  EXPECT_EQ(With("full").cache_bytes, CacheBytes(shape, sizeof(float)));
  EXPECT_EQ(With("window:5").cache_bytes, kRows * 5 * token_bytes);
  EXPECT_EQ(With("sinks:2+5").cache_bytes, kRows * 7 * token_bytes);
  EXPECT_EQ(With("evict:6").cache_bytes, kRows * 6 * token_bytes);
  EXPECT_EQ(
      With("int8").cache_bytes,
      kConfig.num_layers * QuantizedBytes({.batch = kRows,
                                           .max_seq_len = kTokens,
                                           .num_kv_heads = kConfig.num_heads,
                                           .head_dim = kConfig.HeadDim(),
                                           .group = kPolicyGroup}));
  EXPECT_EQ(With("recompute").cache_bytes,
            InputBytes({.batch = kRows,
                        .max_seq_len = kTokens,
                        .num_layers = kConfig.num_layers,
                        .d_model = kConfig.d_model}));
  // Rows of 46, 40 and 43 tokens have 3 blocks of 16 each: padding has none.
  std::uint64_t blocks = 0;
  for (const std::size_t pad : prompt_.left_pad) {
    blocks += (kTokens - pad + kPolicyBlock - 1) / kPolicyBlock;
  }
  EXPECT_EQ(With("paged").cache_bytes, blocks * kPolicyBlock * token_bytes);
}

TEST_F(PolicyAttentionTest, PagesAreTakenAsTheSequenceGrows) {
  const std::unique_ptr<PolicyAttention> made =
      MakePolicyAttention(ParseCachePolicy("paged"), kConfig,
                          {.batch = 1, .max_seq_len = 2 * kPolicyBlock});
  EXPECT_EQ(made->Bytes(), 0U);
}

TEST_F(PolicyAttentionTest, TheModelHasItsOwnAttentionBack) {
  const Attention* const before = &model_.CurrentAttention();
  With("window:5");
  EXPECT_EQ(&model_.CurrentAttention(), before);
  options_.on_tokens = [](std::span<const TokenId>) {
    throw std::runtime_error("stop");
  };
  EXPECT_THROW(With("window:5"), std::runtime_error);
  EXPECT_EQ(&model_.CurrentAttention(), before);
}

TEST_F(PolicyAttentionTest, NoTokensNeedNoCache) {
  options_.new_tokens = 0;
  const PolicyGeneration made = With("evict:4");
  EXPECT_EQ(made.tokens.size(), 0U);
  EXPECT_EQ(made.cache_bytes, 0U);
}

TEST_F(PolicyAttentionTest, AConstantSizeTeachesTheModelNoPositions) {
  options_.new_tokens = kConfig.max_positions - kPrompt;
  for (const char* name : {"window:4", "sinks:1+3", "evict:4"}) {
    EXPECT_NO_THROW(With(name)) << name;
  }
  ++options_.new_tokens;
  for (const char* name : {"window:4", "sinks:1+3", "evict:4"}) {
    EXPECT_THROW(With(name), ContractError) << name;
  }
}

TEST_F(PolicyAttentionTest, SlotsThatNoTokenCanTakeAreRefused) {
  EXPECT_THROW(With("window:81"), DataError);
}

}  // namespace
}  // namespace kvlab
