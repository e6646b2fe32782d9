// Keeps the promises of measurement.h. No test here waits for real time: the
// clock shows how many multiply-accumulates the kit has counted, so that the
// times to expect are known to the last digit, on any machine.
#include "modules/04_profiling/measurement.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stdexcept>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/random.h"
#include "kit/testing.h"
#include "kit/token_batch.h"
#include "kit/work.h"
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

// Starts at a thousand million, as the clock of a machine that has run for
// long; MACs are whole numbers far below 2^53, so nothing is rounded.
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
  // Before, then one for each of 4 tokens; whoever asks more often gets 7.
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

TEST(BenchmarkGenerationTest, MemoryIsNotReadDuringThePrefill) {
  // A look at the memory takes a second here; before the clock starts it costs
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
  EXPECT_EQ(BenchmarkGeneration(model, Prompt(), {.new_tokens = 4},
                                Caching::kOn, instruments)
                .first_token_s,
            prefill_s);
}

TEST(BenchmarkGenerationTest, OneTokenHasNoStepsBehindIt) {
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
  EXPECT_THAT(MessageOf<ContractError>([&] {
                BenchmarkGeneration(model, Prompt(), {.new_tokens = 2},
                                    Caching::kOn, stopped);
              }),
              HasSubstr("no time has passed"));

  Instruments backwards = good;
  backwards.now_s = [] { return -WorkClock(); };
  EXPECT_THAT(MessageOf<ContractError>([&] {
                BenchmarkGeneration(model, Prompt(), {.new_tokens = 2},
                                    Caching::kOn, backwards);
              }),
              HasSubstr("the clock ran backwards"));
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

}  // namespace
}  // namespace kvlab
