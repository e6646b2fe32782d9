// Tests the contract of generate.h, task by task.
#include "modules/02_transformer/generate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "kit/testing/all_pairs.h"
#include "kit/testing/testing.h"

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

// Probabilities 0.1, 0.4, 0.2, 0.3 at temperature 1; in descending order the
// ids are 1, 3, 2, 0 and the running sums 0.4, 0.7, 0.9, 1.
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

TEST(SampleTest, ExceedsAndDoesNotReach) {
  // Given equal logits, as many as a power of two, so that k / count is exactly
  // the running sum of the k tokens before: the sum exceeds it at the next one.
  // Far from 0 the largest is to be subtracted from every one of them.
  for (const std::size_t count : {2, 4, 16, 64, 128, 512}) {
    for (const float logit : {0.0F, 500.0F, -500.0F}) {
      const std::vector<float> equal(count, logit);
      for (std::size_t k = 0; k < count; ++k) {
        const float uniform = static_cast<float>(k) / static_cast<float>(count);
        for (const std::size_t top_k : {std::size_t{0}, count, count + 300}) {
          EXPECT_EQ(Sample(equal, {.temperature = 1, .top_k = top_k}, uniform),
                    static_cast<TokenId>(k))
              << "uniform " << k << " / " << count << ", logits " << logit;
        }
      }
    }
  }
}

TEST(SampleTest, OrdersManyEqualLogitsByTheirIds) {
  // Given 50, 100 and 300 logits that are 1 where the id is a multiple of 3 and
  // 2 elsewhere: a sort that is not stable shows from 17 on.
  for (const std::size_t count : {50, 100, 300}) {
    std::vector<float> logits(count);
    std::vector<TokenId> order;
    for (const bool multiple : {false, true}) {
      for (std::size_t id = 0; id < count; ++id) {
        if ((id % 3 == 0) != multiple) continue;
        logits[id] = multiple ? 1.0F : 2.0F;
        order.push_back(static_cast<TokenId>(id));
      }
    }
    // At temperature 1e6 all probabilities are 1 / kept, to 1e-6 of it.
    for (const std::size_t kept :
         {std::size_t{0}, std::size_t{20}, count * 5 / 6, count - 10}) {
      const std::size_t slots = kept == 0 ? count : kept;
      for (std::size_t i = 0; i < slots; ++i) {
        const float middle =
            (static_cast<float>(i) + 0.5F) / static_cast<float>(slots);
        ASSERT_EQ(Sample(logits, {.temperature = 1e6F, .top_k = kept}, middle),
                  order[i])
            << count << " logits, top_k " << kept << ", place " << i;
      }
    }
  }
}

TEST(SampleTest, DividesByTemperaturesOfAnySize) {
  // Given logits as small or as large as the temperature, the quotients are
  // those of temperature 1: running sums 0.4, 0.7, 0.9, 1 of ids 1, 3, 2, 0.
  for (const float temperature : {1e-20F, 1e-6F, 1e-3F, 100.0F, 1e6F}) {
    std::vector<float> logits(kLogits.begin(), kLogits.end());
    for (float& logit : logits) logit *= temperature;
    const SamplingOptions options = {.temperature = temperature, .top_k = 0};

    EXPECT_EQ(Sample(logits, options, 0.39F), 1) << temperature;
    EXPECT_EQ(Sample(logits, options, 0.41F), 3) << temperature;
    EXPECT_EQ(Sample(logits, options, 0.89F), 2) << temperature;
    EXPECT_EQ(Sample(logits, options, 0.91F), 0) << temperature;
  }
}

TEST(SampleTest, TakesAnyTemperatureAboveZero) {
  // However small the temperature, the largest logit has all of the
  // probability, also for the largest float and for logits far from 0.
  for (const float shift : {0.0F, 500.0F, -500.0F}) {
    std::vector<float> logits(kLogits.begin(), kLogits.end());
    for (float& logit : logits) logit += shift;
    for (const float temperature : {1e-3F, 1e-30F, 1e-37F, 1e-42F}) {
      for (const float uniform : {0.0F, 0.5F, 0.999F}) {
        EXPECT_EQ(
            Sample(logits, {.temperature = temperature, .top_k = 0}, uniform),
            1)
            << "temperature " << temperature << ", logits around " << shift;
      }
    }
    const SamplingOptions hot = {.temperature = 1e30F, .top_k = 0};
    EXPECT_EQ(Sample(logits, hot, 0.2F), 1);
    EXPECT_EQ(Sample(logits, hot, 0.3F), 3);
    EXPECT_EQ(Sample(logits, hot, 0.6F), 2);
    EXPECT_EQ(Sample(logits, hot, 0.9F), 0);
  }
}

TEST(SampleTest, DrawsTheLastIfRoundingKeepsTheSumBelow) {
  // Given nearly equal logits, falling with the id, and the largest uniform
  // number: the last token has a share of at least 1 / 5000 and is drawn,
  // whether or not the sum comes out as a little less than 1.
  for (const std::size_t count : {3, 100, 777, 1000, 3001, 5000}) {
    std::vector<float> logits(count);
    for (std::size_t id = 0; id < count; ++id) {
      logits[id] = -0.1F * static_cast<float>(id) / static_cast<float>(count);
    }
    const float largest = std::nextafter(1.0F, 0.0F);
    EXPECT_EQ(Sample(logits, {.temperature = 1, .top_k = 0}, largest),
              static_cast<TokenId>(count - 1));
    EXPECT_EQ(
        Sample(logits, {.temperature = 1, .top_k = count / 2 + 1}, largest),
        static_cast<TokenId>(count / 2));
  }
}

TEST(SampleTest, ChoosesFromLargeVocabularies) {
  std::vector<float> logits(70'000, 0.0F);
  logits[69'000] = 20.0F;
  logits[66'000] = 20.0F;

  EXPECT_EQ(Greedy(logits), 66'000);
  EXPECT_EQ(Sample(logits, {.temperature = 1, .top_k = 2}, 0.25F), 66'000);
  EXPECT_EQ(Sample(logits, {.temperature = 1, .top_k = 2}, 0.75F), 69'000);
}

TEST(SampleTest, KeepsAsManyAsTopKSays) {
  // Uniform 0.999 draws the last token kept: ids fall in the order 1, 3, 2, 0.
  const std::array<TokenId, 4> order = {1, 3, 2, 0};
  for (const std::size_t top_k : {1, 2, 3, 4, 5}) {
    EXPECT_EQ(Sample(kLogits, {.temperature = 1, .top_k = top_k}, 0.999F),
              order.at(std::min<std::size_t>(top_k, 4) - 1))
        << "top_k " << top_k;
  }
}

TEST(SampleTest, IsGreedyAtTemperatureZeroAndWithOneCandidate) {
  const SamplingOptions greedy = {.temperature = 0, .top_k = 0};
  const SamplingOptions one = {.temperature = 1, .top_k = 1};

  EXPECT_EQ(Sample(kLogits, greedy, 0.99F), 1);
  EXPECT_EQ(Sample(kLogits, one, 0.99F), 1);
  // Whatever top_k and the number of logits
  for (const std::size_t top_k : {2, 3, 9, 70, 300}) {
    EXPECT_EQ(Sample(kLogits, {.temperature = 0, .top_k = top_k}, 0.99F), 1);
    std::vector<float> many(400, 0.5F);
    many[333] = 0.75F;
    EXPECT_EQ(Sample(many, {.temperature = 0, .top_k = top_k}, 0.99F), 333);
  }
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

TEST(NextTokensTest, ServesAnyNumberOfRows) {
  for (const std::size_t batch : {1, 3, 9, 70, 300}) {
    Random logit_random(162);
    const Tensor3 logits = RandomTensor3(logit_random, {batch, 1, 30});
    for (const float temperature : {0.0F, 0.7F}) {
      const SamplingOptions options = {.temperature = temperature, .top_k = 9};
      Random expected_random(63);
      Random random(63);
      std::vector<TokenId> expected;
      for (std::size_t b = 0; b < batch; ++b) {
        expected.push_back(Sample(Rows(logits).Row(b), options,
                                  expected_random.NextUniform()));
      }

      EXPECT_EQ(NextTokens(logits, options, random), expected);
      // Each row drew exactly one number, even when greedy.
      EXPECT_EQ(random.NextUniform(), expected_random.NextUniform());
    }
  }
}

// ---- Task 2.7 ----------------------------------------------------------

// The slower second method: the header literally, rebuilding the whole sequence
// at each step, with one Random for all.
Tokens ExpectedTokens(const std::shared_ptr<const Gpt2Weights>& weights,
                      const TokenBatch& prompt,
                      const GenerateOptions& options) {
  const std::size_t batch = prompt.ids.shape(0);
  const std::size_t prompt_len = prompt.ids.shape(1);
  Tokens generated = Tokens::from_shape({batch, options.new_tokens});
  Random random(options.seed);
  for (std::size_t step = 0; step < options.new_tokens; ++step) {
    Gpt2 model(weights);
    TokenBatch whole = {.ids = Tokens::from_shape({batch, prompt_len + step}),
                        .left_pad = prompt.left_pad};
    for (std::size_t b = 0; b < batch; ++b) {
      for (std::size_t t = 0; t < prompt_len + step; ++t) {
        whole.ids(b, t) =
            t < prompt_len ? prompt.ids(b, t) : generated(b, t - prompt_len);
      }
    }
    const Tensor3 logits = model.Forward(whole, LogitsFor::kAllPositions);
    for (std::size_t b = 0; b < batch; ++b) {
      generated(b, step) =
          Sample(Rows(logits).Row((b + 1) * (prompt_len + step) - 1),
                 options.sampling, random.NextUniform());
    }
  }
  return generated;
}

// Every choice in a row of this table is combined with every choice in each
// other row:
//
//   rows       1, 2, 5
//   padding    none, little, all but one token
//   prompt     1, 5, 60 tokens
//   sampling   greedy, temperature 0.8 of 5, temperature 1.5 of all
//   seed       5, 5 + 2^32, 2^64 - 1
//   positions  as many as prompt and new tokens need, or more
//   head       wte, or a separate one
//
// Each model generates twice, the second time after all others.
TEST(GenerateTest, CombinesEveryFeatureWithEveryOther) {
  const std::array<std::size_t, 3> batch = {1, 2, 5};
  const std::array<std::size_t, 3> prompt_len = {1, 5, 60};
  const std::array<SamplingOptions, 3> sampling = {
      {{}, {.temperature = 0.8F, .top_k = 5}, {.temperature = 1.5F}}};
  const std::array<std::uint64_t, 3> seed = {5, 5 + (std::uint64_t{1} << 32U),
                                             ~std::uint64_t{0}};
  const std::array<std::size_t, 7> choices = {3, 3, 3, 3, 3, 2, 2};
  struct Asked {
    std::unique_ptr<Gpt2> model;
    TokenBatch prompt;
    GenerateOptions options;
    Tokens expected;
  };
  std::vector<Asked> all;
  for (const std::vector<std::size_t>& row : AllPairs(choices)) {
    Random random(180 + all.size());
    GenerateOptions options;
    options.new_tokens = 4;
    options.sampling = sampling.at(row[3]);
    options.seed = seed.at(row[4]);
    const std::size_t longest = prompt_len.at(row[2]);
    Gpt2Config config = kConfig;
    config.max_positions = longest + options.new_tokens + 3 * row[5];
    auto weights =
        std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, config));
    if (row[6] == 1) {  // of the opposite sign: other tokens are the largest
      std::vector<float> values;
      for (std::size_t in = 0; in < config.d_model; ++in) {
        for (std::size_t out = 0; out < config.vocab_size; ++out) {
          values.push_back(-weights->wte.At(in, out));
        }
      }
      weights->lm_head = WeightMatrix::FromFloats(
          values, WeightLayout::kInOut, config.d_model, config.vocab_size);
    }
    std::vector<std::vector<TokenId>> prompts;
    for (std::size_t b = 0; b < batch.at(row[0]); ++b) {
      const std::size_t little = std::min(b, longest - 1);
      const std::size_t pad =
          row[1] == 0 || b == 0 ? 0 : (row[1] == 1 ? little : longest - 1);
      prompts.push_back(RandomTokens(random, longest - pad, config.vocab_size));
    }
    const TokenBatch prompt = PadLeft(prompts, 0);
    all.push_back({.model = std::make_unique<Gpt2>(weights),
                   .prompt = prompt,
                   .options = options,
                   .expected = ExpectedTokens(weights, prompt, options)});
    EXPECT_EQ(Generate(*all.back().model, prompt, options), all.back().expected)
        << "choices " << ::testing::PrintToString(row);
  }
  for (const Asked& asked : all) {
    EXPECT_EQ(Generate(*asked.model, asked.prompt, asked.options),
              asked.expected)
        << "after other models were used";
  }
}

// One size at a time exceeds 8 bits; the others stay small.
TEST(GenerateTest, TakesHundredsOfRowsAndTokens) {
  struct Case {
    std::size_t batch;
    std::size_t prompt_len;
    std::size_t new_tokens;
    std::size_t top_k;
  };
  for (const Case& one : std::vector<Case>{{300, 3, 3, 5},
                                           {2, 300, 3, 5},
                                           {2, 3, 300, 5},
                                           {70, 3, 3, 11},
                                           {3, 70, 3, 70},
                                           {3, 3, 70, 300},
                                           {270, 270, 2, 300}}) {
    const Gpt2Config config = {
        .num_layers = 1,
        .num_heads = 2,
        .d_model = 4,
        .d_mlp = 5,
        .max_positions = one.prompt_len + one.new_tokens,
        .vocab_size = std::max<std::size_t>(11, one.top_k + 1)};
    Random random(188);
    const auto weights =
        std::make_shared<Gpt2Weights>(RandomGpt2Weights(random, config));
    std::vector<std::vector<TokenId>> prompts;
    for (std::size_t b = 0; b < one.batch; ++b) {
      prompts.push_back(
          RandomTokens(random, one.prompt_len - b % 3, config.vocab_size));
    }
    const TokenBatch prompt = PadLeft(prompts, 0);
    const GenerateOptions options = {
        .new_tokens = one.new_tokens,
        .sampling = {.temperature = 0.9F, .top_k = one.top_k},
        .seed = 77};
    Gpt2 model(weights);

    const WorkCounts before = CountedWork();
    const Tokens generated = Generate(model, prompt, options);
    const WorkCounts work = CountedWork() - before;
    EXPECT_EQ(generated, ExpectedTokens(weights, prompt, options))
        << one.batch << " rows, " << one.prompt_len << " and " << one.new_tokens
        << " tokens, top_k " << one.top_k;
    // The whole prefix at each step, once.
    std::size_t tokens = 0;
    for (std::size_t step = 0; step < one.new_tokens; ++step) {
      tokens += one.prompt_len + step;
    }
    EXPECT_EQ(work[Work::kQkv], one.batch * tokens * 3 * 4 * 4)
        << one.batch << " rows, " << one.prompt_len << " and " << one.new_tokens
        << " tokens";
  }
}

TEST(GenerateTest, UsesAllBitsOfTheSeed) {
  Gpt2 model(SmallWeights(164));
  GenerateOptions options = {
      .new_tokens = 12, .sampling = {.temperature = 1, .top_k = 10}, .seed = 5};

  const Tokens low = Generate(model, SingleRow({1}), options);
  options.seed += std::uint64_t{1} << 32U;
  const Tokens high = Generate(model, SingleRow({1}), options);

  EXPECT_NE(low, high);
}

TEST(GenerateTest, IsTheSameAfterACallThatBrokeOff) {
  Gpt2 model(SmallWeights(165));
  struct Enough {};
  GenerateOptions options = {
      .new_tokens = 6, .sampling = {.temperature = 1, .top_k = 10}, .seed = 7};
  const Tokens expected = Generate(model, SingleRow({1, 2}), options);
  GenerateOptions broken_off = options;
  broken_off.on_tokens = [](std::span<const TokenId>) { throw Enough(); };

  EXPECT_THROW(Generate(model, SingleRow({1, 2}), broken_off), Enough);

  EXPECT_EQ(Generate(model, SingleRow({1, 2}), options), expected);
}

// An attention with a memory that is still empty.
class EmptyMemory final : public Attention {
 public:
  std::size_t PastLen() const override { return 0; }
  bool Remembers() const override { return true; }
  Tensor3 Forward(std::size_t /*layer*/, const Tensor3& x,
                  const AttentionWeights& /*weights*/,
                  std::span<const std::size_t> /*left_pad*/) override {
    ++calls;
    return x;
  }

  std::size_t calls = 0;
};

TEST(GenerateTest, RefusesAnAttentionThatRemembersAlsoIfItIsEmpty) {
  Gpt2 model(SmallWeights(166));
  auto memory = std::make_unique<EmptyMemory>();
  const EmptyMemory& attention = *memory;
  std::unique_ptr<Attention> full = model.ReplaceAttention(std::move(memory));
  EXPECT_FALSE(full->Remembers());

  EXPECT_THAT(MessageOf<ContractError>([&] {
                Generate(model, SingleRow({1, 2}), {.new_tokens = 3});
              }),
              HasSubstr("the model's attention remembers"));
  EXPECT_EQ(attention.calls, 0U);

  // With its own attention the model generates.
  model.ReplaceAttention(std::move(full));
  const Tokens tokens = Generate(model, SingleRow({1, 2}), {.new_tokens = 3});
  EXPECT_EQ(tokens.shape(1), 3U);
}

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
