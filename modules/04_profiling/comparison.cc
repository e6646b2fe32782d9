// Fill in the TODOs: the header says what is promised, README.md says why.
#include "modules/04_profiling/comparison.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "kit/caching.h"
#include "kit/error.h"
#include "kit/instruments.h"
#include "kit/token_batch.h"
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

// Given. Throws unless the trial generated as many tokens as it was to.
void CheckLength(const GenerationMeasurement& trial, std::size_t new_tokens) {
  if (trial.generated.shape(1) != new_tokens) {
    throw ContractError("CompareGeneration: a trial stopped at another length",
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
  for (const GenerationMeasurement& trial : trials) {
    values.push_back(std::invoke(number, trial));
  }
  return Summarise(std::move(values));
}

}  // namespace

Spread Summarise(std::vector<double> values) {
  if (values.empty() || std::ranges::any_of(values, [](double value) {
        return std::isnan(value);
      })) {
    throw ContractError("Summarise: there is no value, or one is not a number",
                        "neither has a place in a sorted row",
                        "summarise at least one measured number");
  }
  // TODO(4.7): sort; then the quantiles 1/4, 1/2 and 3/4 of the header.
  // std::lerp(a, b, t) is a + t (b - a).
  throw NotImplemented("Summarise", "module 4, task 7");
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
  // TODO(4.8): for each length: run the pairs that warm up, then those that
  // count, in the order of the header (CheckLength each trial). Compare the
  // tokens of a pair, keep its quotient, and summarise with SpreadOf and
  // Summarise.
  throw NotImplemented("CompareGeneration", "module 4, task 8");
}

}  // namespace kvlab
