// Tests the contract of comparison.h, task by task. Trials here are made up:
// their times come from a list, so that medians and ratios are exact.
#include "modules/04_profiling/comparison.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/testing/testing.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {

// For GoogleTest's messages.
void PrintTo(const Spread& spread, std::ostream* out) {
  *out << "low " << spread.low << ", median " << spread.median << ", high "
       << spread.high;
}

namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Times {
  double prefill_s = 0;
  double total_s = 0;
};

// A trial of one row: token i is `first_id` + i.
GenerationMeasurement MadeUp(std::size_t new_tokens, const Times& times,
                             TokenId first_id = 100) {
  GenerationMeasurement trial;
  trial.generated = Tokens::from_shape({1, new_tokens});
  std::iota(trial.generated.begin(), trial.generated.end(), first_id);
  trial.tokens = new_tokens;
  trial.first_token_s = times.prefill_s;
  trial.total_s = times.total_s;
  if (new_tokens > 1) {
    trial.per_token_s =
        trial.DecodeSeconds() / static_cast<double>(new_tokens - 1);
  }
  return trial;
}

// Returns the trials of two lists, one for each way to generate, and records
// their order: "-" without a cache, "+" with.
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

// A trial of random times and memory, whole numbers.
GenerationMeasurement RandomTrial(Random& random, std::size_t new_tokens) {
  const auto prefill_s = static_cast<double>(1 + random.NextBelow(50));
  const auto decode_s = static_cast<double>(1 + random.NextBelow(5000));
  GenerationMeasurement trial = MadeUp(
      new_tokens, {.prefill_s = prefill_s, .total_s = prefill_s + decode_s});
  // Before the run there may have been more.
  trial.memory_before_bytes = random.NextBelow(std::size_t{1} << 41U);
  trial.peak_memory_bytes = random.NextBelow(std::size_t{1} << 40U);
  return trial;
}

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

// Of the squares of 0 .. n - 1, shifted and in any order, the value at place
// k + t is t of the way from the square of k to that of k + 1.
TEST(SummariseTest, IsThePlaceInTheSortedRowForAnyNumberOfValues) {
  Random random(71);
  std::vector<std::size_t> counts = {129, 257, 258, 299,  300,
                                     301, 345, 400, 1030, 1027};
  for (std::size_t n = 1; n <= 70; ++n) counts.push_back(n);
  for (const std::size_t n : counts) {
    for (const double first : {-1000.0, -3.0, 0.0, 1e6}) {
      std::vector<double> values;
      for (std::size_t i = 0; i < n; ++i) {
        values.push_back(first + static_cast<double>(i * i));
      }
      for (std::size_t i = n; i > 1; --i) {
        std::swap(values[i - 1], values[random.NextBelow(i)]);
      }
      // Whole numbers and quarters of them: nothing is rounded.
      const auto at = [&](std::size_t quarter) {
        const std::size_t whole = quarter * (n - 1) / 4;
        const auto low = static_cast<double>(whole);
        const double rest = static_cast<double>(quarter * (n - 1) % 4) / 4;
        return first + low * low + rest * (2 * low + 1);
      };
      EXPECT_EQ(Summarise(values),
                (Spread{.low = at(1), .median = at(2), .high = at(3)}))
          << n << " numbers from " << first << " on";
    }
  }
}

TEST(SummariseTest, EqualValuesCountEachForItself) {
  EXPECT_EQ(Summarise({3, 1, 3, 3, 3}),
            (Spread{.low = 3, .median = 3, .high = 3}));
  EXPECT_EQ(Summarise({2, 2, 8, 2, 2, 8}),
            (Spread{.low = 2, .median = 2, .high = 6.5}));
  EXPECT_EQ(Summarise(std::vector<double>(300, -4)),
            (Spread{.low = -4, .median = -4, .high = -4}));
}

TEST(SummariseTest, OneWildValueMovesNothing) {
  EXPECT_EQ(Summarise({1, 2, 3, 4, 1e9}).median, 3);
  EXPECT_EQ(Summarise({1, 2, 3, 4, 1e9}).high, 4);
}

TEST(SummariseTest, RefusesNothingAndWhatIsNotANumber) {
  EXPECT_EQ(Summarise({1, 2}).median, 1.5);
  EXPECT_THROW(Summarise({}), ContractError);
  for (const std::size_t n : {1, 2, 40}) {
    for (std::size_t i = 0; i < n; ++i) {
      std::vector<double> values(n, 5);
      values[i] = std::numeric_limits<double>::quiet_NaN();
      EXPECT_THROW(Summarise(values), ContractError) << i << " of " << n;
    }
  }
}

// ---- Task 4.8 ----------------------------------------------------------

TEST(CompareGenerationTest, RunsPairsInTurnsAfterWarmingUp) {
  Script script;
  script.uncached.assign(5, MadeUp(4, {.prefill_s = 1, .total_s = 8}));
  script.cached.assign(5, MadeUp(4, {.prefill_s = 1, .total_s = 2}));
  CompareGeneration(script.AsTrial(),
                    {.lengths = {4}, .trials = 3, .warm_up = 2});
  // Pairs that warm up, then pairs that count
  EXPECT_EQ(script.order,
            "-++-"
            "-++--+");
}

// Pairs of either kind count from 0: "-+" for an even one, "+-" for an odd one.
TEST(CompareGenerationTest, TakesTurnsForAnyNumberOfPairs) {
  for (const std::size_t warm_up : {0, 1, 2, 3, 8, 70, 270}) {
    for (const std::size_t trials : {1, 2, 3, 4, 9, 17, 70, 270}) {
      Script script;
      script.uncached.assign(2 * (warm_up + trials),
                             MadeUp(4, {.prefill_s = 1, .total_s = 8}));
      script.cached.assign(2 * (warm_up + trials),
                           MadeUp(4, {.prefill_s = 1, .total_s = 2}));
      CompareGeneration(
          script.AsTrial(),
          {.lengths = {4, 4}, .trials = trials, .warm_up = warm_up});
      std::string expected;
      for (const std::size_t pairs : {warm_up, trials, warm_up, trials}) {
        for (std::size_t i = 0; i < pairs; ++i) {
          expected += i % 2 == 0 ? "-+" : "+-";
        }
      }
      EXPECT_EQ(script.order, expected)
          << warm_up << " to warm up, " << trials << " that count";
    }
  }
}

// All numbers of all lengths, for few and many pairs. The lengths do not rise,
// and one comes twice.
TEST(CompareGenerationTest, SummarisesEveryLengthAsAWhole) {
  Random random(72);
  for (const std::size_t warm_up : {0, 1, 4, 70, 270}) {
    for (const std::size_t trials : {1, 2, 5, 18, 70, 270}) {
      const std::vector<std::size_t> lengths = {7, 1, 30, 7, 70, 300};
      Script script;
      for (const std::size_t length : lengths) {
        for (std::size_t i = 0; i < warm_up + trials; ++i) {
          script.uncached.push_back(RandomTrial(random, length));
          script.cached.push_back(RandomTrial(random, length));
        }
      }
      const std::vector<LengthComparison> compared = CompareGeneration(
          script.AsTrial(),
          {.lengths = lengths, .trials = trials, .warm_up = warm_up});
      ASSERT_EQ(compared.size(), lengths.size());

      for (std::size_t l = 0; l < lengths.size(); ++l) {
        const auto spread_of = [&](const auto& number) {
          std::vector<double> values;
          for (std::size_t i = 0; i < trials; ++i) {
            const std::size_t at = l * (warm_up + trials) + warm_up + i;
            values.push_back(number(script.uncached[at], script.cached[at]));
          }
          return Summarise(values);
        };
        using Measured = const GenerationMeasurement&;
        SCOPED_TRACE("length " + std::to_string(l) + " of 6, " +
                     std::to_string(warm_up) + " pairs to warm up, " +
                     std::to_string(trials) + " that count");
        EXPECT_EQ(compared[l].new_tokens, lengths[l]);
        EXPECT_EQ(compared[l].differing_pairs, 0U);
        EXPECT_EQ(compared[l].speedup, spread_of([](Measured off, Measured on) {
                    return off.total_s / on.total_s;
                  }));
        for (const Caching caching : {Caching::kOff, Caching::kOn}) {
          const bool on = caching == Caching::kOn;
          const TrialSummary& of =
              on ? compared[l].cached : compared[l].uncached;
          const auto pick = [on](Measured a, Measured b) -> Measured {
            return on ? b : a;
          };
          EXPECT_EQ(of.total_s, spread_of([&](Measured a, Measured b) {
                      return pick(a, b).total_s;
                    }));
          EXPECT_EQ(of.prefill_s, spread_of([&](Measured a, Measured b) {
                      return pick(a, b).first_token_s;
                    }));
          EXPECT_EQ(of.decode_s, spread_of([&](Measured a, Measured b) {
                      return pick(a, b).DecodeSeconds();
                    }));
          EXPECT_EQ(of.per_token_s, spread_of([&](Measured a, Measured b) {
                      return pick(a, b).per_token_s;
                    }));
          std::uint64_t peak = 0;
          for (std::size_t i = 0; i < trials; ++i) {
            const std::size_t at = l * (warm_up + trials) + warm_up + i;
            peak = std::max(
                peak,
                pick(script.uncached[at], script.cached[at]).peak_memory_bytes);
          }
          EXPECT_EQ(of.peak_memory_bytes, peak);
        }
      }
    }
  }
}

// As many lengths as 8 bits count and more, each with its own numbers.
TEST(CompareGenerationTest, TakesAnyNumberOfLengths) {
  for (const std::size_t count : {1, 9, 70, 300}) {
    std::vector<std::size_t> lengths;
    Script script;
    for (std::size_t l = 0; l < count; ++l) {
      lengths.push_back(1 + l % 7);
      const auto total_s = static_cast<double>(1000 + l);
      for (const std::size_t pair : {0, 1, 2}) {  // the first warms up
        script.uncached.push_back(MadeUp(
            lengths.back(),
            {.prefill_s = 1, .total_s = pair == 0 ? 9999 : 4 * total_s}));
        script.cached.push_back(
            MadeUp(lengths.back(),
                   {.prefill_s = 1, .total_s = pair == 0 ? 8888 : total_s}));
        script.cached.back().peak_memory_bytes = l + 5;
      }
      if (l % 2 == 1) script.cached.back().generated(0, 0) += 1;
    }
    const std::vector<LengthComparison> compared = CompareGeneration(
        script.AsTrial(), {.lengths = lengths, .trials = 2, .warm_up = 1});
    ASSERT_EQ(compared.size(), count);
    EXPECT_EQ(script.order.size(), 2 * 3 * count);
    for (std::size_t l = 0; l < count; ++l) {
      const auto total_s = static_cast<double>(1000 + l);
      SCOPED_TRACE("length " + std::to_string(l) + " of " +
                   std::to_string(count));
      EXPECT_EQ(compared[l].new_tokens, lengths[l]);
      EXPECT_EQ(compared[l].uncached.total_s.median, 4 * total_s);
      EXPECT_EQ(compared[l].cached.total_s.median, total_s);
      EXPECT_EQ(compared[l].cached.peak_memory_bytes, l + 5);
      EXPECT_EQ(compared[l].speedup.median, 4);
      EXPECT_EQ(compared[l].differing_pairs, l % 2);
    }
  }
}

TEST(CompareGenerationTest, ForgetsWhatWarmedUp) {
  Script script;
  script.uncached = {MadeUp(4, {.prefill_s = 900, .total_s = 1000}),
                     MadeUp(4, {.prefill_s = 1, .total_s = 8})};
  script.cached = {MadeUp(4, {.prefill_s = 900, .total_s = 999}, 7),
                   MadeUp(4, {.prefill_s = 1, .total_s = 2})};
  script.uncached[0].peak_memory_bytes = 5000;
  script.cached[0].peak_memory_bytes = 6000;
  script.cached[1].peak_memory_bytes = 60;
  const std::vector<LengthComparison> compared = CompareGeneration(
      script.AsTrial(), {.lengths = {4}, .trials = 1, .warm_up = 1});
  EXPECT_EQ(compared[0].uncached.total_s.high, 8);
  EXPECT_EQ(compared[0].cached.total_s.high, 2);
  EXPECT_EQ(compared[0].differing_pairs, 0U);
  EXPECT_EQ(compared[0].uncached.peak_memory_bytes, 0U);
  EXPECT_EQ(compared[0].cached.peak_memory_bytes, 60U);
}

TEST(CompareGenerationTest, KeepsTheLengthsApart) {
  Script script;
  script.uncached = {MadeUp(2, {.prefill_s = 1, .total_s = 3}),
                     MadeUp(2, {.prefill_s = 1, .total_s = 3}),
                     MadeUp(9, {.prefill_s = 1, .total_s = 50}),
                     MadeUp(9, {.prefill_s = 1, .total_s = 50})};
  script.cached = {MadeUp(2, {.prefill_s = 1, .total_s = 2}),
                   MadeUp(2, {.prefill_s = 1, .total_s = 2}),
                   MadeUp(9, {.prefill_s = 1, .total_s = 5}),
                   MadeUp(9, {.prefill_s = 1, .total_s = 5})};
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
  script.uncached = {MadeUp(5, {.prefill_s = 3, .total_s = 43}),
                     MadeUp(5, {.prefill_s = 1, .total_s = 21}),
                     MadeUp(5, {.prefill_s = 2, .total_s = 82})};
  script.cached = {MadeUp(5, {.prefill_s = 3, .total_s = 7}),
                   MadeUp(5, {.prefill_s = 1, .total_s = 3}),
                   MadeUp(5, {.prefill_s = 2, .total_s = 10})};
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
  script.uncached = {MadeUp(5, {.prefill_s = 1, .total_s = 12}),
                     MadeUp(5, {.prefill_s = 1, .total_s = 140}),
                     MadeUp(5, {.prefill_s = 1, .total_s = 20})};
  script.cached = {MadeUp(5, {.prefill_s = 1, .total_s = 2}),
                   MadeUp(5, {.prefill_s = 1, .total_s = 20}),
                   MadeUp(5, {.prefill_s = 1, .total_s = 4})};
  const LengthComparison compared = CompareGeneration(
      script.AsTrial(), {.lengths = {5}, .trials = 3, .warm_up = 0})[0];
  // 6, 7 and 5; the medians would give 20 / 4 = 5.
  EXPECT_EQ(compared.speedup, (Spread{.low = 5.5, .median = 6, .high = 6.5}));
}

TEST(CompareGenerationTest, KeepsTheHighestPeakOfMemory) {
  // Whichever trial has it, also beyond 32 bits
  constexpr std::uint64_t kPeak = (std::uint64_t{1} << 40U) + 7;
  for (std::size_t at = 0; at < 20; ++at) {
    Script script;
    script.uncached.assign(40, MadeUp(5, {.prefill_s = 1, .total_s = 12}));
    script.cached.assign(40, MadeUp(5, {.prefill_s = 1, .total_s = 2}));
    script.uncached[at].peak_memory_bytes = kPeak;
    script.cached[19 - at].peak_memory_bytes = 2 * kPeak;
    const std::vector<LengthComparison> compared = CompareGeneration(
        script.AsTrial(), {.lengths = {5, 5}, .trials = 20, .warm_up = 0});
    EXPECT_EQ(compared[0].uncached.peak_memory_bytes, kPeak);
    EXPECT_EQ(compared[0].cached.peak_memory_bytes, 2 * kPeak);
    EXPECT_EQ(compared[1].uncached.peak_memory_bytes, 0U);
    EXPECT_EQ(compared[1].cached.peak_memory_bytes, 0U);
  }
}

TEST(CompareGenerationTest, SaysHowManyPairsDifferInTheirTokens) {
  Script script;
  script.uncached.assign(4, MadeUp(5, {.prefill_s = 1, .total_s = 12}));
  script.cached.assign(4, MadeUp(5, {.prefill_s = 1, .total_s = 2}));
  script.cached[1].generated(0, 4) += 1;  // the last token of one pair
  script.cached[3].generated(0, 0) += 1;  // the first of another
  EXPECT_EQ(CompareGeneration(script.AsTrial(),
                              {.lengths = {5}, .trials = 4, .warm_up = 0})[0]
                .differing_pairs,
            2U);

  // After any number of pairs that warm up, which differ and do not count
  for (const std::size_t warm_up : {1, 2, 9, 70, 300}) {
    Script longer;
    longer.uncached.assign(warm_up, MadeUp(5, {.prefill_s = 2, .total_s = 12}));
    longer.cached.assign(warm_up, MadeUp(5, {.prefill_s = 2, .total_s = 12}));
    for (GenerationMeasurement& trial : longer.cached) {
      trial.generated(0, 1) += 1;
    }
    for (std::size_t i = 0; i < 4; ++i) {
      longer.uncached.push_back(script.uncached[i]);
      longer.cached.push_back(script.cached[i]);
    }
    EXPECT_EQ(
        CompareGeneration(longer.AsTrial(),
                          {.lengths = {5}, .trials = 4, .warm_up = warm_up})[0]
            .differing_pairs,
        2U)
        << warm_up << " pairs that warm up";
  }
}

// Any token of any row, of any pair, at any length
TEST(CompareGenerationTest, ComparesEveryTokenOfEveryRow) {
  constexpr std::size_t kRows = 3;
  constexpr std::size_t kLength = 6;
  GenerationMeasurement trial =
      MadeUp(kLength, {.prefill_s = 1, .total_s = 12});
  trial.generated = Tokens::from_shape({kRows, kLength});
  std::iota(trial.generated.begin(), trial.generated.end(), 100);
  for (std::size_t b = 0; b < kRows; ++b) {
    for (std::size_t t = 0; t < kLength; ++t) {
      const std::size_t pair = b * kLength + t;
      Script script;
      script.uncached.assign(2 * kRows * kLength, trial);
      script.cached = script.uncached;
      script.uncached[pair].generated(b, t) = 7;
      script.cached.back().generated(b, t) = 7;
      const std::vector<LengthComparison> compared =
          CompareGeneration(script.AsTrial(), {.lengths = {kLength, kLength},
                                               .trials = kRows * kLength,
                                               .warm_up = 0});
      EXPECT_EQ(compared[0].differing_pairs, 1U) << "row " << b << ", " << t;
      EXPECT_EQ(compared[1].differing_pairs, 1U) << "row " << b << ", " << t;
    }
  }
  // One row fewer is a different output.
  Script script;
  script.uncached.assign(18, trial);
  script.cached.assign(18, MadeUp(kLength, {.prefill_s = 1, .total_s = 2}));
  EXPECT_EQ(
      CompareGeneration(script.AsTrial(),
                        {.lengths = {kLength}, .trials = 18, .warm_up = 0})[0]
          .differing_pairs,
      18U);
}

// Whichever trial it is: of either way, of a pair that warms up or counts, the
// first or the last, at either length; one token less or one more.
TEST(CompareGenerationTest, RefusesATrialOfAnotherLength) {
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    for (std::size_t at = 0; at < 10; ++at) {  // 2 lengths, 2 and 3 pairs
      for (const std::size_t tokens : {4, 6}) {
        Script script;
        script.uncached.assign(10, MadeUp(5, {.prefill_s = 1, .total_s = 12}));
        script.cached.assign(10, MadeUp(5, {.prefill_s = 1, .total_s = 2}));
        (caching == Caching::kOn ? script.cached : script.uncached)[at] =
            MadeUp(tokens, {.prefill_s = 1, .total_s = 12});
        EXPECT_THAT(MessageOf<ContractError>([&] {
                      CompareGeneration(
                          script.AsTrial(),
                          {.lengths = {5, 5}, .trials = 3, .warm_up = 2});
                    }),
                    HasSubstr(std::to_string(tokens) + " tokens instead of 5"))
            << "trial " << at
            << (caching == Caching::kOn ? " with" : " without") << " a cache";
      }
    }
  }
}

TEST(CompareGenerationTest, RefusesATrialOfAnotherLengthAtAnyLength) {
  for (const std::size_t length : {1, 2, 9, 70, 300}) {
    Script script;
    script.uncached.assign(1, MadeUp(length, {.prefill_s = 1, .total_s = 12}));
    script.cached.assign(1, MadeUp(length + 1, {.prefill_s = 1, .total_s = 2}));
    EXPECT_THROW(
        CompareGeneration(script.AsTrial(),
                          {.lengths = {length}, .trials = 1, .warm_up = 0}),
        ContractError)
        << length;
  }
}

TEST(CompareGenerationTest, PassesOnWhatATrialThrows) {
  std::size_t calls = 0;
  const Trial failing = [&](Caching, std::size_t new_tokens) {
    if (++calls == 4) throw std::runtime_error("out of memory");
    return MadeUp(new_tokens, {.prefill_s = 1, .total_s = 2});
  };
  EXPECT_THROW(CompareGeneration(failing, {.lengths = {3}}),
               std::runtime_error);
  // The next comparison is independent.
  EXPECT_EQ(CompareGeneration(failing, {.lengths = {3}, .trials = 2})[0]
                .speedup.median,
            1);
}

TEST(CompareGenerationTest, RefusesToCompareNothingBeforeItBegins) {
  Script script;
  const Trial trial = script.AsTrial();
  EXPECT_THROW(CompareGeneration(trial, {.lengths = {}}), ContractError);
  EXPECT_THROW(CompareGeneration(trial, {.lengths = {5}, .trials = 0}),
               ContractError);
  EXPECT_THROW(CompareGeneration(trial, {.lengths = {5, 0}}), ContractError);
  EXPECT_THROW(CompareGeneration(trial, {.lengths = {0}}), ContractError);
  EXPECT_EQ(script.order, "");

  // A single pair without a warm-up is allowed.
  script.uncached = {MadeUp(5, {.prefill_s = 1, .total_s = 8})};
  script.cached = {MadeUp(5, {.prefill_s = 1, .total_s = 2})};
  CompareGeneration(trial, {.lengths = {5}, .trials = 1, .warm_up = 0});
  EXPECT_EQ(script.order, "-+");
}

// Everything together, on a real model: the clock shows multiply-accumulates,
// so the speedup is the work that the cache saves.
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
