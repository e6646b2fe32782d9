// Module 4 as the lecture writes it: all readings first, then what they say.
#include "modules/04_profiling/measurement.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/measure/instruments.h"
#include "kit/model/caching.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"

namespace kvlab {
namespace {

// Given. Throws if the clock ran backwards or did not move.
void CheckTimes(double first_token_s, double total_s) {
  if (first_token_s < 0 || total_s < first_token_s) {
    throw ContractError(
        "BenchmarkGeneration: the clock ran backwards",
        "the first token came after " + std::to_string(first_token_s) +
            " s, the last after " + std::to_string(total_s) + " s",
        "use a steady clock, not the time of day");
  }
  if (total_s == 0) {
    throw ContractError("BenchmarkGeneration: no time has passed",
                        "the clock is too coarse for so short a run, and "
                        "nothing can be divided by 0 s",
                        "generate more tokens, or use a finer clock");
  }
}

}  // namespace

GenerationMeasurement BenchmarkGeneration(Gpt2& model, const TokenBatch& prompt,
                                          const GenerateOptions& options,
                                          Caching caching,
                                          const Instruments& instruments) {
  if (options.new_tokens == 0) {
    throw ContractError("BenchmarkGeneration: there is nothing to measure",
                        "new_tokens is 0", "generate at least one token");
  }
  std::vector<double> clock;          // readings, in order
  std::vector<std::uint64_t> memory;  // readings, in order
  memory.push_back(instruments.memory_bytes());
  clock.push_back(instruments.now_s());
  GenerateOptions watched = options;
  watched.on_tokens = [&](std::span<const TokenId> tokens) {
    if (clock.size() == 1) clock.push_back(instruments.now_s());
    memory.push_back(instruments.memory_bytes());
    if (options.on_tokens) options.on_tokens(tokens);
  };
  GenerationMeasurement result;
  if (caching == Caching::kOn) {
    result.generated = GenerateCached(model, prompt, watched);
  } else {
    result.generated = Generate(model, prompt, watched);
  }
  clock.push_back(instruments.now_s());

  result.first_token_s = clock.at(1) - clock.at(0);
  result.total_s = clock.at(2) - clock.at(0);
  CheckTimes(result.first_token_s, result.total_s);
  result.memory_before_bytes = memory.front();
  for (std::size_t token = 1; token < memory.size(); ++token) {
    result.peak_memory_bytes =
        std::max(result.peak_memory_bytes, memory[token]);
  }
  result.tokens = result.generated.shape(0) * result.generated.shape(1);
  result.tokens_per_second =
      static_cast<double>(result.tokens) / result.total_s;
  if (options.new_tokens > 1) {
    result.per_token_s = (result.total_s - result.first_token_s) /
                         static_cast<double>(options.new_tokens - 1);
  }
  return result;
}

}  // namespace kvlab
