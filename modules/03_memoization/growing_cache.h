// Module 3, contrast: a cache that grows by concatenation, as many first
// versions do. Right answers, wrong cost.
#ifndef KVLAB_MODULES_03_MEMOIZATION_GROWING_CACHE_H_
#define KVLAB_MODULES_03_MEMOIZATION_GROWING_CACHE_H_

#include <cstddef>
#include <cstdint>

#include "kit/tensor/tensor.h"

namespace kvlab {

// There is no max_seq_len: the storage grows with each Append.
struct GrowingCacheShape {
  std::size_t batch = 0;
  std::size_t num_kv_heads = 0;
  std::size_t head_dim = 0;
};

class GrowingCache {
 public:
  // Empty: nothing is reserved.
  explicit GrowingCache(const GrowingCacheShape& shape);

  // Task 3.9. Makes new storage for PastLen() + new_len tokens, copies the old
  // tokens and then the new ones into it: O(PastLen() + new_len).
  //   keys, values: [batch, num_kv_heads, new_len, head_dim]
  // Throws ContractError, changing nothing, if a shape disagrees.
  void Append(const Tensor4& keys, const Tensor4& values);

  // [batch, num_kv_heads, PastLen(), head_dim], in O(1); valid until Append.
  ConstView4 Keys() const { return View(keys_); }
  ConstView4 Values() const { return View(values_); }
  std::size_t PastLen() const { return keys_.shape(2); }

  // Task 3.9. Bytes of keys and values written by all Appends so far, including
  // copies of old tokens. n appends of one token write
  // n(n+1)/2 * 2 * batch * num_kv_heads * head_dim * 4 bytes.
  std::uint64_t BytesWritten() const { return bytes_written_; }

 private:
  // Given. Throws what Append promises to throw.
  void CheckAppend(const Tensor4& keys, const Tensor4& values) const;

  Tensor4 keys_;
  Tensor4 values_;
  std::uint64_t bytes_written_ = 0;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_GROWING_CACHE_H_
