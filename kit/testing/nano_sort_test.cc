#include "kit/testing/nano_sort.h"

#include <array>
#include <cstddef>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/linear_algebra.h"
#include "kit/math/work.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

TEST(NanoSortTest, HasTheShapeThatWasPublished) {
  const Gpt2Weights weights = LoadNanoSort();
  EXPECT_EQ(weights.config.num_layers, 3U);
  EXPECT_EQ(weights.config.num_heads, 3U);
  EXPECT_EQ(weights.config.d_model, 48U);
  EXPECT_EQ(weights.config.max_positions, 11U);
  EXPECT_EQ(weights.config.vocab_size, 3U);
  EXPECT_EQ(weights.blocks.size(), 3U);
  EXPECT_NE(weights.lm_head.Data(), weights.wte.Data());
}

// The first thing that the model computes: x = wte[id] + wpe[position].
TEST(NanoSortTest, EmbeddingsAreThePublishedOnes) {
  const Gpt2Weights weights = LoadNanoSort();
  const auto activations = NanoSortActivations::Load();
  const Tokens idx = activations.Idx();
  Tensor3 x = Tensor3::from_shape({idx.shape(0), idx.shape(1), 48});
  std::vector<float> position(48);
  for (std::size_t b = 0; b < idx.shape(0); ++b) {
    for (std::size_t t = 0; t < idx.shape(1); ++t) {
      const std::span<float> row = Rows(x).Row(b * idx.shape(1) + t);
      weights.wte.CopyOutputRow(static_cast<std::size_t>(idx(b, t)), row);
      weights.wpe.CopyOutputRow(t, position);
      for (std::size_t d = 0; d < 48; ++d) row[d] += position[d];
    }
  }
  EXPECT_TRUE(Near(x, activations.Get3("x"), 1e-6F));  // one addition
}

// One linear layer inside, and the last thing that the model computes.
TEST(NanoSortTest, LinearLayersAreThePublishedOnes) {
  const Gpt2Weights weights = LoadNanoSort();
  const auto activations = NanoSortActivations::Load();

  const LinearWeights& c_attn = weights.blocks[0].attn.c_attn;
  Tensor3 qkv = Tensor3::from_shape({3, 11, 144});
  Linear(Work::kQkv, Rows(activations.Get3("ln1")), c_attn.weight,
         {c_attn.bias.data(), c_attn.bias.size()}, Rows(qkv));
  EXPECT_TRUE(Near(qkv, activations.Get3("qkv"), 1e-5F));  // 48 additions

  Tensor3 logits = Tensor3::from_shape({3, 11, 3});
  Linear(Work::kHead, Rows(activations.Get3("ln_f")), weights.lm_head, {},
         Rows(logits));
  // 48 additions
  EXPECT_TRUE(Near(logits, activations.Get3("lm_head"), 1e-5F));
}

TEST(NanoSortTest, RefusesUnknownNamesAndWrongNumbersOfAxes) {
  const auto activations = NanoSortActivations::Load();
  EXPECT_THROW(activations.Get3("ln3"), ContractError);
  EXPECT_THROW(activations.Get3("q"), ContractError);
  EXPECT_EQ(activations.Get4("q").shape(3), 16U);
}

}  // namespace
}  // namespace kvlab
