// Module 4 as the lecture writes it: the formula of the header, and a search
// for the largest number whose bytes fit.
#include "modules/04_profiling/memory.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/model/known_models.h"
#include "modules/04_profiling/exact.h"

namespace kvlab {
namespace {

// Given. Throws if `bytes`, the size of one token or row, is 0.
void CheckTakesBytes(const std::string& who, std::uint64_t bytes) {
  if (bytes == 0) {
    throw ContractError(who + ": the cache takes no bytes",
                        "a size of the model or of its use is 0, so any number "
                        "of them fits",
                        "give every size of the cache");
  }
}

// Bytes of the keys, or of the values, of one layer.
Exact HalfLayerBytes(const ModelShape& model, const CacheUse& use) {
  std::uint64_t kept = use.seq_len;
  if (model.window > 0 && model.window < kept) kept = model.window;
  return Exact(model.num_kv_heads) * model.head_dim * kept * use.batch *
         use.bytes_per_element;
}

// Whether the cache fits in the budget; a size beyond 64 bits fits in none.
bool Fits(const ModelShape& model, const CacheUse& use,
          std::uint64_t budget_bytes) {
  try {
    return KvCacheBytes(model, use) <= budget_bytes;
  } catch (const ContractError&) {
    return false;
  }
}

// The largest count from 0 to `most` for which fits(count), which is true up to
// some count and false from there on.
template <typename Predicate>
std::uint64_t Largest(std::uint64_t most, const Predicate& fits) {
  std::uint64_t largest = 0;
  for (std::uint64_t step = std::uint64_t{1} << 63U; step > 0; step /= 2) {
    if (step <= most - largest && fits(largest + step)) largest += step;
  }
  return largest;
}

}  // namespace

std::vector<LayerBytes> KvCacheBreakdown(const ModelShape& model,
                                         const CacheUse& use) {
  // Refuses a layer whose keys and values do not fit 64 bits together.
  static_cast<void>((HalfLayerBytes(model, use) * 2).Value());
  const std::uint64_t half = HalfLayerBytes(model, use).Value();
  std::vector<LayerBytes> layers;
  for (std::size_t layer = 0; layer < model.num_layers; ++layer) {
    layers.push_back({.keys = half, .values = half});
  }
  return layers;
}

std::uint64_t KvCacheBytes(const ModelShape& model, const CacheUse& use) {
  return (HalfLayerBytes(model, use) * 2 * model.num_layers).Value();
}

std::size_t LongestContext(const ModelShape& model, const CacheUse& use,
                           std::uint64_t budget_bytes) {
  CacheUse tokens = use;
  tokens.seq_len = 1;
  CheckTakesBytes("LongestContext", KvCacheBytes(model, tokens));
  return Largest(model.max_positions, [&](std::uint64_t seq_len) {
    tokens.seq_len = seq_len;
    return Fits(model, tokens, budget_bytes);
  });
}

std::size_t LargestBatch(const ModelShape& model, const CacheUse& use,
                         std::uint64_t budget_bytes) {
  CacheUse rows = use;
  rows.batch = 1;
  CheckTakesBytes("LargestBatch", KvCacheBytes(model, rows));
  return Largest(std::numeric_limits<std::uint64_t>::max(),
                 [&](std::uint64_t batch) {
                   rows.batch = batch;
                   return Fits(model, rows, budget_bytes);
                 });
}

}  // namespace kvlab
