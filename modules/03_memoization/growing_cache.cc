// Fill in the TODOs; README.md beside this file explains each task.
#include "modules/03_memoization/growing_cache.h"

#include <array>
#include <cstddef>
#include <utility>

#include "kit/error.h"
#include "kit/tensor.h"
#include "xtensor/xbuilder.hpp"

namespace kvlab {

GrowingCache::GrowingCache(std::size_t batch, std::size_t num_kv_heads,
                           std::size_t head_dim)
    : keys_(Tensor4::from_shape({batch, num_kv_heads, 0, head_dim})),
      values_(Tensor4::from_shape({batch, num_kv_heads, 0, head_dim})) {}

void GrowingCache::CheckAppend(const Tensor4& keys,
                               const Tensor4& values) const {
  const std::array<std::size_t, 4> expected = {keys_.shape(0), keys_.shape(1),
                                               keys.shape(2), keys_.shape(3)};
  CheckShape("GrowingCache::Append: keys", keys, expected);
  CheckShape("GrowingCache::Append: values", values, expected);
}

void GrowingCache::Append(const Tensor4& keys, const Tensor4& values) {
  CheckAppend(keys, values);
  // TODO(3.9): xt::concatenate(xt::xtuple(old, fresh), 2) makes a new tensor
  // from both; put it in place of the old one. Then count every byte that was
  // written, of old tokens and new.
  throw NotImplemented("GrowingCache::Append", "module 3, task 9");
}

}  // namespace kvlab
