// Keeps the promises of comparison.h, task by task. Trials here are made up:
// they take as long as a list says, so that medians and quotients are exact.
#include "modules/04_profiling/comparison.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/random.h"
#include "kit/testing.h"
#include "kit/token_batch.h"
#include "kit/work.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// A trial of one row: token i is `first_id` + i.
GenerationMeasurement MadeUp(std::size_t new_tokens, double prefill_s,
                             double total_s, TokenId first_id = 100) {
  GenerationMeasurement trial;
  trial.generated = Tokens::from_shape({1, new_tokens});
  std::iota(trial.generated.begin(), trial.generated.end(), first_id);
  trial.tokens = new_tokens;
  trial.first_token_s = prefill_s;
  trial.total_s = total_s;
  if (new_tokens > 1) {
    trial.per_token_s =
        trial.DecodeSeconds() / static_cast<double>(new_tokens - 1);
  }
  return trial;
}

// Gives the trials of two lists, one for each way to generate, and writes down
// in which order they were asked for: "-" without a cache, "+" with.
struct Script {
  std::vector<GenerationMeasurement> uncached;
  std::vector<GenerationMeasurement> cached;
  std::string order;
  std::vector<std::size_t> lengths;

  Trial AsTrial() {
    return [this](Caching caching, std::size_t new_tokens) {
      const bool on = caching == Caching::kOn;
      const auto index =
          static_cast<std::size_t>(std::ranges::count(order, on ? '+' : '-'));
      order += on ? '+' : '-';
      lengths.push_back(new_tokens);
      return (on ? cached : uncached).at(index);
    };
  }
};

// ---- Task 4.7 ----------------------------------------------------------

TEST(SummariseTest, OfAnOddNumberIsTheMiddleOne) {
  EXPECT_EQ(Summarise({5, 1, 4, 2, 3}),
            (Spread{.low = 2, .median = 3, .high = 4}));
  EXPECT_EQ(Summarise({7}), (Spread{.low = 7, .median = 7, .high = 7}));
}

TEST(SummariseTest, OfAnEvenNumberLiesBetweenTwo) {
  // Places 0.75, 1.5 and 2.25
  EXPECT_EQ(Summarise({8, 2, 4, 1}),
            (Spread{.low = 1.75, .median = 3, .high = 5}));
  EXPECT_EQ(Summarise({10, 20}),
            (Spread{.low = 12.5, .median = 15, .high = 17.5}));
}

TEST(SummariseTest, OneWildValueMovesNothing) {
  EXPECT_EQ(Summarise({1, 2, 3, 4, 1e9}).median, 3);
  EXPECT_EQ(Summarise({1, 2, 3, 4, 1e9}).high, 4);
}

TEST(SummariseTest, RefusesNothingAndWhatIsNotANumber) {
  EXPECT_EQ(Summarise({1, 2}).median, 1.5);
  EXPECT_THROW(Summarise({}), ContractError);
  EXPECT_THROW(Summarise({1, std::numeric_limits<double>::quiet_NaN()}),
               ContractError);
}

// ---- Task 4.8 ----------------------------------------------------------

TEST(CompareGenerationTest, RunsPairsInTurnsAfterWarmingUp) {
  Script script;
  script.uncached.assign(5, MadeUp(4, 1, 8));
  script.cached.assign(5, MadeUp(4, 1, 2));
  CompareGeneration(script.AsTrial(),
                    {.lengths = {4}, .trials = 3, .warm_up = 2});
  // Pairs that warm up, then pairs that count
  EXPECT_EQ(script.order,
            "-++-"
            "-++--+");
}

TEST(CompareGenerationTest, ForgetsWhatWarmedUp) {
  Script script;
  script.uncached = {MadeUp(4, 900, 1000), MadeUp(4, 1, 8)};
  script.cached = {MadeUp(4, 900, 999, 7), MadeUp(4, 1, 2)};
  const std::vector<LengthComparison> compared = CompareGeneration(
      script.AsTrial(), {.lengths = {4}, .trials = 1, .warm_up = 1});
  EXPECT_EQ(compared[0].uncached.total_s.high, 8);
  EXPECT_EQ(compared[0].cached.total_s.high, 2);
  EXPECT_EQ(compared[0].differing_pairs, 0U);
}

TEST(CompareGenerationTest, KeepsTheLengthsApart) {
  Script script;
  script.uncached = {MadeUp(2, 1, 3), MadeUp(2, 1, 3), MadeUp(9, 1, 50),
                     MadeUp(9, 1, 50)};
  script.cached = {MadeUp(2, 1, 2), MadeUp(2, 1, 2), MadeUp(9, 1, 5),
                   MadeUp(9, 1, 5)};
  const std::vector<LengthComparison> compared = CompareGeneration(
      script.AsTrial(), {.lengths = {2, 9}, .trials = 2, .warm_up = 0});
  EXPECT_THAT(script.lengths, ElementsAre(2, 2, 2, 2, 9, 9, 9, 9));
  ASSERT_EQ(compared.size(), 2U);
  EXPECT_EQ(compared[0].new_tokens, 2U);
  EXPECT_EQ(compared[0].speedup.median, 1.5);
  EXPECT_EQ(compared[1].new_tokens, 9U);
  EXPECT_EQ(compared[1].speedup.median, 10);
}

TEST(CompareGenerationTest, SummarisesPrefillAndDecodeApart) {
  Script script;
  script.uncached = {MadeUp(5, 3, 43), MadeUp(5, 1, 21), MadeUp(5, 2, 82)};
  script.cached = {MadeUp(5, 3, 7), MadeUp(5, 1, 3), MadeUp(5, 2, 10)};
  const LengthComparison compared = CompareGeneration(
      script.AsTrial(), {.lengths = {5}, .trials = 3, .warm_up = 0})[0];

  EXPECT_EQ(compared.uncached.prefill_s,
            (Spread{.low = 1.5, .median = 2, .high = 2.5}));
  EXPECT_EQ(compared.uncached.decode_s,
            (Spread{.low = 30, .median = 40, .high = 60}));
  EXPECT_EQ(compared.uncached.per_token_s,
            (Spread{.low = 7.5, .median = 10, .high = 15}));
  EXPECT_EQ(compared.uncached.total_s,
            (Spread{.low = 32, .median = 43, .high = 62.5}));
  EXPECT_EQ(compared.cached.decode_s,
            (Spread{.low = 3, .median = 4, .high = 6}));
  EXPECT_EQ(compared.cached.total_s,
            (Spread{.low = 5, .median = 7, .high = 8.5}));
}

TEST(CompareGenerationTest, DividesWithinThePairNotTheMedians) {
  // In the second pair something else slowed the machine down tenfold.
  Script script;
  script.uncached = {MadeUp(5, 1, 12), MadeUp(5, 1, 140), MadeUp(5, 1, 20)};
  script.cached = {MadeUp(5, 1, 2), MadeUp(5, 1, 20), MadeUp(5, 1, 4)};
  const LengthComparison compared = CompareGeneration(
      script.AsTrial(), {.lengths = {5}, .trials = 3, .warm_up = 0})[0];
  // 6, 7 and 5; the medians would give 20 / 4 = 5.
  EXPECT_EQ(compared.speedup, (Spread{.low = 5.5, .median = 6, .high = 6.5}));
}

TEST(CompareGenerationTest, KeepsTheHighestPeakOfMemory) {
  Script script;
  script.uncached.assign(3, MadeUp(5, 1, 12));
  script.cached.assign(3, MadeUp(5, 1, 2));
  script.uncached[1].peak_memory_bytes = 700;
  script.cached[0].peak_memory_bytes = 900;
  script.cached[2].peak_memory_bytes = 800;
  const LengthComparison compared = CompareGeneration(
      script.AsTrial(), {.lengths = {5}, .trials = 3, .warm_up = 0})[0];
  EXPECT_EQ(compared.uncached.peak_memory_bytes, 700U);
  EXPECT_EQ(compared.cached.peak_memory_bytes, 900U);
}

TEST(CompareGenerationTest, SaysHowManyPairsDifferInTheirTokens) {
  Script script;
  script.uncached.assign(4, MadeUp(5, 1, 12));
  script.cached.assign(4, MadeUp(5, 1, 2));
  script.cached[1].generated(0, 4) += 1;  // the last token of one pair
  script.cached[3].generated(0, 0) += 1;  // the first of another
  EXPECT_EQ(CompareGeneration(script.AsTrial(),
                              {.lengths = {5}, .trials = 4, .warm_up = 0})[0]
                .differing_pairs,
            2U);
}

TEST(CompareGenerationTest, RefusesATrialThatStoppedEarly) {
  for (const std::size_t early : {0, 1}) {
    Script script;
    script.uncached.assign(2, MadeUp(5, 1, 12));
    script.cached.assign(2, MadeUp(5, 1, 2));
    script.cached[early] = MadeUp(4, 1, 2);
    EXPECT_THAT(MessageOf<ContractError>([&] {
                  CompareGeneration(
                      script.AsTrial(),
                      {.lengths = {5}, .trials = 1, .warm_up = 1});
                }),
                HasSubstr("4 tokens instead of 5"));
  }
}

TEST(CompareGenerationTest, RefusesToCompareNothingBeforeItBegins) {
  Script script;
  const Trial trial = script.AsTrial();
  EXPECT_THROW(CompareGeneration(trial, {.lengths = {}}), ContractError);
  EXPECT_THROW(CompareGeneration(trial, {.lengths = {5}, .trials = 0}),
               ContractError);
  EXPECT_THROW(CompareGeneration(trial, {.lengths = {5, 0}}), ContractError);
  EXPECT_EQ(script.order, "");

  // One pair without a warm-up is little, but something.
  script.uncached = {MadeUp(5, 1, 8)};
  script.cached = {MadeUp(5, 1, 2)};
  CompareGeneration(trial, {.lengths = {5}, .trials = 1, .warm_up = 0});
  EXPECT_EQ(script.order, "-+");
}

// The whole of it, on a real model: the clock shows multiply-accumulates, so
// the speedup is the work that the cache saves.
TEST(CompareGenerationTest, MeasuresAModel) {
  Random random(63);
  Gpt2 model(std::make_shared<const Gpt2Weights>(
      RandomGpt2Weights(random, {.num_layers = 2,
                                 .num_heads = 3,
                                 .d_model = 15,
                                 .d_mlp = 60,
                                 .max_positions = 40,
                                 .vocab_size = 31})));
  const Instruments instruments = {
      .now_s = [] { return static_cast<double>(CountedWork().Total()); },
      .memory_bytes = []() -> std::uint64_t { return 0; }};
  const std::vector<LengthComparison> compared = CompareGeneration(
      TrialsOf(model, SingleRow({3, 1, 4, 1, 5}), {}, instruments),
      {.lengths = {1, 30}, .trials = 3, .warm_up = 1});
  ASSERT_EQ(compared.size(), 2U);
  EXPECT_EQ(compared[0].speedup.median, 1);  // one prefill either way
  EXPECT_GT(compared[1].speedup.median, 5);
  EXPECT_EQ(compared[1].speedup.low, compared[1].speedup.high);
  EXPECT_EQ(compared[1].uncached.prefill_s, compared[1].cached.prefill_s);
  EXPECT_EQ(compared[1].differing_pairs, 0U);
}

}  // namespace
}  // namespace kvlab
