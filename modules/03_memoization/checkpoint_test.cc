// Task 3.6 and 3.8 on a real model: the shipped checkpoint, 4 layers, float16
// weights, fed in every split of prefill and steps.
#include "kit/model/checkpoint.h"

#include <cstddef>
#include <memory>
#include <vector>

#include "gtest/gtest.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "kit/tokenizer/tokenizer.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/split_sequence.h"

namespace kvlab {
namespace {

// Sums of 256 to 1,024 float32 terms in another order; logits reach 10 to 20.
constexpr float kTolerance = 2e-4F;

class CheckpointTest : public ::testing::Test {
 protected:
  // Loaded once for all tests: the weights are never written to.
  static void SetUpTestSuite() {
    const auto directory = TestData("models/shakespeare-gpt2");
    weights_ = std::make_shared<Gpt2Weights>(LoadGpt2(directory));
    const Tokenizer tokenizer = Tokenizer::Load(directory);
    one_row_ = SingleRow(tokenizer.Encode(
        "ROMEO:\nBut, soft! what light through yonder window breaks?"));
    three_rows_ =
        PadLeft({tokenizer.Encode("JULIET:\nO Romeo, Romeo!"),
                 tokenizer.Encode("First Citizen:"), tokenizer.Encode("The")},
                0);
  }
  static void TearDownTestSuite() { weights_.reset(); }

  static void ExpectSameLogitsForEverySplit(const TokenBatch& tokens) {
    Gpt2 uncached(weights_);
    Gpt2 cached(weights_);
    const std::size_t total = tokens.ids.shape(1);
    KvCacheHandle handle = EnableKvCache(
        cached, {.batch = tokens.ids.shape(0), .max_seq_len = total});
    for (std::size_t prefill = 1; prefill <= total; ++prefill) {
      handle.Cache().Reset();
      ASSERT_TRUE(SameLogits(
          {.cached = cached, .uncached = uncached}, tokens,
          PrefillThenSteps({.prefill = prefill, .total = total}), kTolerance));
    }
  }

  static std::shared_ptr<const Gpt2Weights> weights_;
  static TokenBatch one_row_;
  static TokenBatch three_rows_;
};

std::shared_ptr<const Gpt2Weights> CheckpointTest::weights_;
TokenBatch CheckpointTest::one_row_;
TokenBatch CheckpointTest::three_rows_;

TEST_F(CheckpointTest, CachedLogitsEqualUncachedOnesForEverySplitOfOneRow) {
  ExpectSameLogitsForEverySplit(one_row_);
}

TEST_F(CheckpointTest, CachedLogitsEqualUncachedOnesForEverySplitOfThreeRows) {
  ExpectSameLogitsForEverySplit(three_rows_);
}

TEST_F(CheckpointTest, GeneratesTheSameTextWithAndWithoutACache) {
  Gpt2 model(weights_);
  const GenerateOptions options = {
      .new_tokens = 40,
      .sampling = {.temperature = 0.8F, .top_k = 40},
      .seed = 1};

  EXPECT_TRUE(SameTokens(GenerateCached(model, three_rows_, options),
                         Generate(model, three_rows_, options), three_rows_));
}

}  // namespace
}  // namespace kvlab
