#include "kit/measure/benchmarking.h"

#include <cstddef>
#include <exception>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "benchmark/benchmark.h"
#include "kit/math/work.h"
#include "kit/measure/roofline.h"
#include "kit/measure/stopwatch.h"
#include "kit/model/checkpoint.h"

namespace kvlab {
namespace {

std::filesystem::path model_directory = "models/shakespeare-gpt2";

// Each working set is measured once.
double ReadBandwidth(std::size_t bytes) {
  static std::map<std::size_t, double> measured;
  const auto found = measured.find(bytes);
  if (found != measured.end()) return found->second;
  return measured[bytes] = MeasureReadBandwidth(bytes);
}

double FlopPeak() {
  static const double measured = MeasureFlopPeak();
  return measured;
}

// The first line of an error: what is wrong.
std::string Headline(std::string_view message) {
  return std::string(message.substr(0, message.find('\n')));
}

// Takes "--model DIR" and "--model=DIR" out of the arguments.
void TakeModelOption(int& argc, char** argv) {
  constexpr std::string_view kOption = "--model";
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == kOption && i + 1 < argc) {
      model_directory = argv[++i];
    } else if (word.starts_with("--model=")) {
      model_directory = word.substr(kOption.size() + 1);
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
  const WorkCounts before = CountedWork();
  const double begin_s = ThreadSeconds();
  const bool done = Succeeds(state, [&] {
    for (auto iteration : state) body();
  });
  const double elapsed_s = ThreadSeconds() - begin_s;
  if (!done) return;
  const auto iterations = static_cast<double>(state.iterations());

  const auto report = [&](const char* name, double total, double divisor) {
    if (total > 0) state.counters[name] = total / elapsed_s / divisor;
  };
  const double bytes = iterations * static_cast<double>(cost.bytes);
  const double flop =
      2.0 * static_cast<double>((CountedWork() - before).Total());
  report("tokens_per_second", iterations * static_cast<double>(cost.tokens),
         1.0);
  report("bytes_per_second", bytes, 1.0);
  if (bytes > 0) {
    report("percent_of_bandwidth", bytes, ReadBandwidth(cost.bytes) / 100.0);
  }
  report("percent_of_flop_peak", flop, FlopPeak() / 100.0);
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

std::size_t StepWeightBytes(const Gpt2Weights& weights) {
  return weights.Bytes() - weights.wpe.Bytes();
}

}  // namespace kvlab

int main(int argc, char** argv) {
  kvlab::TakeModelOption(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
