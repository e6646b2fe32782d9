#include "kit/checkpoint.h"

#include <cstddef>

#include "gtest/gtest.h"
#include "kit/testing.h"
#include "kit/weight_matrix.h"

namespace kvlab {
namespace {

TEST(LoadCheckpointTest, LoadsTheShippedModel) {
  const Checkpoint checkpoint =
      LoadCheckpoint(TestData("models/shakespeare-gpt2"));
  const Gpt2Weights& weights = *checkpoint.weights;
  EXPECT_EQ(weights.config.num_layers, 4U);
  EXPECT_EQ(weights.config.num_heads, 4U);
  EXPECT_EQ(weights.config.d_model, 256U);
  EXPECT_EQ(weights.config.d_mlp, 1024U);
  EXPECT_EQ(weights.config.max_positions, 1024U);
  EXPECT_EQ(weights.config.vocab_size, 1024U);
  EXPECT_EQ(weights.blocks.size(), 4U);
  EXPECT_EQ(checkpoint.tokenizer.VocabSize(), 1024U);
}

// 16-bit matrices stay as they are; the tied head shares the bytes of wte.
TEST(LoadGpt2Test, KeepsMatricesInTheFileAndTypeTheyAreStoredIn) {
  const Gpt2Weights weights = LoadGpt2(TestData("models/shakespeare-gpt2"));
  EXPECT_EQ(weights.wte.Type(), DType::kF16);
  EXPECT_EQ(weights.blocks[3].mlp.c_fc.weight.Type(), DType::kF16);
  EXPECT_EQ(weights.lm_head.Data(), weights.wte.Data());
  EXPECT_EQ(weights.wpe.Data() - weights.wte.Data(), 524288);
}

TEST(LoadGpt2Test, LoadsNamesWithoutPrefix) {
  const Gpt2Weights weights =
      LoadGpt2(TestData("kit/testdata/tiny-gpt2-random"));
  EXPECT_EQ(weights.config.d_model, 2U);
  EXPECT_EQ(weights.config.d_mlp, 8U);
  EXPECT_EQ(weights.blocks.size(), 1U);
}

}  // namespace
}  // namespace kvlab
