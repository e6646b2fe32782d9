// Module 4: the memory of a KV cache, for any model, and what fits in a budget.
// Source: Shazeer 2019, arXiv:1911.02150, section 2.4; with grouped heads
// Ainslie 2023, arXiv:2305.13245; with a window Jiang 2023, arXiv:2310.06825.
#ifndef KVLAB_MODULES_04_PROFILING_MEMORY_H_
#define KVLAB_MODULES_04_PROFILING_MEMORY_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kit/model/known_models.h"

namespace kvlab {

// How a model is used.
struct CacheUse {
  std::size_t batch = 1;
  std::size_t seq_len = 0;                        // tokens per row
  std::size_t bytes_per_element = sizeof(float);  // 2 for float16, 1 for int8
};

struct LayerBytes {
  std::uint64_t keys = 0;
  std::uint64_t values = 0;

  friend bool operator==(const LayerBytes&, const LayerBytes&) = default;
};

// Task 4.1. Bytes of the keys and of the values of each layer, num_layers
// entries. A layer holds the seq_len tokens of each row, or the newest
// `window` of them if the model has a window and seq_len exceeds it; neither
// num_heads nor max_positions changes that.
// Throws ContractError if the bytes of a layer, keys and values together, do
// not fit in 64 bits.
std::vector<LayerBytes> KvCacheBreakdown(const ModelShape& model,
                                         const CacheUse& use);

// Task 4.1. The sum of the breakdown: without a window
//   2 * num_layers * num_kv_heads * head_dim * seq_len * batch *
//   bytes_per_element
// Takes no longer for more layers: it also works for 2^40 of them, whose
// breakdown fits in no memory.
// Throws ContractError if the sum does not fit 64 bits.
std::uint64_t KvCacheBytes(const ModelShape& model, const CacheUse& use);

// Task 4.2. The longest context that use.batch rows can have in budget_bytes:
// the largest seq_len, at most max_positions, for which KvCacheBytes is at most
// the budget; 0 if not even one token per row fits. A window may be longer than
// max_positions. use.seq_len is ignored.
// Throws ContractError if one token per row takes no bytes (num_layers,
// num_kv_heads, head_dim, batch or bytes_per_element is 0), or more than 64
// bits can count.
std::size_t LongestContext(const ModelShape& model, const CacheUse& use,
                           std::uint64_t budget_bytes);

// Task 4.2. How many rows (users) of use.seq_len tokens fit in budget_bytes:
// the largest batch for which KvCacheBytes is at most the budget; 0 if not even
// one row fits. use.batch is ignored.
// Throws ContractError if a row takes no bytes (also if seq_len is 0), or more
// than 64 bits can count.
std::size_t LargestBatch(const ModelShape& model, const CacheUse& use,
                         std::uint64_t budget_bytes);

}  // namespace kvlab

#endif  // KVLAB_MODULES_04_PROFILING_MEMORY_H_
