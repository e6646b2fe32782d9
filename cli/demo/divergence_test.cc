#include "cli/demo/divergence.h"

#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

using ::testing::HasSubstr;

constexpr Gpt2Config kConfig = {.num_layers = 2,
                                .num_heads = 2,
                                .d_model = 64,
                                .d_mlp = 256,
                                .max_positions = 32,
                                .vocab_size = 11};

// A cached and an uncached pass differ only in the order of additions.
TEST(DivergenceTest, FinishedModulesDifferByRounding) {
  Random random(1);
  Gpt2 model(
      std::make_shared<const Gpt2Weights>(RandomGpt2Weights(random, kConfig)));
  const Divergence divergence =
      MeasureDivergence(model, Tokens{{1, 2, 3}}, Tokens{{4, 5, 6, 7}});
  EXPECT_EQ(divergence.token, 4U);
  EXPECT_TRUE(divergence.IsRounding()) << divergence.difference;
  EXPECT_GT(divergence.margin, 0);
  EXPECT_GT(divergence.largest_logit, 0);
  EXPECT_THAT(DivergenceText(divergence), HasSubstr("That is rounding"));
  // The model has no cache left: a longer row than the cache had still fits.
  EXPECT_EQ(MeasureDivergence(model, Tokens{{1, 2, 3, 4}}, Tokens{{4, 5, 6, 7}})
                .token,
            4U);
}

TEST(DivergenceTest, AnyTokenMayBeTheFirst) {
  Random random(1);
  Gpt2 model(
      std::make_shared<const Gpt2Weights>(RandomGpt2Weights(random, kConfig)));
  const Tokens none = Tokens::from_shape({1, 0});
  EXPECT_TRUE(MeasureDivergence(model, Tokens{{1, 2, 3}}, none).IsRounding());
}

TEST(DivergenceTest, SaysWhenItIsMoreThanRounding) {
  const Divergence wrong = {
      .token = 6, .difference = 0.25F, .margin = 0.5F, .largest_logit = 10};
  const std::string text = DivergenceText(wrong);
  EXPECT_THAT(text, HasSubstr("Token 7 is the first that differs"));
  EXPECT_THAT(text, HasSubstr("more than rounding"));
}

}  // namespace
}  // namespace kvlab
