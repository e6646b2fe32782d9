// Module 3: the sizes of a cache, which travel together.
#ifndef KVLAB_MODULES_03_MEMOIZATION_CACHE_SHAPE_H_
#define KVLAB_MODULES_03_MEMOIZATION_CACHE_SHAPE_H_

#include <cstddef>

namespace kvlab {

// The size of one layer's cache.
struct LayerShape {
  std::size_t batch = 0;
  std::size_t max_seq_len = 0;
  std::size_t num_kv_heads = 0;  // G: with grouped heads fewer than H
  std::size_t head_dim = 0;
};

// The size of a model's cache: a layer's, num_layers times.
struct CacheShape {
  std::size_t batch = 0;
  std::size_t max_seq_len = 0;
  std::size_t num_layers = 0;
  std::size_t num_kv_heads = 0;
  std::size_t head_dim = 0;

  // The shape of each of its layers.
  constexpr LayerShape Layer() const {
    return {.batch = batch,
            .max_seq_len = max_seq_len,
            .num_kv_heads = num_kv_heads,
            .head_dim = head_dim};
  }

  friend bool operator==(const CacheShape&, const CacheShape&) = default;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_CACHE_SHAPE_H_
