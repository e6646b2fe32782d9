// Tests the contract of measurement.h. No test here depends on real time: the
// clock shows the multiply-accumulates that the kit has counted, so the
// expected times are exact on any machine.
#include "modules/04_profiling/measurement.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/testing/testing.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {
namespace {

using ::testing::HasSubstr;

constexpr Gpt2Config kConfig = {.num_layers = 3,
                                .num_heads = 4,
                                .d_model = 24,
                                .d_mlp = 96,
                                .max_positions = 40,
                                .vocab_size = 51};

std::shared_ptr<const Gpt2Weights> SmallWeights() {
  Random random(61);
  return std::make_shared<const Gpt2Weights>(
      RandomGpt2Weights(random, kConfig));
}

// Two rows of 7 tokens.
TokenBatch Prompt() {
  return PadLeft({{11, 7, 42, 7, 0, 33, 18}, {29, 5, 50, 2, 44, 9, 23}}, 0);
}

// Starts at a thousand million, like the clock of a machine that has run for a
// long time; MACs are whole numbers far below 2^53, so nothing is rounded.
double WorkClock() { return 1e9 + static_cast<double>(CountedWork().Total()); }

// The bytes of the model's cache, none if it has no cache.
std::function<std::uint64_t()> CacheBytesOf(const Gpt2& model) {
  return [&model]() -> std::uint64_t {
    const auto* attention =
        dynamic_cast<const CachedAttention*>(&model.CurrentAttention());
    return attention == nullptr ? 0 : attention->Cache()->Bytes();
  };
}

Instruments WorkInstruments(const Gpt2& model) {
  return {.now_s = WorkClock, .memory_bytes = CacheBytesOf(model)};
}

// Prompts of `batch` rows, the first b % 7 tokens of row b padding.
TokenBatch Prompts(std::size_t batch, std::size_t prompt_len = 7) {
  Random random(62);
  TokenBatch prompt = {Tokens::from_shape({batch, prompt_len}), {}};
  for (std::size_t b = 0; b < batch; ++b) {
    prompt.left_pad.push_back(b % 7);
    for (std::size_t t = 0; t < prompt_len; ++t) {
      prompt.ids(b, t) =
          static_cast<TokenId>(random.NextBelow(kConfig.vocab_size));
    }
  }
  return prompt;
}

Tokens Generated(Gpt2& model, const TokenBatch& prompt,
                 const GenerateOptions& options, Caching caching) {
  return caching == Caching::kOn ? GenerateCached(model, prompt, options)
                                 : Generate(model, prompt, options);
}

double WorkOf(const std::function<void()>& action) {
  const double begin = WorkClock();
  action();
  return WorkClock() - begin;
}

TEST(BenchmarkGenerationTest, MeasuresPrefillAndDecodeApart) {
  Gpt2 model(SmallWeights());
  const GenerateOptions options = {.new_tokens = 6};
  // The first of 6 steps with a cache is the prefill.
  const double all_s =
      WorkOf([&] { GenerateCached(model, Prompt(), options); });
  const double prefill_s =
      WorkOf([&] { GenerateCached(model, Prompt(), {.new_tokens = 1}); });

  const GenerationMeasurement measured = BenchmarkGeneration(
      model, Prompt(), options, Caching::kOn, WorkInstruments(model));

  EXPECT_EQ(measured.total_s, all_s);
  EXPECT_EQ(measured.first_token_s, prefill_s);
  EXPECT_EQ(measured.DecodeSeconds(), all_s - prefill_s);
  EXPECT_DOUBLE_EQ(measured.per_token_s, (all_s - prefill_s) / 5);
}

TEST(BenchmarkGenerationTest, MeasuresRecomputationTheSameWay) {
  Gpt2 model(SmallWeights());
  const GenerateOptions options = {.new_tokens = 6};
  const double all_s = WorkOf([&] { Generate(model, Prompt(), options); });
  const double first_s =
      WorkOf([&] { Generate(model, Prompt(), {.new_tokens = 1}); });

  const GenerationMeasurement measured = BenchmarkGeneration(
      model, Prompt(), options, Caching::kOff, WorkInstruments(model));

  EXPECT_EQ(measured.total_s, all_s);
  EXPECT_EQ(measured.first_token_s, first_s);
  EXPECT_DOUBLE_EQ(measured.per_token_s, (all_s - first_s) / 5);
}

// Compares the whole of a measurement. The clock shows begin_s before it;
// memory is read first as more than ever after, then reaches its peak at token
// `peak_at`, counted from 0. All readings are beyond 32 bits.
void ExpectMeasured(Gpt2& model, const TokenBatch& prompt,
                    const GenerateOptions& options, Caching caching,
                    double begin_s, std::size_t peak_at) {
  const std::size_t batch = prompt.ids.shape(0);
  const std::size_t new_tokens = options.new_tokens;
  GenerateOptions one_token = options;
  one_token.new_tokens = 1;
  Tokens generated;
  const double total_s =
      WorkOf([&] { generated = Generated(model, prompt, options, caching); });
  const double first_s =
      WorkOf([&] { Generated(model, prompt, one_token, caching); });

  constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;
  std::vector<std::uint64_t> readings(new_tokens + 1, 5 * kGiB);
  readings.front() = 9 * kGiB;
  readings[1 + peak_at] = 7 * kGiB;
  std::size_t next = 0;
  const double work_before = WorkClock();
  const GenerationMeasurement measured = BenchmarkGeneration(
      model, prompt, options, caching,
      {.now_s = [&] { return begin_s + WorkClock() - work_before; },
       .memory_bytes = [&] { return readings.at(next++); }});

  SCOPED_TRACE("batch " + std::to_string(batch) + ", a prompt of " +
               std::to_string(prompt.ids.shape(1)) + ", " +
               std::to_string(new_tokens) + " new tokens, a clock that " +
               "starts at " + std::to_string(begin_s));
  EXPECT_EQ(measured.generated, generated);
  EXPECT_EQ(measured.tokens, batch * new_tokens);
  EXPECT_EQ(measured.first_token_s, first_s);
  EXPECT_EQ(measured.total_s, total_s);
  EXPECT_DOUBLE_EQ(measured.tokens_per_second,
                   static_cast<double>(batch * new_tokens) / total_s);
  EXPECT_DOUBLE_EQ(measured.per_token_s,
                   new_tokens == 1 ? 0.0
                                   : (total_s - first_s) /
                                         static_cast<double>(new_tokens - 1));
  EXPECT_EQ(measured.memory_before_bytes, 9 * kGiB);
  EXPECT_EQ(measured.peak_memory_bytes, 7 * kGiB);
}

// Every way to ask for it: with and without a cache, batches with padding, one
// token and as many as the model has positions for, greedy and sampled with a
// seed beyond 32 bits, clocks that start below, at and above 0.
TEST(BenchmarkGenerationTest, MeasuresEveryCombination) {
  constexpr std::uint64_t kSeed = (std::uint64_t{1} << 40U) + 5;
  constexpr std::array<double, 3> kBegins = {-3e9, 0.0, 1e9};
  constexpr std::array<std::size_t, 4> kTopKs = {0, 5, 70, 300};
  Gpt2 model(SmallWeights());
  std::size_t number = 0;
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    for (const std::size_t batch : {1, 2, 5, 70, 300}) {
      for (const std::size_t new_tokens : {1, 2, 9, 33}) {
        if (batch == 70 && new_tokens != 9) continue;
        if (batch == 300 && new_tokens != 2) continue;
        for (const float temperature : {0.0F, 1.0F}) {
          ExpectMeasured(
              model, Prompts(batch),
              {.new_tokens = new_tokens,
               .sampling = {.temperature = temperature,
                            .top_k = kTopKs.at(number % kTopKs.size())},
               .seed = kSeed},
              caching, kBegins.at(number % kBegins.size()),
              number % new_tokens);
          ++number;
        }
      }
    }
  }
  // A greedy run would not show that the seed was cut to 32 bits.
  const auto sampled = [&](std::uint64_t seed) {
    return Generate(model, Prompts(2),
                    {.new_tokens = 9,
                     .sampling = {.temperature = 1, .top_k = 0},
                     .seed = seed});
  };
  EXPECT_NE(sampled(kSeed), sampled(static_cast<std::uint32_t>(kSeed)));
}

// Tokens of prompt and continuation, each and both beyond what 8 bits count, in
// a model that is small otherwise.
TEST(BenchmarkGenerationTest, MeasuresHundredsOfTokens) {
  Random random(63);
  Gpt2 model(std::make_shared<const Gpt2Weights>(
      RandomGpt2Weights(random, {.num_layers = 1,
                                 .num_heads = 2,
                                 .d_model = 4,
                                 .d_mlp = 5,
                                 .max_positions = 600,
                                 .vocab_size = kConfig.vocab_size})));
  struct Case {
    std::size_t batch;
    std::size_t prompt_len;
    std::size_t new_tokens;
  };
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    for (const Case& one : std::vector<Case>{
             {2, 300, 3}, {1, 7, 300}, {2, 70, 70}, {1, 280, 270}}) {
      ExpectMeasured(model, Prompts(one.batch, one.prompt_len),
                     {.new_tokens = one.new_tokens,
                      .sampling = {.temperature = 0.8F, .top_k = 300},
                      .seed = 900},
                     caching, 1e9, one.new_tokens - 2);
    }
  }
}

TEST(BenchmarkGenerationTest, CountsTheTokensOfAllRows) {
  Gpt2 model(SmallWeights());
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    const GenerationMeasurement measured = BenchmarkGeneration(
        model, Prompt(), {.new_tokens = 6}, caching, WorkInstruments(model));
    EXPECT_EQ(measured.tokens, 12U);
    EXPECT_DOUBLE_EQ(measured.tokens_per_second, 12 / measured.total_s);
  }
}

TEST(BenchmarkGenerationTest, ReturnsWhatWasGenerated) {
  Gpt2 model(SmallWeights());
  const GenerateOptions options = {
      .new_tokens = 9, .sampling = {.temperature = 1, .top_k = 9}, .seed = 5};
  const Tokens expected = Generate(model, Prompt(), options);
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    EXPECT_EQ(BenchmarkGeneration(model, Prompt(), options, caching,
                                  WorkInstruments(model))
                  .generated,
              expected);
  }
}

TEST(BenchmarkGenerationTest, ReadsMemoryWhileTheCacheIsThere) {
  Gpt2 model(SmallWeights());
  const GenerationMeasurement cached = BenchmarkGeneration(
      model, Prompt(), {.new_tokens = 6}, Caching::kOn, WorkInstruments(model));
  EXPECT_EQ(cached.memory_before_bytes, 0U);
  // 7 tokens of the prompt and 5 of the 6 new ones
  EXPECT_EQ(cached.peak_memory_bytes, CacheBytes({.batch = 2,
                                                  .max_seq_len = 12,
                                                  .num_layers = 3,
                                                  .num_kv_heads = 4,
                                                  .head_dim = 6},
                                                 sizeof(float)));
  EXPECT_EQ(BenchmarkGeneration(model, Prompt(), {.new_tokens = 6},
                                Caching::kOff, WorkInstruments(model))
                .peak_memory_bytes,
            0U);
}

TEST(BenchmarkGenerationTest, ThePeakIsTheLargestReadingNotTheLast) {
  Gpt2 model(SmallWeights());
  // Before, then one for each of 4 tokens; one more reading shows 7.
  const std::vector<std::uint64_t> readings = {30, 10, 80, 20, 60};
  std::size_t next = 0;
  const auto memory = [&]() -> std::uint64_t {
    return next < readings.size() ? readings[next++] : 7;
  };
  const GenerationMeasurement measured =
      BenchmarkGeneration(model, Prompt(), {.new_tokens = 4}, Caching::kOn,
                          {.now_s = WorkClock, .memory_bytes = memory});
  EXPECT_EQ(measured.memory_before_bytes, 30U);
  EXPECT_EQ(measured.peak_memory_bytes, 80U);
}

// "c" for a reading of the clock, "m" for one of the memory.
TEST(BenchmarkGenerationTest, ReadsTheInstrumentsInTheOrderOfTheHeader) {
  Gpt2 model(SmallWeights());
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    for (const std::size_t new_tokens : {1, 2, 20}) {
      std::string order;
      const Instruments instruments = {.now_s =
                                           [&] {
                                             order += 'c';
                                             return WorkClock();
                                           },
                                       .memory_bytes = [&]() -> std::uint64_t {
                                         order += 'm';
                                         return 1;
                                       }};
      BenchmarkGeneration(model, Prompt(), {.new_tokens = new_tokens}, caching,
                          instruments);
      // Memory and clock; clock and memory at the first token; memory at all
      // others; the clock.
      EXPECT_EQ(order, "mccm" + std::string(new_tokens - 1, 'm') + "c");
    }
  }
}

TEST(BenchmarkGenerationTest, MemoryIsNotReadDuringThePrefill) {
  // Reading the memory takes a second here; before the clock starts it costs
  // nothing, and the first token does not wait for it.
  Gpt2 model(SmallWeights());
  double slow_looks_s = 0;
  const Instruments instruments = {
      .now_s = [&] { return WorkClock() + slow_looks_s; },
      .memory_bytes = [&]() -> std::uint64_t {
        slow_looks_s += 1;
        return 0;
      }};
  const double prefill_s =
      WorkOf([&] { GenerateCached(model, Prompt(), {.new_tokens = 1}); });
  const double all_s =
      WorkOf([&] { GenerateCached(model, Prompt(), {.new_tokens = 4}); });
  const GenerationMeasurement measured = BenchmarkGeneration(
      model, Prompt(), {.new_tokens = 4}, Caching::kOn, instruments);
  EXPECT_EQ(measured.first_token_s, prefill_s);
  EXPECT_EQ(measured.total_s, all_s + 4);  // a look after each token
}

TEST(BenchmarkGenerationTest, TheFirstTokenDoesNotWaitForTheCaller) {
  // The caller takes a second for every token.
  Gpt2 model(SmallWeights());
  double callers_s = 0;
  const GenerateOptions options = {
      .new_tokens = 4,
      .sampling = {},
      .seed = 0,
      .on_tokens = [&](std::span<const TokenId>) { callers_s += 1; }};
  Instruments instruments = WorkInstruments(model);
  instruments.now_s = [&] { return WorkClock() + callers_s; };
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    const double prefill_s =
        WorkOf([&] { Generated(model, Prompt(), {.new_tokens = 1}, caching); });
    const double all_s =
        WorkOf([&] { Generated(model, Prompt(), {.new_tokens = 4}, caching); });
    const GenerationMeasurement measured =
        BenchmarkGeneration(model, Prompt(), options, caching, instruments);
    EXPECT_EQ(measured.first_token_s, prefill_s);
    EXPECT_EQ(measured.total_s, all_s + 4);
  }
}

TEST(BenchmarkGenerationTest, ACoarseClockMayShowNoTimeForTheFirstToken) {
  // It ticks at the third of 4 tokens: the first took 0 s, all took 1 s.
  Gpt2 model(SmallWeights());
  std::size_t tokens = 0;
  const GenerateOptions options = {
      .new_tokens = 4,
      .sampling = {},
      .seed = 0,
      .on_tokens = [&](std::span<const TokenId>) { ++tokens; }};
  const GenerationMeasurement measured =
      BenchmarkGeneration(model, Prompt(), options, Caching::kOn,
                          {.now_s = [&] { return tokens < 3 ? -1.0 : 0.0; },
                           .memory_bytes = [] { return std::uint64_t{0}; }});
  EXPECT_EQ(measured.first_token_s, 0);
  EXPECT_EQ(measured.total_s, 1);
  EXPECT_DOUBLE_EQ(measured.per_token_s, 1.0 / 3);
}

TEST(BenchmarkGenerationTest, OneTokenHasNoStepsAfterIt) {
  Gpt2 model(SmallWeights());
  const GenerationMeasurement measured = BenchmarkGeneration(
      model, Prompt(), {.new_tokens = 1}, Caching::kOn, WorkInstruments(model));
  EXPECT_EQ(measured.first_token_s, measured.total_s);
  EXPECT_EQ(measured.per_token_s, 0);
}

TEST(BenchmarkGenerationTest, TellsTheCallerEveryToken) {
  Gpt2 model(SmallWeights());
  std::vector<std::vector<TokenId>> told;
  const GenerateOptions options = {
      .new_tokens = 3,
      .sampling = {},
      .seed = 0,
      .on_tokens = [&](std::span<const TokenId> ids) {
        told.emplace_back(ids.begin(), ids.end());
      }};
  const GenerationMeasurement measured = BenchmarkGeneration(
      model, Prompt(), options, Caching::kOn, WorkInstruments(model));
  ASSERT_EQ(told.size(), 3U);
  for (std::size_t step = 0; step < 3; ++step) {
    EXPECT_EQ(told[step], (std::vector<TokenId>{measured.generated(0, step),
                                                measured.generated(1, step)}));
  }
}

TEST(BenchmarkGenerationTest, RefusesWhatCannotBeMeasured) {
  Gpt2 model(SmallWeights());
  const Instruments good = WorkInstruments(model);
  EXPECT_THROW(BenchmarkGeneration(model, Prompt(), {.new_tokens = 0},
                                   Caching::kOn, good),
               ContractError);
  EXPECT_THROW(BenchmarkGeneration(model, Prompt(), {.new_tokens = 34},
                                   Caching::kOn, good),
               ContractError);

  Instruments stopped = good;
  stopped.now_s = [] { return 3.0; };
  Instruments backwards = good;
  backwards.now_s = [] { return -WorkClock(); };
  for (const GenerateOptions& options :
       {GenerateOptions{.new_tokens = 2},
        GenerateOptions{.new_tokens = 33,
        .sampling = {.temperature = 0.7F, .top_k = 300},
        .seed = 70'000}}) {
    for (const Caching caching : {Caching::kOff, Caching::kOn}) {
      EXPECT_THAT(MessageOf<ContractError>([&] {
                    BenchmarkGeneration(model, Prompt(), options, caching,
                                        stopped);
                  }),
                  HasSubstr("no time has passed"));
      EXPECT_THAT(MessageOf<ContractError>([&] {
                    BenchmarkGeneration(model, Prompt(), options, caching,
                                        backwards);
                  }),
                  HasSubstr("the clock ran backwards"));
    }
  }
}

TEST(BenchmarkGenerationTest, LeavesTheModelWithoutACacheIfTheCallerThrows) {
  Gpt2 model(SmallWeights());
  const Attention* before = &model.CurrentAttention();
  const GenerateOptions options = {
      .new_tokens = 3,
      .sampling = {},
      .seed = 0,
      .on_tokens = [](std::span<const TokenId>) {
        throw std::runtime_error("the reader left");
      }};
  EXPECT_THROW(BenchmarkGeneration(model, Prompt(), options, Caching::kOn,
                                   WorkInstruments(model)),
               std::runtime_error);
  EXPECT_EQ(&model.CurrentAttention(), before);
}

// An instrument may fail at any reading. The model is then as before, and the
// next run is measured as if nothing had happened.
TEST(BenchmarkGenerationTest, AFailureLeavesNothingBehind) {
  Gpt2 model(SmallWeights());
  const Attention* before = &model.CurrentAttention();
  for (const Caching caching : {Caching::kOff, Caching::kOn}) {
    const GenerateOptions options = {.new_tokens = 3};
    const double total_s =
        WorkOf([&] { Generated(model, Prompt(), options, caching); });
    const double first_s =
        WorkOf([&] { Generated(model, Prompt(), {.new_tokens = 1}, caching); });
    // 3 readings of the clock and 4 of the memory
    for (std::size_t failing = 0; failing < 7; ++failing) {
      std::size_t readings = 0;
      const auto maybe_fail = [&] {
        if (readings++ == failing) throw std::runtime_error("out of order");
      };
      const Instruments broken = {.now_s =
                                      [&] {
                                        maybe_fail();
                                        return WorkClock();
                                      },
                                  .memory_bytes = [&]() -> std::uint64_t {
                                    maybe_fail();
                                    return 1000;
                                  }};
      EXPECT_THROW(
          BenchmarkGeneration(model, Prompt(), options, caching, broken),
          std::runtime_error);
      EXPECT_EQ(&model.CurrentAttention(), before);

      std::uint64_t memory = 0;
      Instruments good = WorkInstruments(model);
      good.memory_bytes = [&] { return memory++; };
      const GenerationMeasurement measured =
          BenchmarkGeneration(model, Prompt(), options, caching, good);
      EXPECT_EQ(measured.first_token_s, first_s);
      EXPECT_EQ(measured.total_s, total_s);
      EXPECT_EQ(measured.memory_before_bytes, 0U);
      EXPECT_EQ(measured.peak_memory_bytes, 3U);
    }
  }
}

// Two models of different sizes in turn, and the first of them again.
TEST(BenchmarkGenerationTest, MeasuresTheModelThatItIsGiven) {
  Random random(63);
  Gpt2Config wide = kConfig;
  wide.num_layers = 2;
  wide.d_mlp = 50;
  Gpt2 first(SmallWeights());
  Gpt2 second(
      std::make_shared<const Gpt2Weights>(RandomGpt2Weights(random, wide)));
  for (Gpt2* model : {&first, &second, &first}) {
    for (const Caching caching : {Caching::kOn, Caching::kOff}) {
      const GenerateOptions options = {.new_tokens = 5};
      Tokens generated;
      const double total_s = WorkOf(
          [&] { generated = Generated(*model, Prompt(), options, caching); });
      const GenerationMeasurement measured = BenchmarkGeneration(
          *model, Prompt(), options, caching, WorkInstruments(*model));
      EXPECT_EQ(measured.generated, generated);
      EXPECT_EQ(measured.total_s, total_s);
    }
  }
}

}  // namespace
}  // namespace kvlab
