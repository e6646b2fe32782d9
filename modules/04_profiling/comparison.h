// Module 4: generation with and without a cache, compared fairly: the same
// number of trials each, alternating, with medians instead of means.
#ifndef KVLAB_MODULES_04_PROFILING_COMPARISON_H_
#define KVLAB_MODULES_04_PROFILING_COMPARISON_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "kit/measure/instruments.h"
#include "kit/model/caching.h"
#include "kit/model/token_batch.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/04_profiling/measurement.h"

namespace kvlab {

// Summary of a few noisy numbers. Half of them are between low and high.
struct Spread {
  double low = 0;  // first quartile
  double median = 0;
  double high = 0;  // third quartile

  friend bool operator==(const Spread&, const Spread&) = default;
};

// Task 4.7. Of the sorted values x[0] .. x[n - 1], quantile p is the value at
// index p (n - 1), interpolated linearly between two values; low, median and
// high are the quantiles 1/4, 1/2 and 3/4.
// Source: Hyndman & Fan 1996, definition 7; numpy's default.
// Throws ContractError if there are no values or one is not a number.
Spread Summarise(std::vector<double> values);

// All trials of one way to generate.
struct TrialSummary {
  Spread total_s;
  Spread prefill_s;  // GenerationMeasurement::first_token_s
  Spread decode_s;   // DecodeSeconds()
  Spread per_token_s;
  std::uint64_t peak_memory_bytes = 0;  // the largest of the trials that count
};

struct LengthComparison {
  std::size_t new_tokens = 0;
  TrialSummary uncached;
  TrialSummary cached;
  // Of the ratios uncached total_s / cached total_s, one for each pair: the two
  // of a pair ran in the same minute, so disturbances of both cancel out.
  Spread speedup;
  // Number of counted pairs whose two outputs were not the same tokens in every
  // row. If not 0: near ties between two tokens, or a wrong cache.
  std::size_t differing_pairs = 0;
};

struct ComparisonOptions {
  std::vector<std::size_t> lengths;  // new tokens, each a comparison
  std::size_t trials = 5;            // pairs that count
  std::size_t warm_up = 1;           // pairs before them, of each length
};

// One run of exactly `new_tokens` new tokens.
using Trial = std::function<GenerationMeasurement(Caching caching,
                                                  std::size_t new_tokens)>;

// Given. Trials of BenchmarkGeneration with this prompt, options (but
// new_tokens) and seed: always the same tokens. The model must outlive them.
Trial TrialsOf(Gpt2& model, const TokenBatch& prompt,
               const GenerateOptions& options, const Instruments& instruments);

// Task 4.8. For each length, in order: first warm_up pairs, whose results are
// discarded (caches and clock rates settle), then `trials` pairs that count. A
// pair is one trial without a cache and one with. Warm-up pairs are numbered
// from 0, and pairs that count from 0 again; in pairs 0, 2, .. the trial
// without a cache comes first, in pairs 1, 3, .. the trial with one, so neither
// always benefits from running second.
// Throws ContractError, before any trial, if there are no lengths, a length is
// 0, or `trials` is 0; and if any trial, also in a warm-up pair, generated the
// wrong number of tokens.
std::vector<LengthComparison> CompareGeneration(
    const Trial& trial, const ComparisonOptions& options);

}  // namespace kvlab

#endif  // KVLAB_MODULES_04_PROFILING_COMPARISON_H_
