#include "cli/demo/speedup.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "kit/error.h"
#include "kit/math/median.h"
#include "kit/measure/paired_ratios.h"

namespace kvlab {

std::size_t EqualTokens(const Tokens& a, const Tokens& b) {
  const auto difference = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(difference.first - a.begin());
}

MeasuredSpeedup MeasureSpeedup(Gpt2& model, const TokenBatch& prompt,
                               const GenerateOptions& options,
                               std::size_t pairs, const OnPair& on_pair) {
  if (pairs == 0) {
    throw ContractError("MeasureSpeedup: no pairs",
                        "there is nothing to compare", "run at least one pair");
  }
  MeasuredSpeedup result = {.prompt_tokens = prompt.ids.shape(1),
                            .new_tokens = options.new_tokens,
                            .equal_tokens = options.new_tokens};
  std::vector<double> uncached_s;
  std::vector<double> cached_s;
  PairedRatios speedups;
  for (std::size_t pair = 1; pair <= pairs; ++pair) {
    on_pair(pair);
    const GenerationRun uncached =
        RunGeneration(model, prompt, options, Caching::kOff);
    const GenerationRun cached =
        RunGeneration(model, prompt, options, Caching::kOn);
    uncached_s.push_back(uncached.total_s);
    cached_s.push_back(cached.total_s);
    speedups.Add(uncached.total_s / cached.total_s);
    const std::size_t equal = EqualTokens(uncached.tokens, cached.tokens);
    if (pair == 1 || equal < result.equal_tokens) {
      result.equal_tokens = equal;
      result.first_tokens = Tokens::from_shape({1, equal});
      std::copy_n(cached.tokens.begin(), equal, result.first_tokens.begin());
    }
    result.work_ratio = static_cast<double>(uncached.work.Total()) /
                        static_cast<double>(cached.work.Total());
    if (pair == 1 && cached.cache) result.cache = MeasureCache(*cached.cache);
  }
  result.uncached_s = Median(uncached_s);
  result.cached_s = Median(cached_s);
  result.speedup = speedups.Median();
  result.speedup_low = speedups.Least();
  result.speedup_high = speedups.Most();
  return result;
}

}  // namespace kvlab
