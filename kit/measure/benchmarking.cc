#include "kit/measure/benchmarking.h"

#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "benchmark/benchmark.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/measure/roofline.h"
#include "kit/measure/share_of_roof.h"
#include "kit/measure/stopwatch.h"
#include "kit/model/checkpoint.h"
#include "kit/model/held_out.h"

namespace kvlab {
namespace {

std::filesystem::path model_directory = "models/shakespeare-gpt2";
std::filesystem::path text_file = "kit/testdata/tinyshakespeare/input.txt";

// FLOP of all that was counted since `before`.
double FlopSince(const WorkCounts& before) {
  return 2.0 * static_cast<double>((CountedWork() - before).Total());
}

// What the body reached of each roof, by round. Empty where it reads or
// computes nothing.
struct Shares {
  std::vector<double> of_bandwidth;
  std::vector<double> of_flop_peak;
};

// The roofs and the body, by turns: what slows the machine for a while slows
// all of them.
Shares MeasureByTurns(const IterationCost& cost,
                      const std::function<void()>& body) {
  constexpr int kRounds = 5;
  constexpr double kTurn = 0.01;  // seconds of the body
  std::optional<ReadingRoof> reading;
  if (cost.bytes > 0) reading.emplace(cost.bytes);
  Shares shares;
  for (int round = 0; round < kRounds; ++round) {
    const double bytes_per_s = reading ? reading->BytesPerSecond() : 0;
    const double flop_per_s = MeasureFlopPeak();
    body();  // fills the caches again
    const WorkCounts before = CountedWork();
    const double begin_s = ThreadSeconds();
    double elapsed_s = 0;
    double runs = 0;
    for (; runs == 0 || elapsed_s < kTurn; ++runs) {
      body();
      elapsed_s = ThreadSeconds() - begin_s;
    }
    const double flop = FlopSince(before);
    if (reading) {
      shares.of_bandwidth.push_back(runs * static_cast<double>(cost.bytes) /
                                    elapsed_s / bytes_per_s);
    }
    if (flop > 0) shares.of_flop_peak.push_back(flop / elapsed_s / flop_per_s);
  }
  return shares;
}

// Reports a percentage, or names it in the benchmark's label.
void ReportShare(benchmark::State& state, const std::string& name,
                 const std::vector<double>& shares, std::string& label) {
  if (shares.empty()) return;
  if (const std::optional<double> share = ShareOfRoof(shares)) {
    state.counters[name] = 100.0 * *share;
  } else {
    label +=
        (label.empty() ? std::string(kNotMeasurableNow) + ": " : ", ") + name;
    state.SetLabel(label);
  }
}

// The first line of an error: what is wrong.
std::string Headline(std::string_view message) {
  return std::string(message.substr(0, message.find('\n')));
}

// Takes "OPTION VALUE" and "OPTION=VALUE" out of the arguments.
void TakeOption(std::string_view option, std::filesystem::path& value,
                int& argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == option && i + 1 < argc) {
      value = argv[++i];
    } else if (word.starts_with(option) &&
               word.substr(option.size()).starts_with("=")) {
      value = word.substr(option.size() + 1);
    } else {
      argv[kept++] = argv[i];
    }
  }
  argc = kept;
}

}  // namespace

bool Succeeds(benchmark::State& state, const std::function<void()>& action) {
  try {
    action();
    return true;
  } catch (const std::exception& error) {
    state.SkipWithError(Headline(error.what()).c_str());
    return false;
  }
}

void MeasureLoop(benchmark::State& state, const IterationCost& cost,
                 const std::function<void()>& body) {
  if (!Succeeds(state, body)) return;
  const double begin_s = ThreadSeconds();
  const bool done = Succeeds(state, [&] {
    for (auto iteration : state) body();
  });
  const double elapsed_s = ThreadSeconds() - begin_s;
  if (!done) return;
  const auto iterations = static_cast<double>(state.iterations());

  const auto report = [&](const char* name, double each) {
    if (each > 0) state.counters[name] = iterations * each / elapsed_s;
  };
  report("tokens_per_second", static_cast<double>(cost.tokens));
  report("bytes_per_second", static_cast<double>(cost.bytes));

  Shares shares;
  if (!Succeeds(state, [&] { shares = MeasureByTurns(cost, body); })) return;
  std::string label;
  ReportShare(state, "percent_of_bandwidth", shares.of_bandwidth, label);
  ReportShare(state, "percent_of_flop_peak", shares.of_flop_peak, label);
}

double CpuTime(const std::function<void()>& action) {
  const double begin_s = ThreadSeconds();
  action();
  return ThreadSeconds() - begin_s;
}

std::shared_ptr<const Gpt2Weights> BenchmarkModel() {
  static const auto weights =
      std::make_shared<const Gpt2Weights>(LoadGpt2(model_directory));
  return weights;
}

std::vector<TokenId> HeldOutTokens() {
  return HeldOutTokens(text_file, LoadCheckpoint(model_directory).tokenizer);
}

std::size_t StepWeightBytes(const Gpt2Weights& weights) {
  return weights.Bytes() - weights.wpe.Bytes();
}

}  // namespace kvlab

int main(int argc, char** argv) {
  kvlab::TakeOption("--model", kvlab::model_directory, argc, argv);
  kvlab::TakeOption("--text", kvlab::text_file, argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
