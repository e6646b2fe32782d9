// Module 4 as the lecture writes it: the pairs of a length in one loop.
#include "modules/04_profiling/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/measure/instruments.h"
#include "kit/model/caching.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/04_profiling/measurement.h"

namespace kvlab {
namespace {

// Given. Throws what CompareGeneration promises to throw before it begins.
void CheckOptions(const ComparisonOptions& options) {
  if (options.lengths.empty() || options.trials == 0) {
    throw ContractError("CompareGeneration: there is nothing to compare",
                        std::to_string(options.lengths.size()) + " lengths, " +
                            std::to_string(options.trials) + " trials",
                        "give at least one length, and one pair of trials");
  }
  if (std::ranges::count(options.lengths, std::size_t{0}) > 0) {
    throw ContractError("CompareGeneration: a length is 0",
                        "without a new token there is nothing to measure",
                        "compare lengths of at least one token");
  }
}

// Given. Throws unless the trial generated `new_tokens` tokens.
void CheckLength(const GenerationMeasurement& trial, std::size_t new_tokens) {
  if (trial.generated.shape(1) != new_tokens) {
    throw ContractError("CompareGeneration: a trial has the wrong length",
                        std::to_string(trial.generated.shape(1)) +
                            " tokens instead of " + std::to_string(new_tokens) +
                            ": times of different lengths cannot be compared",
                        "generate without an early stop");
  }
}

// Given. The spread of one number of each trial:
//   SpreadOf(trials, &GenerationMeasurement::total_s)
template <typename Number>
Spread SpreadOf(const std::vector<GenerationMeasurement>& trials,
                Number number) {
  std::vector<double> values;
  values.reserve(trials.size());
  for (const GenerationMeasurement& trial : trials) {
    values.push_back(std::invoke(number, trial));
  }
  return Summarise(std::move(values));
}

// The value at the index p (n - 1), between two values if it is no whole
// number.
double ValueAt(const std::vector<double>& sorted, double p) {
  const double index = p * static_cast<double>(sorted.size() - 1);
  const double floor = std::floor(index);
  const double low = sorted[static_cast<std::size_t>(floor)];
  const double high = sorted[static_cast<std::size_t>(std::ceil(index))];
  if (low == high) return low;  // also if both are infinite
  return low + (index - floor) * (high - low);
}

TrialSummary SummaryOf(const std::vector<GenerationMeasurement>& trials) {
  TrialSummary summary;
  summary.total_s = SpreadOf(trials, &GenerationMeasurement::total_s);
  summary.prefill_s = SpreadOf(trials, &GenerationMeasurement::first_token_s);
  summary.decode_s = SpreadOf(trials, &GenerationMeasurement::DecodeSeconds);
  summary.per_token_s = SpreadOf(trials, &GenerationMeasurement::per_token_s);
  for (const GenerationMeasurement& trial : trials) {
    if (trial.peak_memory_bytes > summary.peak_memory_bytes) {
      summary.peak_memory_bytes = trial.peak_memory_bytes;
    }
  }
  return summary;
}

// Whether two outputs are the same tokens in every row.
bool SameTokens(const Tokens& a, const Tokens& b) {
  if (a.shape(0) != b.shape(0) || a.shape(1) != b.shape(1)) return false;
  for (std::size_t row = 0; row < a.shape(0); ++row) {
    for (std::size_t t = 0; t < a.shape(1); ++t) {
      if (a(row, t) != b(row, t)) return false;
    }
  }
  return true;
}

}  // namespace

Spread Summarise(std::vector<double> values) {
  if (values.empty() || std::ranges::any_of(values, [](double value) {
        return std::isnan(value);
      })) {
    throw ContractError("Summarise: there is no value, or one is not a number",
                        "no values have no median, and NaN cannot be sorted",
                        "summarise at least one measured number");
  }
  std::ranges::sort(values);
  return {.low = ValueAt(values, 0.25),
          .median = ValueAt(values, 0.5),
          .high = ValueAt(values, 0.75)};
}

Trial TrialsOf(Gpt2& model, const TokenBatch& prompt,
               const GenerateOptions& options, const Instruments& instruments) {
  return [&model, prompt, options, instruments](Caching caching,
                                                std::size_t new_tokens) {
    GenerateOptions of_this_length = options;
    of_this_length.new_tokens = new_tokens;
    return BenchmarkGeneration(model, prompt, of_this_length, caching,
                               instruments);
  };
}

std::vector<LengthComparison> CompareGeneration(
    const Trial& trial, const ComparisonOptions& options) {
  CheckOptions(options);
  std::vector<LengthComparison> comparisons;
  for (const std::size_t new_tokens : options.lengths) {
    std::vector<GenerationMeasurement> uncached;
    std::vector<GenerationMeasurement> cached;
    std::vector<double> ratios;
    LengthComparison comparison;
    comparison.new_tokens = new_tokens;
    for (std::size_t i = 0; i < options.warm_up + options.trials; ++i) {
      const bool counts = i >= options.warm_up;
      const std::size_t number = counts ? i - options.warm_up : i;
      const bool cached_first = number % 2 == 1;
      const GenerationMeasurement first =
          trial(cached_first ? Caching::kOn : Caching::kOff, new_tokens);
      CheckLength(first, new_tokens);
      const GenerationMeasurement second =
          trial(cached_first ? Caching::kOff : Caching::kOn, new_tokens);
      CheckLength(second, new_tokens);
      if (!counts) continue;
      cached.push_back(cached_first ? first : second);
      uncached.push_back(cached_first ? second : first);
      ratios.push_back(uncached.back().total_s / cached.back().total_s);
      if (!SameTokens(first.generated, second.generated)) {
        ++comparison.differing_pairs;
      }
    }
    comparison.uncached = SummaryOf(uncached);
    comparison.cached = SummaryOf(cached);
    comparison.speedup = Summarise(ratios);
    comparisons.push_back(comparison);
  }
  return comparisons;
}

}  // namespace kvlab
