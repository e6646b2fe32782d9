// The numbers below were computed once from std::mt19937_64, whose output the
// C++ standard fixes, and the formulas of the header. They must not change: a
// student's failing seed is the instructor's failing seed.
#include "kit/model/random.h"

#include <array>
#include <cstddef>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

TEST(RandomTest, TheFirstNumbersOfASeed) {
  Random random(42);
  std::array<float, 4> uniform{};
  for (float& value : uniform) value = random.NextUniform();
  EXPECT_EQ(uniform,
            (std::array<float, 4>{12669407 * 0x1p-24F, 10721167 * 0x1p-24F,
                                  12618902 * 0x1p-24F, 2286276 * 0x1p-24F}));
  std::array<std::size_t, 4> below{};
  for (std::size_t& value : below) value = random.NextBelow(1000);
  EXPECT_EQ(below, (std::array<std::size_t, 4>{381, 428, 536, 144}));
  EXPECT_EQ(random.NextUniform(-3.0F, 5.0F),
            -3.0F + 8.0F * (4594844 * 0x1p-24F));
}

TEST(RandomTest, StaysInItsRange) {
  Random random(1);
  for (int i = 0; i < 10000; ++i) {
    const float uniform = random.NextUniform();
    ASSERT_GE(uniform, 0.0F);
    ASSERT_LT(uniform, 1.0F);
    ASSERT_LT(random.NextBelow(7), 7U);
  }
}

TEST(RandomTest, NothingLiesBelowZero) {
  Random random(1);
  EXPECT_THROW(random.NextBelow(0), ContractError);
}

TEST(RandomTensorTest, IsFilledInRowMajorOrderFromTheSameStream) {
  Random one(5);
  const Tensor2 tensor = RandomTensor2(one, {2, 3});
  Random other(5);
  for (std::size_t m = 0; m < 2; ++m) {
    for (std::size_t n = 0; n < 3; ++n) {
      EXPECT_EQ(tensor(m, n), other.NextUniform(-1.0F, 1.0F));
    }
  }
}

TEST(RandomTokensTest, LieInTheVocabulary) {
  Random random(6);
  const std::vector<TokenId> ids = RandomTokens(random, 1000, 5);
  std::array<int, 5> seen{};
  for (const TokenId id : ids) ++seen.at(static_cast<std::size_t>(id));
  for (const int count : seen) EXPECT_GT(count, 100);
}

TEST(RandomGpt2WeightsTest, HaveTheShapesOfTheConfig) {
  Random random(7);
  const Gpt2Config config = {.num_layers = 2,
                             .num_heads = 2,
                             .d_model = 8,
                             .d_mlp = 12,
                             .max_positions = 10,
                             .vocab_size = 20};
  const Gpt2Weights weights = RandomGpt2Weights(random, config);
  ASSERT_EQ(weights.blocks.size(), 2U);
  for (const BlockWeights& block : weights.blocks) {
    EXPECT_EQ(block.attn.c_attn.weight.In(), 8U);
    EXPECT_EQ(block.attn.c_attn.weight.Out(), 24U);
    EXPECT_EQ(block.attn.c_attn.bias.size(), 24U);
    EXPECT_EQ(block.mlp.c_fc.weight.Out(), 12U);
    EXPECT_EQ(block.mlp.c_proj.weight.In(), 12U);
    EXPECT_EQ(block.ln_1.weight.size(), 8U);
  }
  EXPECT_EQ(weights.wte.Out(), 20U);
  EXPECT_EQ(weights.wpe.Out(), 10U);
  EXPECT_EQ(weights.lm_head.Data(), weights.wte.Data());  // tied
  // Layers must differ, or a model that uses one of them twice passes.
  EXPECT_NE(weights.blocks[0].attn.c_attn.weight.At(0, 0),
            weights.blocks[1].attn.c_attn.weight.At(0, 0));
}

TEST(Gpt2WeightsTest, BytesCountATiedHeadOnce) {
  Random random(8);
  const Gpt2Config config = {.num_layers = 1,
                             .num_heads = 1,
                             .d_model = 4,
                             .d_mlp = 8,
                             .max_positions = 3,
                             .vocab_size = 5};
  const Gpt2Weights weights = RandomGpt2Weights(random, config);
  constexpr std::size_t kEmbeddings = 5 * 4 + 3 * 4;
  constexpr std::size_t kNorms = std::size_t{3} * 2 * 4;
  constexpr std::size_t kAttention = 4 * 12 + 12 + 4 * 4 + 4;
  constexpr std::size_t kMlp = 4 * 8 + 8 + 8 * 4 + 4;
  EXPECT_EQ(weights.Bytes(), (kEmbeddings + kNorms + kAttention + kMlp) * 4);
}

}  // namespace
}  // namespace kvlab
