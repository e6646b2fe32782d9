// Module 4's instruments as operations: they read clocks and gauges that the
// checker has chosen, so what they must report is known exactly.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/math/work.h"
#include "kit/measure/instruments.h"
#include "kit/measure/roofline.h"
#include "kit/model/caching.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/04_profiling/comparison.h"
#include "modules/04_profiling/cost.h"
#include "modules/04_profiling/measurement.h"
#include "modules/04_profiling/power_law.h"
#include "modules/04_profiling/roofline.h"

namespace kvlab::grading {
namespace {

std::vector<double> NextNumbers(Arguments& arguments) {
  const Array& array = arguments.Next<Array>();
  return {array.values.begin(), array.values.end()};
}

// A clock that counts multiply-accumulates, and once pauses for work but not
// for the time: as if another program had run.
struct WorkClock {
  double offset_s = 0;
  double s_per_mac = 0;
  double stall_at_mac = 0;  // counted from the start
  double stall_s = 0;
  std::uint64_t start_macs = CountedWork().Total();

  double operator()() const {
    const auto macs = static_cast<double>(CountedWork().Total() - start_macs);
    const double stalled_s = macs >= stall_at_mac ? stall_s : 0;
    return offset_s + s_per_mac * macs + stalled_s;
  }
};

// What happens during a benchmark, in order.
enum Event : std::int64_t { kClockRead, kMemoryRead, kTokensHandedOn };

// An instrument that is out of order.
struct InstrumentFailure {};

// Shows one reading after the other. The first again once they are used up, or
// if there should be a cache and there is none.
class Gauge {
 public:
  Gauge(std::vector<std::size_t> readings, const Gpt2& model, Caching caching)
      : readings_(std::move(readings)), model_(model), caching_(caching) {}

  std::uint64_t Read() {
    const std::size_t index = next_++;
    const bool cached = dynamic_cast<const CachedAttention*>(
                            &model_.CurrentAttention()) != nullptr;
    const bool gone = caching_ == Caching::kOn && !cached;
    if (index >= readings_.size() || gone) return readings_.front();
    return readings_[index];
  }

 private:
  std::vector<std::size_t> readings_;
  const Gpt2& model_;
  Caching caching_;
  std::size_t next_ = 0;
};

// benchmark.generation(model, ids, batch, left_pad, new_tokens, temperature,
// top_k, seed, caching, offset_s, s_per_mac, stall_at_mac, stall_s, readings,
// seconds that a look at the memory takes, that on_tokens takes, which reading
// of an instrument fails, counted from 0, or -1)
// -> tokens generated, tokens handed to on_tokens, [tokens, memory before, peak
// of memory], seconds to the first token, in all, per token, tokens per second,
// MACs by category that the whole call took, events in order
// If the failure came through, [1 if the attention of the model is as before].
Values Benchmark(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  Gpt2& model = objects.Get<Gpt2>(arguments.Next<Handle>());
  const Attention* attention_before = &model.CurrentAttention();
  const TokenBatch prompt = arguments.NextTokenBatch();
  GenerateOptions options;
  options.new_tokens = arguments.NextSize();
  options.sampling.temperature = arguments.NextFloat();
  options.sampling.top_k = arguments.NextSize();
  options.seed = static_cast<std::uint64_t>(arguments.Next<std::int64_t>());
  const Caching caching =
      arguments.NextSize() != 0 ? Caching::kOn : Caching::kOff;
  WorkClock clock;
  clock.offset_s = arguments.Next<double>();
  clock.s_per_mac = arguments.Next<double>();
  clock.stall_at_mac = arguments.Next<double>();
  clock.stall_s = arguments.Next<double>();
  Gauge gauge(arguments.NextSizes(), model, caching);
  const auto look_s = arguments.Next<double>();
  const auto caller_s = arguments.Next<double>();
  const auto failing = arguments.Next<std::int64_t>();
  double spent_s = 0;
  std::int64_t readings = 0;
  Integers events;
  const auto happens = [&](Event event) {
    events.push_back(event);
    if (event != kTokensHandedOn && readings++ == failing) {
      throw InstrumentFailure();
    }
  };
  Integers handed_on;
  options.on_tokens = [&](std::span<const TokenId> tokens) {
    happens(kTokensHandedOn);
    spent_s += caller_s;
    handed_on.insert(handed_on.end(), tokens.begin(), tokens.end());
  };
  const Instruments instruments = {.now_s =
                                       [&] {
                                         happens(kClockRead);
                                         return clock() + spent_s;
                                       },
                                   .memory_bytes =
                                       [&] {
                                         happens(kMemoryRead);
                                         spent_s += look_s;
                                         return gauge.Read();
                                       }};

  const WorkCounts before = CountedWork();
  GenerationMeasurement measured;
  try {
    measured =
        BenchmarkGeneration(model, prompt, options, caching, instruments);
  } catch (const InstrumentFailure&) {
    const bool as_before = &model.CurrentAttention() == attention_before;
    return {Integers{as_before ? 1 : 0}};
  }
  const WorkCounts work = CountedWork() - before;
  return {ToIntegers(measured.generated),
          handed_on,
          ToIntegers(std::vector<std::uint64_t>{measured.tokens,
                                                measured.memory_before_bytes,
                                                measured.peak_memory_bytes}),
          measured.first_token_s,
          measured.total_s,
          measured.per_token_s,
          measured.tokens_per_second,
          ToIntegers(work.macs),
          events};
}

// One row of a script: [prefill_s, total_s, peak in MiB, rows of tokens, which
// token is another one, counted through all rows, or -1, tokens of each row
// that are missing at the end, or -1 for one too many].
GenerationMeasurement MadeUp(std::span<const float> row,
                             std::size_t new_tokens) {
  const auto size = [&](std::size_t i) {
    return static_cast<std::size_t>(row[i]);
  };
  const std::size_t len =
      static_cast<std::size_t>(static_cast<std::ptrdiff_t>(new_tokens) -
                               static_cast<std::ptrdiff_t>(row[5]));
  GenerationMeasurement trial;
  trial.generated = Tokens::from_shape({size(3), len});
  trial.tokens = trial.generated.size();
  std::iota(trial.generated.begin(), trial.generated.end(), TokenId{50});
  if (row[4] >= 0 && size(4) < trial.tokens) trial.generated.flat(size(4)) += 7;
  trial.first_token_s = row[0];
  trial.total_s = row[1];
  trial.peak_memory_bytes = std::uint64_t{size(2)} << 20U;
  // Before the run there was more: it is no part of the peak.
  trial.memory_before_bytes = 2 * trial.peak_memory_bytes;
  if (new_tokens > 1) {
    trial.per_token_s =
        trial.DecodeSeconds() / static_cast<double>(new_tokens - 1);
  }
  return trial;
}

// The rows of one way to generate, one for each call; the last one for more.
struct Script {
  Tensor2 rows;
  std::size_t calls = 0;

  GenerationMeasurement Next(std::size_t new_tokens) {
    const std::size_t row = std::min(calls++, rows.shape(0) - 1);
    return MadeUp(Rows(std::as_const(rows)).Row(row), new_tokens);
  }
};

void Add(Values& values, const Spread& spread) {
  values.insert(values.end(), {spread.low, spread.median, spread.high});
}

void Add(Values& values, const TrialSummary& summary) {
  Add(values, summary.total_s);
  Add(values, summary.prefill_s);
  Add(values, summary.decode_s);
  Add(values, summary.per_token_s);
}

// compare.run(lengths, trials, warm_up, script without a cache, script with)
// -> 1 for each trial with a cache and 0 for each without, in order; the
// lengths they were asked for; then for each comparison [new tokens, pairs that
// differ, peak without, peak with], 12 numbers without a cache, 12 with, and 3
// of the speedup
Values Compare(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  ComparisonOptions options;
  options.lengths = arguments.NextSizes();
  options.trials = arguments.NextSize();
  options.warm_up = arguments.NextSize();
  Script uncached = {.rows = arguments.NextTensor<2>()};
  Script cached = {.rows = arguments.NextTensor<2>()};
  Integers order;
  Integers asked;
  const std::vector<LengthComparison> comparisons = CompareGeneration(
      [&](Caching caching, std::size_t new_tokens) {
        const bool on = caching == Caching::kOn;
        order.push_back(on ? 1 : 0);
        asked.push_back(static_cast<std::int64_t>(new_tokens));
        return (on ? cached : uncached).Next(new_tokens);
      },
      options);
  Values answer = {order, asked};
  for (const LengthComparison& each : comparisons) {
    answer.emplace_back(ToIntegers(std::vector<std::uint64_t>{
        each.new_tokens, each.differing_pairs, each.uncached.peak_memory_bytes,
        each.cached.peak_memory_bytes}));
    Add(answer, each.uncached);
    Add(answer, each.cached);
    Add(answer, each.speedup);
  }
  return answer;
}

// summarise.spread(values) -> low, median, high
Values SpreadOfValues(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  Values answer;
  Add(answer, Summarise(NextNumbers(arguments)));
  return answer;
}

// power_law.fit(x, y, confidence) -> factor, exponent, its low and high end
Values Fit(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const std::vector<double> x = NextNumbers(arguments);
  const std::vector<double> y = NextNumbers(arguments);
  const PowerLaw law = FitPowerLaw(x, y, arguments.Next<double>());
  return {law.factor, law.exponent, law.exponent_low, law.exponent_high};
}

// Working sets in bytes, a bandwidth for each, FLOP/s.
MachineRoofs NextMachine(Arguments& arguments) {
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  const std::vector<double> speeds = NextNumbers(arguments);
  MachineRoofs machine;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    machine.bandwidths.push_back(
        {.working_set_bytes = sizes[i], .bytes_per_s = speeds.at(i)});
  }
  machine.flop_per_s = arguments.Next<double>();
  return machine;
}

// roofline.bandwidth(machine, bytes) -> bytes per second
Values Bandwidth(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const MachineRoofs machine = NextMachine(arguments);
  return {BandwidthFor(machine, arguments.NextSize())};
}

// roofline.place(machine, MACs by category, [weights, cache read, cache
// written]) -> FLOP, FLOP per byte, that of the ridge, attainable FLOP/s, least
// seconds, 1 if the peak binds
Values Place(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const MachineRoofs machine = NextMachine(arguments);
  WorkCounts work;
  std::ranges::copy(arguments.NextSizes(), work.macs.begin());
  const std::vector<std::size_t> bytes = arguments.NextSizes();
  const RooflinePoint point = PlaceOnRoofline(machine, work,
                                              {.weights = bytes.at(0),
                                               .cache_read = bytes.at(1),
                                               .cache_written = bytes.at(2)});
  return {point.flop,
          point.flop_per_byte,
          point.ridge_flop_per_byte,
          point.attainable_flop_per_s,
          point.least_s,
          std::int64_t{point.bound_by == Roof::kFlopPeak ? 1 : 0}};
}

const RegisterOperation kBenchmark("benchmark.generation", Benchmark);
const RegisterOperation kCompare("compare.run", Compare);
const RegisterOperation kSpread("summarise.spread", SpreadOfValues);
const RegisterOperation kFit("power_law.fit", Fit);
const RegisterOperation kBandwidth("roofline.bandwidth", Bandwidth);
const RegisterOperation kPlace("roofline.place", Place);

}  // namespace
}  // namespace kvlab::grading
