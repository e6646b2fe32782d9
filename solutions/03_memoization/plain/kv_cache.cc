// Module 3 as the lecture writes it.
#include "modules/03_memoization/kv_cache.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "kit/error.h"
#include "kit/tensor/copy.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

// Given. Throws if a size that makes a cache is 0.
void CheckSizes(const std::string& who, const LayerShape& shape) {
  if (shape.batch == 0 || shape.max_seq_len == 0 || shape.num_kv_heads == 0 ||
      shape.head_dim == 0) {
    const std::array<std::size_t, 4> sizes = {
        shape.batch, shape.num_kv_heads, shape.max_seq_len, shape.head_dim};
    throw ContractError(
        who + ": a size is 0",
        "[batch, num_kv_heads, max_seq_len, head_dim] is " + ShapeText(sizes),
        "a cache holds at least one token of one row");
  }
}

// Given. Storage for a layer's keys or values, filled with NaN.
Tensor4 EmptyStorage(const LayerShape& shape) {
  // [B, G, max_seq_len, D]
  Tensor4 storage = Tensor4::from_shape(
      {shape.batch, shape.num_kv_heads, shape.max_seq_len, shape.head_dim});
  storage.fill(std::numeric_limits<float>::quiet_NaN());
  return storage;
}

// The first past_len tokens of `storage`, where they lie.
ConstView4 HeldTokens(const Tensor4& storage, const LayerShape& shape,
                      std::size_t past_len) {
  const std::size_t head_stride = shape.max_seq_len * shape.head_dim;
  return MakeView(
      storage.data(),
      {shape.batch, shape.num_kv_heads, past_len, shape.head_dim},
      {shape.num_kv_heads * head_stride, head_stride, shape.head_dim});
}

void CheckLayer(std::size_t layer, std::size_t num_layers) {
  if (layer >= num_layers) {
    throw ContractError(
        "KvCache::Layer: there is no layer " + std::to_string(layer),
        "the cache has " + std::to_string(num_layers) + " layers",
        "count layers from 0");
  }
}

}  // namespace

std::uint64_t CacheBytes(const CacheShape& shape,
                         std::size_t bytes_per_element) {
  const std::array<std::uint64_t, 7> factors = {2,
                                                shape.num_layers,
                                                shape.num_kv_heads,
                                                shape.head_dim,
                                                shape.max_seq_len,
                                                shape.batch,
                                                bytes_per_element};
  for (const std::uint64_t factor : factors) {
    if (factor == 0) return 0;
  }
  std::uint64_t bytes = 1;
  for (const std::uint64_t factor : factors) {
    std::uint64_t product = 0;
    if (__builtin_mul_overflow(bytes, factor, &product)) {
      throw ContractError("CacheBytes: the cache exceeds 64-bit arithmetic",
                          std::to_string(bytes) + " * " +
                              std::to_string(factor) + " does not fit 64 bits",
                          "check the sizes: no machine holds this much");
    }
    bytes = product;
  }
  return bytes;
}

LayerCache::LayerCache(const LayerShape& shape) : shape_(shape) {
  CheckSizes("LayerCache", shape);
  keys_ = EmptyStorage(shape);
  values_ = EmptyStorage(shape);
}

void LayerCache::CheckAppend(const Tensor4& keys, const Tensor4& values) const {
  const std::size_t new_len = keys.shape(2);
  const std::array<std::size_t, 4> expected = {
      shape_.batch, shape_.num_kv_heads, new_len, shape_.head_dim};
  CheckShape("LayerCache::Append: keys", keys, expected);
  CheckShape("LayerCache::Append: values", values, expected);
  if (new_len > shape_.max_seq_len - past_len_) {
    const std::string total = std::to_string(past_len_ + new_len);
    throw ContractError(
        "LayerCache::Append: no room for " + std::to_string(new_len) +
            " more tokens",
        "past_len " + std::to_string(past_len_) + " + new_len " +
            std::to_string(new_len) + " = " + total + ", max_seq_len is " +
            std::to_string(shape_.max_seq_len),
        "build the cache for " + total + " tokens, or stop decoding at " +
            std::to_string(shape_.max_seq_len));
  }
}

void LayerCache::Append(const Tensor4& keys, const Tensor4& values) {
  CheckAppend(keys, values);
  const std::size_t new_len = keys.shape(2);
  for (std::size_t b = 0; b < shape_.batch; ++b) {
    for (std::size_t h = 0; h < shape_.num_kv_heads; ++h) {
      CopyRows(
          HeadMatrix(keys, b, h),
          RowRange(HeadMatrix(keys_, b, h), past_len_, past_len_ + new_len));
      CopyRows(
          HeadMatrix(values, b, h),
          RowRange(HeadMatrix(values_, b, h), past_len_, past_len_ + new_len));
    }
  }
  past_len_ += new_len;
}

ConstView4 LayerCache::Keys() const {
  return HeldTokens(keys_, shape_, past_len_);
}

ConstView4 LayerCache::Values() const {
  return HeldTokens(values_, shape_, past_len_);
}

void LayerCache::Truncate(std::size_t past_len) {
  if (past_len > past_len_) {
    throw ContractError("LayerCache::Truncate: there are not so many tokens",
                        "past_len " + std::to_string(past_len) +
                            " is asked for, " + std::to_string(past_len_) +
                            " are held",
                        "truncate to at most PastLen()");
  }
  past_len_ = past_len;
}

std::uint64_t LayerCache::Bytes() const {
  return (keys_.size() + values_.size()) * sizeof(float);
}

KvCache::KvCache(const CacheShape& shape) : shape_(shape) {
  CheckSizes("KvCache", shape.Layer());
  if (shape.num_layers == 0) {
    throw ContractError("KvCache: there are no layers", "num_layers is 0",
                        "give one layer per block");
  }
  layers_.reserve(shape.num_layers);
  for (std::size_t layer = 0; layer < shape.num_layers; ++layer) {
    layers_.emplace_back(shape.Layer());
  }
}

LayerCache& KvCache::Layer(std::size_t layer) {
  CheckLayer(layer, layers_.size());
  return layers_[layer];
}

const LayerCache& KvCache::Layer(std::size_t layer) const {
  CheckLayer(layer, layers_.size());
  return layers_[layer];
}

std::size_t KvCache::PastLen() const {
  std::size_t past_len = layers_.front().PastLen();
  for (const LayerCache& layer : layers_) {
    past_len = std::min(past_len, layer.PastLen());
  }
  return past_len;
}

void KvCache::Truncate(std::size_t past_len) {
  std::size_t longest = 0;
  for (const LayerCache& layer : layers_) {
    longest = std::max(longest, layer.PastLen());
  }
  if (past_len > longest) {
    throw ContractError("KvCache::Truncate: no layer holds so many tokens",
                        "past_len " + std::to_string(past_len) +
                            " is asked for, the longest layer holds " +
                            std::to_string(longest),
                        "truncate to at most the tokens held");
  }
  for (LayerCache& layer : layers_) {
    if (layer.PastLen() > past_len) layer.Truncate(past_len);
  }
}

void KvCache::Reset() {
  for (LayerCache& layer : layers_) layer.Truncate(0);
}

std::uint64_t KvCache::Bytes() const {
  std::uint64_t bytes = 0;
  for (const LayerCache& layer : layers_) bytes += layer.Bytes();
  return bytes;
}

}  // namespace kvlab
