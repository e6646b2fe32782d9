// Module 4: one generation, measured.
#ifndef KVLAB_MODULES_04_PROFILING_MEASUREMENT_H_
#define KVLAB_MODULES_04_PROFILING_MEASUREMENT_H_

#include <cstddef>
#include <cstdint>

#include "kit/measure/instruments.h"
#include "kit/model/caching.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {

struct GenerationMeasurement {
  Tokens generated;        // [B, new_tokens]
  std::size_t tokens = 0;  // of all rows: B * new_tokens
  // From the call until every row has its first token: the prefill.
  double first_token_s = 0;
  // From the call until all tokens are generated and the cache, if any, is
  // freed.
  double total_s = 0;
  // The mean of the steps after the first:
  // (total_s - first_token_s) / (new_tokens - 1); 0 if there are none.
  double per_token_s = 0;
  double tokens_per_second = 0;  // tokens / total_s
  std::uint64_t memory_before_bytes = 0;
  // The largest reading after any of the tokens, while the cache exists. The
  // reading before the run does not count, even if larger.
  std::uint64_t peak_memory_bytes = 0;

  // What comes after the prefill.
  double DecodeSeconds() const { return total_s - first_token_s; }
};

// Task 4.6. Runs Generate (kOff) or GenerateCached (kOn) once and measures it.
// Reads the instruments in this order, and at no other time:
//   before the run        the memory, then the clock
//   after the first token the clock, then the memory
//   after each later one  the memory
//   after the run         the clock
// so a slow reading of the memory never adds to the time of the first token.
// options.on_tokens is called for every token as usual, and for the first one
// after the clock is read.
// Throws ContractError if there are no new tokens to measure, or if the clock
// ran backwards or did not move; also passes on what the generation, the
// instruments or on_tokens throw, after which the model is as before.
GenerationMeasurement BenchmarkGeneration(Gpt2& model, const TokenBatch& prompt,
                                          const GenerateOptions& options,
                                          Caching caching,
                                          const Instruments& instruments);

}  // namespace kvlab

#endif  // KVLAB_MODULES_04_PROFILING_MEASUREMENT_H_
