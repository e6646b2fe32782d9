// Where steps and prefills of the shipped model are under this machine's roofs,
// and a comparison of both ways to generate, with your instruments.
#include <array>
#include <cstddef>
#include <cstdint>

#include "benchmark/benchmark.h"
#include "kit/measure/benchmarking.h"
#include "kit/measure/instruments.h"
#include "kit/measure/roofline.h"
#include "kit/model/caching.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/weight_matrix.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/04_profiling/comparison.h"
#include "modules/04_profiling/cost.h"
#include "modules/04_profiling/roofline.h"

namespace kvlab {
namespace {

constexpr std::uint64_t kSeed = 4;

std::size_t Length(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0));
}

TokenBatch RandomPrompt(std::size_t tokens, const Gpt2Config& config) {
  Random random(kSeed);
  return SingleRow(RandomTokens(random, tokens, config.vocab_size));
}

// At the very size of the pass's bytes: the next larger one that was measured
// may not fit in the same cache.
MachineRoofs MachineFor(const Traffic& traffic) {
  const std::array<std::size_t, 1> size = {traffic.Total()};
  return MeasureRoofs(size);
}

// Runs `pass` repeatedly. In addition to the usual columns, reports:
//   flop_per_byte          arithmetic intensity of this pass
//   ridge_flop_per_byte    below it the bandwidth binds, above it the peak
//   least_us               the roofline's lower bound for the time of a pass
void MeasurePass(benchmark::State& state, const ForwardPass& pass) {
  Succeeds(state, [&] {
    Gpt2 model(BenchmarkModel());
    const Gpt2Config& config = model.Config();
    KvCacheHandle handle = EnableKvCache(
        model, {.batch = 1, .max_seq_len = pass.past_len + pass.new_len});
    if (pass.past_len > 0) {
      model.Forward(RandomPrompt(pass.past_len, config),
                    LogitsFor::kLastPosition);
    }
    const TokenBatch tokens = RandomPrompt(pass.new_len, config);
    const Traffic traffic =
        PassTraffic(config, pass, DTypeBytes(model.Weights().lm_head.Type()));
    const RooflinePoint point =
        PlaceOnRoofline(MachineFor(traffic), PassWork(config, pass), traffic);
    MeasureLoop(state, {.tokens = pass.new_len, .bytes = traffic.Total()}, [&] {
      handle.Cache().Truncate(pass.past_len);
      benchmark::DoNotOptimize(model.Forward(tokens, LogitsFor::kLastPosition));
    });
    state.counters["flop_per_byte"] = point.flop_per_byte;
    state.counters["ridge_flop_per_byte"] = point.ridge_flop_per_byte;
    state.counters["least_us"] = 1e6 * point.least_s;
  });
}

void Step(benchmark::State& state) {
  MeasurePass(
      state,
      {.past_len = Length(state), .new_len = 1, .caching = Caching::kOn});
}
BENCHMARK(Step)->ArgName("past")->Arg(10)->Arg(100)->Arg(500)->Arg(1000);

// From one token, bound by bandwidth, to many, bound by the peak.
void PrefillOf(benchmark::State& state) {
  MeasurePass(state, {.new_len = Length(state), .caching = Caching::kOn});
}
BENCHMARK(PrefillOf)->ArgName("tokens")->RangeMultiplier(4)->Range(1, 1024);

// Five pairs after one warm-up pair; the time is the median with the cache.
void Compare(benchmark::State& state) {
  Succeeds(state, [&] {
    Gpt2 model(BenchmarkModel());
    const Trial trial = TrialsOf(model, RandomPrompt(10, model.Config()), {},
                                 ProcessInstruments());
    for (auto iteration : state) {
      const LengthComparison compared =
          CompareGeneration(trial, {.lengths = {Length(state)}})[0];
      state.SetIterationTime(compared.cached.total_s.median);
      state.counters["speedup"] = compared.speedup.median;
      state.counters["speedup_low"] = compared.speedup.low;
      state.counters["speedup_high"] = compared.speedup.high;
      state.counters["prefill_ms"] = 1e3 * compared.cached.prefill_s.median;
      state.counters["step_ms"] = 1e3 * compared.cached.per_token_s.median;
      state.counters["differing_pairs"] =
          static_cast<double>(compared.differing_pairs);
    }
  });
}
BENCHMARK(Compare)
    ->ArgName("tokens")
    ->Arg(10)
    ->Arg(50)
    ->Arg(100)
    ->Arg(200)
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kvlab
