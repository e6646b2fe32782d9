// One generation, timed and counted.
#ifndef KVLAB_CLI_GENERATION_RUN_H_
#define KVLAB_CLI_GENERATION_RUN_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "kit/math/work.h"
#include "kit/model/caching.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/kv_cache.h"
#include "modules/05_beyond/cache_policy.h"

namespace kvlab {

struct GenerationRun {
  Tokens tokens;             // [batch, new_tokens]
  double first_token_s = 0;  // from the start until the first token
  double total_s = 0;
  WorkCounts work;
  // Module 3's cache, if the model had one while it generated.
  std::optional<CacheShape> cache;
  // What a cache of a policy held at the end.
  std::optional<std::uint64_t> policy_bytes;

  double TokensPerSecond() const;
};

// Runs Generate (module 2) or GenerateCached (module 3).
GenerationRun RunGeneration(Gpt2& model, const TokenBatch& prompt,
                            const GenerateOptions& options, Caching caching);

// Runs GenerateWithPolicy (module 5).
GenerationRun RunGeneration(Gpt2& model, const TokenBatch& prompt,
                            const GenerateOptions& options,
                            const CachePolicy& policy);

// The memory of a cache of this shape.
struct CacheMemory {
  std::uint64_t formula_bytes = 0;   // CacheBytes of float32
  std::uint64_t measured_bytes = 0;  // growth of this process's heap
};

// Builds a KvCache and reads the heap before and after: its floats, its
// objects, and malloc's overhead for each block.
CacheMemory MeasureCache(const CacheShape& shape);

}  // namespace kvlab

#endif  // KVLAB_CLI_GENERATION_RUN_H_
