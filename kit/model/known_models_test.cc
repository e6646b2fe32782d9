#include "kit/model/known_models.h"

#include <cstddef>
#include <cstdint>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

using ::testing::HasSubstr;

// GPT-2's parameters: 12 d^2 weights and 13 d biases and norms a block, the
// last norm, and the tables of tokens and positions (the head is the former).
std::uint64_t Gpt2Parameters(const ModelShape& shape) {
  constexpr std::uint64_t kVocabSize = 50257;
  const std::uint64_t d_model = shape.num_heads * shape.head_dim;
  return shape.num_layers * (12 * d_model * d_model + 13 * d_model) +
         2 * d_model + (kVocabSize + shape.max_positions) * d_model;
}

TEST(KnownModelsTest, ThoseBuiltLikeGpt2HaveTheParametersOfTheirShape) {
  for (const char* name : {"DistilGPT2", "GPT-2", "GPT-3 175B"}) {
    const KnownModel& model = FindKnownModel(name);
    EXPECT_EQ(model.parameters, Gpt2Parameters(model.shape)) << name;
  }
}

TEST(KnownModelsTest, EveryKeyValueHeadServesAsManyQueryHeads) {
  for (const KnownModel& model : kKnownModels) {
    EXPECT_EQ(model.shape.num_heads % model.shape.num_kv_heads, 0U)
        << model.name;
    EXPECT_LT(model.shape.window, model.shape.max_positions) << model.name;
  }
}

TEST(KnownModelsTest, AnUnknownNameIsToldTheKnownOnes) {
  EXPECT_THAT(MessageOf<ContractError>([] { FindKnownModel("GPT-5"); }),
              HasSubstr("DistilGPT2, GPT-2, Llama-2-7B"));
}

}  // namespace
}  // namespace kvlab
