// Module 3 as the lecture writes it: copies element by element.
#include "modules/03_memoization/growing_cache.h"

#include <array>
#include <cstddef>
#include <utility>

#include "kit/tensor/tensor.h"
#include "xtensor/generators/xbuilder.hpp"

namespace kvlab {

GrowingCache::GrowingCache(const GrowingCacheShape& shape)
    : keys_(Tensor4::from_shape({shape.batch, shape.num_kv_heads, 0,
                                 shape.head_dim})),  // [B, G, 0, D]
      values_(keys_) {}

void GrowingCache::CheckAppend(const Tensor4& keys,
                               const Tensor4& values) const {
  const std::array<std::size_t, 4> expected = {keys_.shape(0), keys_.shape(1),
                                               keys.shape(2), keys_.shape(3)};
  CheckShape("GrowingCache::Append: keys", keys, expected);
  CheckShape("GrowingCache::Append: values", values, expected);
}

void GrowingCache::Append(const Tensor4& keys, const Tensor4& values) {
  CheckAppend(keys, values);
  const std::size_t past_len = PastLen();
  const std::size_t new_len = keys.shape(2);
  // [B, G, P, D] -> [B, G, P + T, D]
  Tensor4 all_keys = Tensor4::from_shape(
      {keys_.shape(0), keys_.shape(1), past_len + new_len, keys_.shape(3)});
  Tensor4 all_values = Tensor4::from_shape(all_keys.shape());
  for (std::size_t b = 0; b < all_keys.shape(0); ++b) {
    for (std::size_t h = 0; h < all_keys.shape(1); ++h) {
      for (std::size_t d = 0; d < all_keys.shape(3); ++d) {
        for (std::size_t t = 0; t < past_len; ++t) {
          all_keys(b, h, t, d) = keys_(b, h, t, d);
          all_values(b, h, t, d) = values_(b, h, t, d);
        }
        for (std::size_t t = 0; t < new_len; ++t) {
          all_keys(b, h, past_len + t, d) = keys(b, h, t, d);
          all_values(b, h, past_len + t, d) = values(b, h, t, d);
        }
      }
    }
  }
  keys_ = std::move(all_keys);
  values_ = std::move(all_values);
  bytes_written_ += (keys_.size() + values_.size()) * sizeof(float);
}

}  // namespace kvlab
