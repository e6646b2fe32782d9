// What the cache gains, on the shipped model: a step that reads every weight
// once, at any length, against a pass over the whole prefix.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "benchmark/benchmark.h"
#include "kit/measure/benchmarking.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/growing_cache.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {
namespace {

constexpr std::uint64_t kSeed = 3;
constexpr std::size_t kKvHeads = 4;
constexpr std::size_t kHeadDim = 64;

std::size_t Length(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0));
}

TokenBatch RandomPrompt(std::size_t tokens, const Gpt2Config& config) {
  Random random(kSeed);
  return SingleRow(RandomTokens(random, tokens, config.vocab_size));
}

// Keys and values of one token, appended and viewed until the cache is full:
// linear in the number of tokens.
void FillLayerCache(benchmark::State& state) {
  Random random(kSeed);
  const Tensor4 token = RandomTensor4(random, {1, kKvHeads, 1, kHeadDim});
  Succeeds(state, [&] {
    LayerCache cache({.batch = 1,
                      .max_seq_len = Length(state),
                      .num_kv_heads = kKvHeads,
                      .head_dim = kHeadDim});
    MeasureLoop(state, {.tokens = Length(state)}, [&] {
      cache.Truncate(0);
      for (std::size_t s = 0; s < cache.MaxSeqLen(); ++s) {
        cache.Append(token, token);
        benchmark::DoNotOptimize(cache.Keys());
        benchmark::DoNotOptimize(cache.Values());
      }
    });
  });
}
BENCHMARK(FillLayerCache)->ArgName("tokens")->Arg(50)->Arg(200);

// The same with the cache that grows by concatenation: quadratic.
void FillGrowingCache(benchmark::State& state) {
  Random random(kSeed);
  const Tensor4 token = RandomTensor4(random, {1, kKvHeads, 1, kHeadDim});
  MeasureLoop(state, {.tokens = Length(state)}, [&] {
    GrowingCache cache(1, kKvHeads, kHeadDim);
    for (std::size_t s = 0; s < Length(state); ++s) {
      cache.Append(token, token);
      benchmark::DoNotOptimize(cache.Keys());
      benchmark::DoNotOptimize(cache.Values());
    }
  });
}
BENCHMARK(FillGrowingCache)->ArgName("tokens")->Arg(50)->Arg(200);

// One decode step of `batch` rows after past_len tokens. It reads all weights
// once and the cached keys and values of every row.
void MeasureStep(benchmark::State& state, std::size_t batch) {
  Succeeds(state, [&] {
    Gpt2 model(BenchmarkModel());
    const Gpt2Config& config = model.Config();
    const std::size_t past_len = Length(state);
    KvCacheHandle handle = EnableKvCache(model, batch, past_len + 1);
    Random random(kSeed);
    TokenBatch prompt =
        PadLeft(std::vector<std::vector<TokenId>>(
                    batch, RandomTokens(random, past_len, config.vocab_size)),
                0);
    model.Forward(prompt, LogitsFor::kLastPosition);
    const TokenBatch token = PadLeft(
        std::vector<std::vector<TokenId>>(batch, std::vector<TokenId>{1}), 0);
    const std::size_t cache_bytes =
        CacheBytes({.batch = batch,
                    .max_seq_len = past_len + 1,
                    .num_layers = config.num_layers,
                    .num_kv_heads = config.num_heads,
                    .head_dim = config.HeadDim()},
                   sizeof(float));
    const std::size_t bytes = StepWeightBytes(model.Weights()) + cache_bytes;
    MeasureLoop(state, {.tokens = batch, .bytes = bytes}, [&] {
      handle.Cache().Truncate(past_len);
      benchmark::DoNotOptimize(model.Forward(token, LogitsFor::kLastPosition));
    });
  });
}

void CachedStep(benchmark::State& state) { MeasureStep(state, 1); }
BENCHMARK(CachedStep)->ArgName("past")->Arg(10)->Arg(50)->Arg(200)->Arg(500);

void CachedStepOfFourRows(benchmark::State& state) { MeasureStep(state, 4); }
BENCHMARK(CachedStepOfFourRows)->ArgName("past")->Arg(50)->Arg(500);

// The prompt, once through the model and into the cache.
void Prefill(benchmark::State& state) {
  Succeeds(state, [&] {
    Gpt2 model(BenchmarkModel());
    KvCacheHandle handle = EnableKvCache(model, 1, Length(state));
    const TokenBatch prompt = RandomPrompt(Length(state), model.Config());
    MeasureLoop(state, {.tokens = Length(state)}, [&] {
      handle.Cache().Reset();
      benchmark::DoNotOptimize(model.Forward(prompt, LogitsFor::kLastPosition));
    });
  });
}
BENCHMARK(Prefill)->ArgName("tokens")->Arg(50)->Arg(200)->Arg(500);

// Both ways of generating, one after the other; the time is with the cache,
// `speedup` says how many times longer the other takes.
void GenerateBothWays(benchmark::State& state) {
  Succeeds(state, [&] {
    Gpt2 model(BenchmarkModel());
    const TokenBatch prompt = RandomPrompt(10, model.Config());
    const GenerateOptions options = {.new_tokens = Length(state)};
    double recomputing_s = 0;
    double cached_s = 0;
    for (auto iteration : state) {
      recomputing_s += CpuTime([&] { Generate(model, prompt, options); });
      const double now_s =
          CpuTime([&] { GenerateCached(model, prompt, options); });
      cached_s += now_s;
      state.SetIterationTime(now_s);
    }
    const auto tokens =
        static_cast<double>(state.iterations() * state.range(0));
    state.counters["speedup"] = recomputing_s / cached_s;
    state.counters["tokens_per_second"] = tokens / cached_s;
    state.counters["tokens_per_second_recomputing"] = tokens / recomputing_s;
  });
}
BENCHMARK(GenerateBothWays)
    ->ArgName("tokens")
    ->Arg(50)
    ->Arg(100)
    ->Arg(200)
    ->Arg(500)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kvlab
