// Tests the contract of growing_cache.h: right answers at the wrong cost.
#include "modules/03_memoization/growing_cache.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/tensor/copy.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {
namespace {

// Both caches only move numbers.
constexpr float kSame = 0.0F;

TEST(GrowingCacheTest, HoldsWhatALayerCacheHolds) {
  GrowingCache growing({.batch = 2, .num_kv_heads = 3, .head_dim = 4});
  LayerCache reserved(
      {.batch = 2, .max_seq_len = 6, .num_kv_heads = 3, .head_dim = 4});
  EXPECT_EQ(growing.PastLen(), 0U);

  for (const auto& [begin, end] :
       {std::pair<std::size_t, std::size_t>{0, 3}, {3, 4}, {4, 6}}) {
    const Tensor4 keys =
        NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, begin, end);
    const Tensor4 values = NumberedTokens(
        {.batch = 2, .heads = 3, .head_dim = 4}, begin + 1, end + 1);
    growing.Append(keys, values);
    reserved.Append(keys, values);
    EXPECT_EQ(growing.PastLen(), end);
    EXPECT_TRUE(Near(growing.Keys(), reserved.Keys(), kSame));
    EXPECT_TRUE(Near(growing.Values(), reserved.Values(), kSame));
  }
}

TEST(GrowingCacheTest, WritesEveryOldTokenAgainAtEachStep) {
  GrowingCache growing({.batch = 2, .num_kv_heads = 3, .head_dim = 4});
  const std::uint64_t bytes_per_token = 2U * 2 * 3 * 4 * sizeof(float);

  for (std::uint64_t n = 1; n <= 20; ++n) {
    growing.Append(
        NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 0, 1),
        NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 1, 2));
    EXPECT_EQ(growing.BytesWritten(), n * (n + 1) / 2 * bytes_per_token);
  }
}

// [batch, heads, tokens, head_dim], every element another number.
Tensor4 Different(const std::array<std::size_t, 4>& sizes, float first) {
  Tensor4 tokens = Tensor4::from_shape(sizes);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

// Rows, heads, features and tokens in turn beyond what 8 bits count: a prompt,
// chunks, none, single tokens.
TEST(GrowingCacheTest, HoldsWhatALayerCacheHoldsAtAnySize) {
  for (const LayerShape& shape :
       {LayerShape{5, 400, 11, 7}, LayerShape{300, 30, 2, 3},
        LayerShape{2, 30, 300, 3}, LayerShape{2, 30, 3, 300},
        LayerShape{9, 30, 70, 70}}) {
    const auto& [batch, max_seq_len, num_kv_heads, head_dim] = shape;
    GrowingCache growing(
        {.batch = batch, .num_kv_heads = num_kv_heads, .head_dim = head_dim});
    LayerCache reserved(shape);
    float first = 1;
    for (const std::size_t tokens :
         {std::size_t{0}, 2 * max_seq_len / 3, std::size_t{1}, std::size_t{0},
          max_seq_len / 6, std::size_t{1}}) {
      const Tensor4 keys =
          Different({batch, num_kv_heads, tokens, head_dim}, first);
      const Tensor4 values =
          Different({batch, num_kv_heads, tokens, head_dim}, -first);
      first += 1000;
      growing.Append(keys, values);
      reserved.Append(keys, values);
      ASSERT_EQ(growing.PastLen(), reserved.PastLen());
      EXPECT_TRUE(Near(growing.Keys(), reserved.Keys(), kSame));
      EXPECT_TRUE(Near(growing.Values(), reserved.Values(), kSame));
    }
  }
}

// Rows, heads, features and tokens in turn beyond what 8 bits count.
TEST(GrowingCacheTest, WritesOldTokensAgainAfterAPromptToo) {
  struct Sizes {
    std::size_t batch;
    std::size_t num_kv_heads;
    std::size_t prompt;
    std::size_t head_dim;
  };
  for (const Sizes& sizes : std::vector<Sizes>{{1, 9, 300, 5},
                                               {300, 2, 5, 3},
                                               {2, 300, 5, 3},
                                               {2, 3, 5, 300},
                                               {70, 9, 10, 70}}) {
    const auto& [batch, num_kv_heads, prompt, head_dim] = sizes;
    const GrowingCacheShape shape = {
        .batch = batch, .num_kv_heads = num_kv_heads, .head_dim = head_dim};
    GrowingCache growing(shape);
    GrowingCache other(shape);  // has its own count
    const std::uint64_t bytes_per_token =
        2U * batch * num_kv_heads * head_dim * sizeof(float);
    std::uint64_t written = 0;
    std::uint64_t held = 0;
    for (const std::size_t tokens :
         {prompt, std::size_t{1}, prompt / 3, std::size_t{2}}) {
      growing.Append(Different({batch, num_kv_heads, tokens, head_dim}, 0),
                     Different({batch, num_kv_heads, tokens, head_dim}, 9));
      held += tokens;
      written += held * bytes_per_token;
      EXPECT_EQ(growing.BytesWritten(), written)
          << batch << " rows, " << num_kv_heads << " heads of " << head_dim
          << ", " << held << " tokens";
    }
    EXPECT_EQ(other.BytesWritten(), 0U);
  }
}

TEST(GrowingCacheTest, ALayerCacheWritesEveryTokenOnce) {
  LayerCache reserved(
      {.batch = 2, .max_seq_len = 20, .num_kv_heads = 3, .head_dim = 4});
  const std::uint64_t bytes_per_token = 2U * 2 * 3 * 4 * sizeof(float);

  const std::uint64_t copied = CopiedBytes();
  for (std::size_t n = 0; n < 20; ++n) {
    reserved.Append(
        NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, n, n + 1),
        NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, n, n + 1));
  }

  EXPECT_LE(CopiedBytes() - copied, 20 * bytes_per_token);
  EXPECT_EQ(reserved.PastLen(), 20U);
}

TEST(GrowingCacheTest, RefusesOtherShapesAndKeepsWhatItHas) {
  GrowingCache growing({.batch = 2, .num_kv_heads = 3, .head_dim = 4});
  const Tensor4 prompt =
      NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 0, 2);
  growing.Append(prompt, prompt);

  EXPECT_THROW(
      growing.Append(
          NumberedTokens({.batch = 2, .heads = 2, .head_dim = 4}, 0, 1),
          NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 0, 1)),
      ContractError);
  EXPECT_THROW(
      growing.Append(
          NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 0, 1),
          NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 0, 2)),
      ContractError);
  EXPECT_THROW(
      growing.Append(
          NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 0, 1),
          NumberedTokens({.batch = 1, .heads = 3, .head_dim = 4}, 0, 1)),
      ContractError);
  EXPECT_THROW(
      growing.Append(
          NumberedTokens({.batch = 2, .heads = 3, .head_dim = 5}, 0, 1),
          NumberedTokens({.batch = 2, .heads = 3, .head_dim = 5}, 0, 1)),
      ContractError);
  EXPECT_TRUE(Same(growing.Keys(), prompt));
  EXPECT_TRUE(Same(growing.Values(), prompt));
  EXPECT_EQ(growing.PastLen(), 2U);
  EXPECT_EQ(growing.BytesWritten(), 2U * 2 * 2 * 3 * 4 * sizeof(float));

  growing.Append(NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 2, 3),
                 NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 2, 3));
  EXPECT_TRUE(
      Same(growing.Values(),
           NumberedTokens({.batch = 2, .heads = 3, .head_dim = 4}, 0, 3)));
}

}  // namespace
}  // namespace kvlab
