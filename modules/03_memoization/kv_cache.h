// Module 3: the memo table of generation. Keys and values of every layer and
// position, kept between decode steps.
// Source: Shazeer 2019, arXiv:1911.02150, section 2.4; the attention that
// reads them is Vaswani et al. 2017, arXiv:1706.03762, Eq. 1.
#ifndef KVLAB_MODULES_03_MEMOIZATION_KV_CACHE_H_
#define KVLAB_MODULES_03_MEMOIZATION_KV_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kit/tensor/tensor.h"
#include "modules/03_memoization/cache_shape.h"

namespace kvlab {

// Task 3.2. Bytes of the keys and values of a whole cache:
//   2 * num_layers * num_kv_heads * head_dim * max_seq_len * batch *
//   bytes_per_element
// If any size is 0 the result is 0, however large the others are. Cost: O(1).
// Throws ContractError if the product does not fit 64 bits.
std::uint64_t CacheBytes(const CacheShape& shape,
                         std::size_t bytes_per_element);

// Keys and values of one attention layer.
class LayerCache {
 public:
  // Reserves shape.max_seq_len tokens, filled with NaN so that a row read
  // before it is written cannot pass for a result.
  // Throws ContractError if a size is 0.
  explicit LayerCache(const LayerShape& shape);

  // Task 3.3. Stores the next new_len tokens after the PastLen() already held.
  //   keys, values: [batch, num_kv_heads, new_len, head_dim]
  // new_len may be 0, also when the cache is full.
  // Throws ContractError, changing nothing, if a shape disagrees or the tokens
  // do not fit. Cost grows with new_len, not with PastLen(): nothing is
  // allocated, and stored tokens are neither read nor written. Copy as you
  // like: CopyRows (kit/tensor/copy.h) counts the bytes, std::copy_n does not.
  void Append(const Tensor4& keys, const Tensor4& values);

  // Task 3.4. Views of [batch, num_kv_heads, PastLen(), head_dim] into the
  // storage itself, O(1), including the tokens just appended. They stay valid
  // for the life of the cache, but do not grow with it: call again after
  // Append.
  ConstView4 Keys() const;
  ConstView4 Values() const;

  // Tokens held.
  std::size_t PastLen() const { return past_len_; }
  std::size_t MaxSeqLen() const { return shape_.max_seq_len; }

  // Task 3.4. Forgets all tokens from position `past_len` on, in O(1): stored
  // tokens are neither read nor written.
  // Throws ContractError, changing nothing, if past_len exceeds PastLen().
  void Truncate(std::size_t past_len);

  // Bytes reserved for keys and values together.
  std::uint64_t Bytes() const;

 private:
  // Given. Throws what Append promises to throw.
  void CheckAppend(const Tensor4& keys, const Tensor4& values) const;

  LayerShape shape_;
  Tensor4 keys_;    // [batch, num_kv_heads, max_seq_len, head_dim]
  Tensor4 values_;  // [batch, num_kv_heads, max_seq_len, head_dim]
  std::size_t past_len_ = 0;
};

// One LayerCache per layer.
class KvCache {
 public:
  // Throws ContractError if a size is 0.
  explicit KvCache(const CacheShape& shape);

  const CacheShape& Shape() const { return shape_; }

  // Task 3.5. The cache of one layer, in O(1). Throws ContractError if there is
  // no such layer.
  LayerCache& Layer(std::size_t layer);
  const LayerCache& Layer(std::size_t layer) const;

  // Task 3.5. Tokens held by all layers: the smallest PastLen() of them, since
  // in the middle of a forward pass the first layers are ahead of the last.
  // This, Truncate and Reset cost O(num_layers): they allocate nothing, and
  // stored tokens are neither read nor written.
  std::size_t PastLen() const;

  // Task 3.5. Forgets all tokens from position `past_len` on, in every layer;
  // a layer that holds fewer stays as it is. Throws ContractError, changing
  // nothing, if no layer holds past_len tokens.
  void Truncate(std::size_t past_len);

  // Task 3.5. Forgets everything, in every layer.
  void Reset();

  // Bytes of all layers: equal to CacheBytes(Shape(), sizeof(float)).
  std::uint64_t Bytes() const;

 private:
  CacheShape shape_;
  std::vector<LayerCache> layers_;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_KV_CACHE_H_
