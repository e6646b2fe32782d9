// What fewer key/value heads save and cost on the shipped model, what caches
// that forget cost it, and what attention in pieces or over pages costs beside
// attention over all keys at once.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "benchmark/benchmark.h"
#include "kit/measure/benchmarking.h"
#include "kit/measure/mean_interval.h"
#include "kit/measure/paired_ratios.h"
#include "kit/measure/stopwatch.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/held_out.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/kv_cache.h"
#include "modules/05_beyond/attention_in_pieces.h"
#include "modules/05_beyond/block_pool.h"
#include "modules/05_beyond/evicting_cache.h"
#include "modules/05_beyond/forgetful_attention.h"
#include "modules/05_beyond/grouped_attention.h"
#include "modules/05_beyond/paged_cache.h"
#include "modules/05_beyond/quantized_cache.h"
#include "modules/05_beyond/rolling_cache.h"

namespace kvlab {
namespace {

constexpr std::uint64_t kSeed = 5;

std::size_t Argument(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0));
}

// The shipped model with fewer key/value heads, and its cache.
struct GroupedModel {
  GroupedModel(std::size_t kv_heads, const CacheCapacity& capacity)
      : cache(std::make_shared<KvCache>(
            GroupedCacheShape(BenchmarkModel()->config, kv_heads, capacity))),
        model(PoolKeyValueHeads(*BenchmarkModel(), kv_heads)) {
    model.ReplaceAttention(
        std::make_unique<GroupedAttention>(model.Config().num_heads, cache));
  }

  std::shared_ptr<KvCache> cache;
  Gpt2 model;
};

// One step after 500 tokens.
void GroupedStep(benchmark::State& state) {
  constexpr std::size_t kPast = 500;
  Succeeds(state, [&] {
    GroupedModel grouped(Argument(state),
                         {.batch = 1, .max_seq_len = kPast + 1});
    Random random(kSeed);
    grouped.model.Forward(
        SingleRow(
            RandomTokens(random, kPast, grouped.model.Config().vocab_size)),
        LogitsFor::kLastPosition);
    const TokenBatch token = SingleRow({1});
    const std::size_t bytes =
        StepWeightBytes(grouped.model.Weights()) + grouped.cache->Bytes();
    MeasureLoop(state, {.tokens = 1, .bytes = bytes}, [&] {
      grouped.cache->Truncate(kPast);
      benchmark::DoNotOptimize(
          grouped.model.Forward(token, LogitsFor::kLastPosition));
    });
    state.counters["cache_bytes_per_token"] =
        static_cast<double>(grouped.cache->Bytes()) / (kPast + 1);
  });
}
BENCHMARK(GroupedStep)->ArgName("kv_heads")->Arg(4)->Arg(2)->Arg(1);

// The mean of -log p(next token) over a window that is as long as the model's
// context, in nats.
double LossOf(Gpt2& model, std::span<const TokenId> window) {
  const std::size_t length = window.size() - 1;
  const Tensor3 logits = model.Forward(
      SingleRow({window.begin(), window.end() - 1}), LogitsFor::kAllPositions);
  return SumOfLosses(logits, window.subspan(1)) / static_cast<double>(length);
}

// The loss of every window of the text that the model was not trained on.
//   reset  makes the model forget the window before
template <typename Reset>
std::vector<double> HeldOutLosses(Gpt2& model, const Reset& reset) {
  static const std::vector<TokenId> tokens = HeldOutTokens();
  const std::size_t context = model.Config().max_positions;
  std::vector<double> losses;
  for (std::size_t begin = 0; begin + context < tokens.size();
       begin += context) {
    reset();
    losses.push_back(
        LossOf(model, std::span(tokens).subspan(begin, context + 1)));
  }
  return losses;
}

std::vector<double> HeldOutLosses(std::size_t kv_heads) {
  const std::size_t context = BenchmarkModel()->config.max_positions;
  GroupedModel grouped(kv_heads, {.batch = 1, .max_seq_len = context});
  return HeldOutLosses(grouped.model, [&] { grouped.cache->Reset(); });
}

// The same with a cache that forgets.
template <typename Layer>
std::vector<double> HeldOutLossesOf(const Layer& layer) {
  const Gpt2Config& config = BenchmarkModel()->config;
  Gpt2 model(BenchmarkModel());
  auto attention = std::make_unique<ForgetfulAttention<Layer>>(
      config.num_heads, std::vector<Layer>(config.num_layers, layer));
  ForgetfulAttention<Layer>& cache = *attention;
  model.ReplaceAttention(std::move(attention));
  return HeldOutLosses(model, [&] { cache.Reset(); });
}

// Reports the mean, and 95 % confidence in it.
void ReportMean(benchmark::State& state, const std::string& name,
                const std::vector<double>& numbers) {
  const MeanInterval interval = MeanWithInterval(numbers);
  state.counters[name] = interval.mean;
  state.counters[name + "_plus_or_minus"] = interval.plus_or_minus;
}

// With a cache of all heads and tokens.
const std::vector<double>& FullLosses() {
  static const std::vector<double> full =
      HeldOutLosses(BenchmarkModel()->config.num_heads);
  return full;
}

// And how much more than with a cache of all heads and tokens, window by
// window: windows differ more from each other than models do.
template <typename Measure>
void ReportLosses(benchmark::State& state, const Measure& measure) {
  Succeeds(state, [&] {
    const std::vector<double>& full = FullLosses();
    std::vector<double> losses;
    for (auto iteration : state) losses = measure();
    ReportMean(state, "nats_per_token", losses);
    for (std::size_t i = 0; i < losses.size(); ++i) losses[i] -= full[i];
    ReportMean(state, "increase", losses);
  });
}

void HeldOutLoss(benchmark::State& state) {
  ReportLosses(state, [&] { return HeldOutLosses(Argument(state)); });
}
BENCHMARK(HeldOutLoss)
    ->ArgName("kv_heads")
    ->Arg(4)
    ->Arg(2)
    ->Arg(1)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// Two arguments: the newest tokens seen, and the sinks among the first.
void HeldOutLossInAWindow(benchmark::State& state) {
  const Gpt2Config& config = BenchmarkModel()->config;
  ReportLosses(state, [&] {
    return HeldOutLossesOf(RollingLayer(
        {.batch = 1,
         .num_kv_heads = config.num_heads,
         .head_dim = config.HeadDim(),
         .window = {.newest = Argument(state),
                    .sinks = static_cast<std::size_t>(state.range(1))}}));
  });
}
BENCHMARK(HeldOutLossInAWindow)
    ->ArgNames({"newest", "sinks"})
    ->Args({256, 0})
    ->Args({255, 1})
    ->Args({252, 4})
    ->Args({64, 0})
    ->Args({63, 1})
    ->Args({60, 4})
    ->Args({16, 0})
    ->Args({15, 1})
    ->Args({12, 4})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// Two arguments: the budget, and the newest tokens in it.
void HeldOutLossUnderABudget(benchmark::State& state) {
  const Gpt2Config& config = BenchmarkModel()->config;
  ReportLosses(state, [&] {
    return HeldOutLossesOf(EvictingLayer(
        {.batch = 1,
         .num_kv_heads = config.num_heads,
         .head_dim = config.HeadDim(),
         .budget = {.tokens = Argument(state),
                    .newest = static_cast<std::size_t>(state.range(1))}}));
  });
}
BENCHMARK(HeldOutLossUnderABudget)
    ->ArgNames({"tokens", "newest"})
    ->Args({256, 128})
    ->Args({64, 32})
    ->Args({16, 8})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

// A query of each of the model's heads over 1,000 keys.
constexpr std::size_t kKeys = 1000;

struct Step {
  Step() {
    const Gpt2Config& config = BenchmarkModel()->config;
    Random random(kSeed);
    const std::size_t heads = config.num_heads;
    queries = RandomTensor4(random, {1, heads, 1, config.HeadDim()});
    keys = RandomTensor4(random, {1, heads, kKeys, config.HeadDim()});
    values = RandomTensor4(random, {1, heads, kKeys, config.HeadDim()});
  }
  std::size_t Bytes() const {
    return (keys.size() + values.size()) * sizeof(float);
  }

  Tensor4 queries;
  Tensor4 keys;
  Tensor4 values;
};

void StepAtOnce(benchmark::State& state) {
  Succeeds(state, [&] {
    const Step step;
    MeasureLoop(state, {.tokens = 1, .bytes = step.Bytes()}, [&] {
      benchmark::DoNotOptimize(CausalAttention(step.queries, View(step.keys),
                                               View(step.values), {}));
    });
  });
}
BENCHMARK(StepAtOnce);

void StepInPieces(benchmark::State& state) {
  Succeeds(state, [&] {
    const Step step;
    std::vector<KeyRange> ranges;
    for (std::size_t begin = 0; begin < kKeys; begin += Argument(state)) {
      ranges.push_back(
          {.begin = begin, .end = std::min(begin + Argument(state), kKeys)});
    }
    MeasureLoop(state, {.tokens = 1, .bytes = step.Bytes()}, [&] {
      benchmark::DoNotOptimize(AttentionInPieces(step.queries, View(step.keys),
                                                 View(step.values),
                                                 {.ranges = ranges}));
    });
  });
}
BENCHMARK(StepInPieces)->ArgName("keys")->Arg(16)->Arg(64)->Arg(256);

// One layer of a paged cache that holds the keys and values of a step.
struct Pages {
  Pages(const Step& step, std::size_t block_size)
      : cache({.num_blocks = (kKeys + block_size - 1) / block_size,
               .block_size = block_size,
               .num_layers = 1,
               .num_kv_heads = step.keys.shape(1),
               .head_dim = step.keys.shape(3)}),
        rows({cache.Start()}) {
    cache.Extend(std::vector<Extension>{{rows.front(), kKeys}});
    cache.Write(0, rows, step.keys, step.values);
  }

  PagedCache cache;
  std::vector<SequenceId> rows;
};

// A step over another cache that holds the same, in turns with the one at once:
// `of_contiguous` is the median of time at once / time of the other, so 1 if
// they take as long, and `low` and `high` enclose it.
template <typename Attend>
void InTurnsWithOneAtOnce(benchmark::State& state, const Step& step,
                          const Attend& attend) {
  constexpr int kCalls = 20;  // long enough for the clock
  const auto seconds = [](const auto& call) {
    const Stopwatch stopwatch;
    for (int i = 0; i < kCalls; ++i) benchmark::DoNotOptimize(call());
    return stopwatch.Seconds();
  };
  PairedRatios ratios;
  for (auto _ : state) {
    const double at_once = seconds([&] {
      return CausalAttention(step.queries, View(step.keys), View(step.values),
                             {});
    });
    const double other = seconds(attend);
    ratios.Add(at_once / other);
    state.SetIterationTime(other / kCalls);
  }
  const MedianInterval interval = ratios.Interval();
  state.counters["of_contiguous"] = ratios.Median();
  state.counters["low"] = interval.low;
  state.counters["high"] = interval.high;
}

void StepOverPages(benchmark::State& state) {
  Succeeds(state, [&] {
    const Step step;
    const Pages pages(step, Argument(state));
    InTurnsWithOneAtOnce(state, step, [&] {
      return pages.cache.Attend(0, pages.rows, step.queries);
    });
  });
}
BENCHMARK(StepOverPages)
    ->ArgName("block_size")
    ->Arg(16)
    ->Arg(64)
    ->UseManualTime()
    ->Iterations(300)
    ->Unit(benchmark::kMicrosecond);

void StepWithEightBits(benchmark::State& state) {
  Succeeds(state, [&] {
    const Step step;
    QuantizedLayerCache cache({.batch = 1,
                               .max_seq_len = kKeys,
                               .num_kv_heads = step.keys.shape(1),
                               .head_dim = step.keys.shape(3),
                               .group = Argument(state)});
    cache.Append(step.keys, step.values);
    InTurnsWithOneAtOnce(state, step,
                         [&] { return cache.Attend(step.queries, {}); });
  });
}
BENCHMARK(StepWithEightBits)
    ->ArgName("group")
    ->Arg(32)
    ->Arg(64)
    ->UseManualTime()
    ->Iterations(300)
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace kvlab
