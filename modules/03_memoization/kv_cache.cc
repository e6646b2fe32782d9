// Fill in the TODOs; README.md beside this file explains each task.
#include "modules/03_memoization/kv_cache.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "kit/copy.h"
#include "kit/error.h"
#include "kit/tensor.h"

namespace kvlab {
namespace {

// Given. Throws if a size that makes a cache is 0.
void CheckSizes(const std::string& who, const CacheShape& shape) {
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
Tensor4 EmptyStorage(const CacheShape& shape) {
  Tensor4 storage = Tensor4::from_shape(
      {shape.batch, shape.num_kv_heads, shape.max_seq_len, shape.head_dim});
  storage.fill(std::numeric_limits<float>::quiet_NaN());
  return storage;
}

}  // namespace

std::uint64_t CacheBytes(const CacheShape& shape,
                         std::size_t bytes_per_element) {
  // TODO(3.2): the product of the header. Multiply factor by factor and refuse
  // (ContractError) before a product no longer fits 64 bits.
  // __builtin_mul_overflow(a, b, &product) tells.
  throw NotImplemented("CacheBytes", "module 3, task 2");
}

LayerCache::LayerCache(const CacheShape& shape) : shape_(shape) {
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
  // TODO(3.3): put the new rows behind the past_len_ rows held, in every batch
  // row and head; then let past_len_ count them. HeadMatrix() is the matrix of
  // one row and head, RowRange() and CopyRows() (kit/copy.h) do the rest.
  throw NotImplemented("LayerCache::Append", "module 3, task 3");
}

ConstView4 LayerCache::Keys() const {
  // TODO(3.4): MakeView over the storage: the shape says how many tokens are
  // held, the strides still step over all max_seq_len of them.
  throw NotImplemented("LayerCache::Keys", "module 3, task 4");
}

ConstView4 LayerCache::Values() const {
  // TODO(3.4): as Keys().
  throw NotImplemented("LayerCache::Values", "module 3, task 4");
}

void LayerCache::Truncate(std::size_t past_len) {
  // TODO(3.4): no token needs to move. Refuse (ContractError) to "forget"
  // tokens that were never stored.
  throw NotImplemented("LayerCache::Truncate", "module 3, task 4");
}

std::uint64_t LayerCache::Bytes() const {
  return (keys_.size() + values_.size()) * sizeof(float);
}

KvCache::KvCache(const CacheShape& shape) : shape_(shape) {
  CheckSizes("KvCache", shape);
  if (shape.num_layers == 0) {
    throw ContractError("KvCache: there are no layers", "num_layers is 0",
                        "give one layer per block");
  }
  layers_.reserve(shape.num_layers);
  for (std::size_t layer = 0; layer < shape.num_layers; ++layer) {
    layers_.emplace_back(shape);
  }
}

LayerCache& KvCache::Layer(std::size_t layer) {
  // TODO(3.5): the layer's cache, or a ContractError if there is none.
  throw NotImplemented("KvCache::Layer", "module 3, task 5");
}

const LayerCache& KvCache::Layer(std::size_t layer) const {
  // TODO(3.5): the same for a cache that may not be changed.
  throw NotImplemented("KvCache::Layer", "module 3, task 5");
}

std::size_t KvCache::PastLen() const {
  // TODO(3.5): the number of tokens that every layer holds.
  throw NotImplemented("KvCache::PastLen", "module 3, task 5");
}

void KvCache::Truncate(std::size_t past_len) {
  // TODO(3.5): first find out whether any layer holds past_len tokens; only
  // then truncate those that do.
  throw NotImplemented("KvCache::Truncate", "module 3, task 5");
}

void KvCache::Reset() {
  // TODO(3.5): every layer. The next prompt must not see this one's tokens.
  throw NotImplemented("KvCache::Reset", "module 3, task 5");
}

std::uint64_t KvCache::Bytes() const {
  std::uint64_t bytes = 0;
  for (const LayerCache& layer : layers_) bytes += layer.Bytes();
  return bytes;
}

}  // namespace kvlab
