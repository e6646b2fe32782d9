// Module 3: the implementation of kv_cache.h that is linked, as task 3.11's
// tests see it.
#ifndef KVLAB_MODULES_03_MEMOIZATION_CACHE_UNDER_TEST_H_
#define KVLAB_MODULES_03_MEMOIZATION_CACHE_UNDER_TEST_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kit/tensor/tensor.h"
#include "modules/03_memoization/cache_shape.h"
#include "modules/03_memoization/cache_tests.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {

// A KvCache. Those derived from it in broken_caches.h break one promise each.
class CacheUnderTest : public TestedCache {
 public:
  explicit CacheUnderTest(const CacheShape& shape) : cache_(shape) {}

  void Append(std::size_t layer, const Tensor4& keys,
              const Tensor4& values) override {
    cache_.Layer(layer).Append(keys, values);
  }
  Tensor4 Keys(std::size_t layer) const override {
    return cache_.Layer(layer).Keys();
  }
  Tensor4 Values(std::size_t layer) const override {
    return cache_.Layer(layer).Values();
  }
  std::size_t LayerPastLen(std::size_t layer) const override {
    return cache_.Layer(layer).PastLen();
  }
  void TruncateLayer(const LayerLength& kept) override {
    cache_.Layer(kept.layer).Truncate(kept.past_len);
  }
  std::size_t PastLen() const override { return cache_.PastLen(); }
  void Truncate(std::size_t past_len) override { cache_.Truncate(past_len); }
  void Reset() override { cache_.Reset(); }
  std::uint64_t Bytes() const override { return cache_.Bytes(); }

 private:
  KvCache cache_;
};

// Makes caches of the class `Cache`.
template <typename Cache = CacheUnderTest>
class MakerOf : public CacheMaker {
 public:
  std::unique_ptr<TestedCache> Make(const CacheShape& shape) override {
    return std::make_unique<Cache>(shape);
  }
  std::uint64_t BytesOf(const CacheShape& shape,
                        std::size_t bytes_per_element) override {
    return CacheBytes(shape, bytes_per_element);
  }
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_CACHE_UNDER_TEST_H_
