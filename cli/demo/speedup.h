// The same generation with and without a cache, side by side.
#ifndef KVLAB_CLI_DEMO_SPEEDUP_H_
#define KVLAB_CLI_DEMO_SPEEDUP_H_

#include <cstddef>
#include <functional>

#include "cli/generation_run.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {

struct MeasuredSpeedup {
  std::size_t prompt_tokens = 0;
  std::size_t new_tokens = 0;
  std::size_t equal_tokens = 0;  // equal from the start, in the worst pair
  Tokens first_tokens = {};      // these, [1, equal_tokens], of a single row
  double uncached_s = 0;         // medians over the pairs
  double cached_s = 0;
  double speedup = 0;  // median of the pairs' ratios, and their range
  double speedup_low = 0;
  double speedup_high = 0;
  // MACs without a cache / MACs with it, counted. The cache cannot save more
  // time than work, so this is the ceiling of the speedup.
  double work_ratio = 0;
  CacheMemory cache = {};
};

// Called before each pair with its number, from 1.
using OnPair = std::function<void(std::size_t)>;

// Runs `pairs` pairs, uncached then cached, so that a machine that slows down
// slows both. Throws ContractError for no pairs.
MeasuredSpeedup MeasureSpeedup(Gpt2& model, const TokenBatch& prompt,
                               const GenerateOptions& options,
                               std::size_t pairs, const OnPair& on_pair);

// How many tokens agree before the first that does not.
std::size_t EqualTokens(const Tokens& a, const Tokens& b);

}  // namespace kvlab

#endif  // KVLAB_CLI_DEMO_SPEEDUP_H_
