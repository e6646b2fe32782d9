// Keeps the promises of generate.h, task by task.
#include "modules/02_transformer/generate.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
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

// ---- Task 2.6 ----------------------------------------------------------

TEST(GreedyTest, TakesTheLargestLogitAndTheFirstOfEqualOnes) {
  EXPECT_EQ(Greedy(std::array{-3.0F, 2.0F, 1.5F}), 1);
  EXPECT_EQ(Greedy(std::array{0.5F, 2.0F, -7.0F, 2.0F}), 1);
  EXPECT_EQ(Greedy(std::array{-5.0F, -4.0F}), 1);
  EXPECT_THROW(Greedy({}), ContractError);
}

// Probabilities 0.1, 0.4, 0.2, 0.3 at temperature 1; in falling order the ids
// are 1, 3, 2, 0 and the running sums 0.4, 0.7, 0.9, 1.
const std::array<float, 4> kLogits = {std::log(0.1F), std::log(0.4F),
                                      std::log(0.2F), std::log(0.3F)};

TEST(SampleTest, WalksTheRunningSumInFallingOrder) {
  const SamplingOptions options = {.temperature = 1, .top_k = 0};

  EXPECT_EQ(Sample(kLogits, options, 0.0F), 1);
  EXPECT_EQ(Sample(kLogits, options, 0.39F), 1);
  EXPECT_EQ(Sample(kLogits, options, 0.41F), 3);
  EXPECT_EQ(Sample(kLogits, options, 0.69F), 3);
  EXPECT_EQ(Sample(kLogits, options, 0.71F), 2);
  EXPECT_EQ(Sample(kLogits, options, 0.89F), 2);
  EXPECT_EQ(Sample(kLogits, options, 0.91F), 0);
  EXPECT_EQ(Sample(kLogits, options, 0.999F), 0);
}

TEST(SampleTest, KeepsTheTopKAndRenormalises) {
  // The two largest, 0.4 and 0.3, become 4/7 and 3/7.
  const SamplingOptions options = {.temperature = 1, .top_k = 2};

  EXPECT_EQ(Sample(kLogits, options, 0.56F), 1);
  EXPECT_EQ(Sample(kLogits, options, 0.58F), 3);
  EXPECT_EQ(Sample(kLogits, options, 0.999F), 3);
}

TEST(SampleTest, OrdersEqualLogitsByTheirIds) {
  const std::array<float, 4> equal = {1.0F, 1.0F, 1.0F, 1.0F};
  const SamplingOptions two = {.temperature = 1, .top_k = 2};

  EXPECT_EQ(Sample(equal, two, 0.49F), 0);
  EXPECT_EQ(Sample(equal, two, 0.51F), 1);
}

TEST(SampleTest, DividesLogitsByTheTemperature) {
  // At temperature 0.5 probabilities are squared: 0.16, 0.09, 0.04, 0.01 of
  // 0.30; the first has 0.533 of it.
  const SamplingOptions cold = {.temperature = 0.5F, .top_k = 0};

  EXPECT_EQ(Sample(kLogits, cold, 0.53F), 1);
  EXPECT_EQ(Sample(kLogits, cold, 0.54F), 3);
}

TEST(SampleTest, IsGreedyAtTemperatureZeroAndWithOneCandidate) {
  const SamplingOptions greedy = {.temperature = 0, .top_k = 0};
  const SamplingOptions one = {.temperature = 1, .top_k = 1};

  EXPECT_EQ(Sample(kLogits, greedy, 0.99F), 1);
  EXPECT_EQ(Sample(kLogits, one, 0.99F), 1);
}

TEST(SampleTest, SurvivesLargeLogitsAndMoreCandidatesThanTokens) {
  const std::array<float, 2> large = {1000.0F, 1000.0F};
  const SamplingOptions options = {.temperature = 1, .top_k = 99};

  EXPECT_EQ(Sample(large, options, 0.4F), 0);
  EXPECT_EQ(Sample(large, options, 0.6F), 1);
}

TEST(SampleTest, RefusesNoLogitsAndImpossibleTemperatures) {
  const SamplingOptions warm = {.temperature = 1, .top_k = 0};
  const SamplingOptions negative = {.temperature = -1, .top_k = 0};
  const SamplingOptions not_a_number = {
      .temperature = std::numeric_limits<float>::quiet_NaN(), .top_k = 0};
  EXPECT_EQ(Sample(kLogits, warm, 0.0F), 1);

  EXPECT_THROW(Sample({}, warm, 0.5F), ContractError);
  EXPECT_THROW(Sample(kLogits, negative, 0.5F), ContractError);
  EXPECT_THROW(Sample(kLogits, not_a_number, 0.5F), ContractError);
}

TEST(NextTokensTest, DrawsOneNumberPerRowInOrder) {
  // Given two rows with logits in opposite order
  Tensor3 logits = Tensor3::from_shape({2, 1, 4});
  for (std::size_t v = 0; v < 4; ++v) {
    logits(0, 0, v) = kLogits[v];
    logits(1, 0, v) = kLogits[3 - v];
  }
  const SamplingOptions options = {.temperature = 1, .top_k = 0};
  const std::array<float, 4> mirrored = {kLogits[3], kLogits[2], kLogits[1],
                                         kLogits[0]};
  Random expected_random(61);
  Random random(61);

  for (int step = 0; step < 20; ++step) {
    const TokenId first =
        Sample(kLogits, options, expected_random.NextUniform());
    const TokenId second =
        Sample(mirrored, options, expected_random.NextUniform());
    EXPECT_THAT(NextTokens(logits, options, random), ElementsAre(first, second))
        << "step " << step;
  }
}

// ---- Task 2.7 ----------------------------------------------------------

TEST(GenerateTest, FeedsEveryTokenBack) {
  Gpt2 model(SmallWeights(62));
  const TokenBatch prompt = SingleRow({1, 2, 3});

  const Tokens generated = Generate(model, prompt, {.new_tokens = 5});

  // Then each token is the greedy choice after all tokens before it
  std::vector<TokenId> so_far = {1, 2, 3};
  for (std::size_t step = 0; step < 5; ++step) {
    const Tensor3 logits =
        model.Forward(SingleRow(so_far), LogitsFor::kLastPosition);
    ASSERT_EQ(generated(0, step), Greedy(Rows(logits).Row(0)))
        << "step " << step;
    so_far.push_back(generated(0, step));
  }
}

TEST(GenerateTest, GivesEveryRowOfABatchWhatItGetsAlone) {
  Gpt2 model(SmallWeights(63));
  const std::vector<std::vector<TokenId>> prompts = {
      {1, 2, 3, 4}, {9, 8}, {30}};

  const Tokens together =
      Generate(model, PadLeft(prompts, 0), {.new_tokens = 6});

  ASSERT_EQ(together.shape(0), 3U);
  ASSERT_EQ(together.shape(1), 6U);
  for (std::size_t b = 0; b < 3; ++b) {
    const Tokens alone =
        Generate(model, SingleRow(prompts[b]), {.new_tokens = 6});
    for (std::size_t step = 0; step < 6; ++step) {
      EXPECT_EQ(together(b, step), alone(0, step))
          << "row " << b << ", step " << step;
    }
  }
}

TEST(GenerateTest, RepeatsItselfForASeedAndNotForAnother) {
  Gpt2 model(SmallWeights(64));
  GenerateOptions options = {
      .new_tokens = 12, .sampling = {.temperature = 1, .top_k = 10}, .seed = 5};

  const Tokens first = Generate(model, SingleRow({1}), options);
  const Tokens again = Generate(model, SingleRow({1}), options);
  options.seed = 6;
  const Tokens other = Generate(model, SingleRow({1}), options);

  EXPECT_EQ(first, again);
  EXPECT_NE(first, other);
}

TEST(GenerateTest, TellsEveryTokenAsItComes) {
  Gpt2 model(SmallWeights(65));
  std::vector<std::vector<TokenId>> told;
  const GenerateOptions options = {
      .new_tokens = 4,
      .sampling = {},
      .seed = 0,
      .on_tokens = [&](std::span<const TokenId> ids) {
        told.emplace_back(ids.begin(), ids.end());
      }};

  const Tokens generated = Generate(model, PadLeft({{1, 2}, {3}}, 0), options);

  ASSERT_EQ(told.size(), 4U);
  for (std::size_t step = 0; step < 4; ++step) {
    EXPECT_THAT(told[step],
                ElementsAre(generated(0, step), generated(1, step)));
  }
}

TEST(GenerateTest, RecomputesTheWholePrefixAtEachStep) {
  // With a prompt of 3 and 4 new tokens the prefixes are 3, 4, 5 and 6 long.
  Gpt2 model(SmallWeights(66));

  const WorkCounts before = CountedWork();
  Generate(model, SingleRow({1, 2, 3}), {.new_tokens = 4});
  const WorkCounts work = CountedWork() - before;

  EXPECT_EQ(work[Work::kQkv], 3U * (3 + 4 + 5 + 6) * 3 * 24 * 24);
  EXPECT_EQ(work[Work::kHead], 4U * 24 * 50);
}

TEST(GenerateTest, GeneratesNothingIfAskedForNothing) {
  Gpt2 model(SmallWeights(67));

  const Tokens generated = Generate(model, SingleRow({1}), {.new_tokens = 0});

  EXPECT_EQ(generated.shape(0), 1U);
  EXPECT_EQ(generated.shape(1), 0U);
}

TEST(GenerateTest, RefusesMoreTokensThanPositions) {
  Gpt2 model(SmallWeights(68));

  EXPECT_THAT(MessageOf<ContractError>([&] {
                Generate(model, SingleRow({1, 2, 3}), {.new_tokens = 30});
              }),
              HasSubstr("3 + 30 tokens, max_positions is 32"));
  EXPECT_EQ(Generate(model, SingleRow({1, 2, 3}), {.new_tokens = 29}).shape(1),
            29U);
}

}  // namespace
}  // namespace kvlab
