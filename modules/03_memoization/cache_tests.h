// Module 3: tests of a cache that you write. A correct cache must pass all of
// them, and a broken one must fail at least one.
// Source: DeMillo, Lipton and Sayward 1978, "Hints on Test Data Selection":
// a set of tests is as good as the wrong programs that it tells from the right
// one.
#ifndef KVLAB_MODULES_03_MEMOIZATION_CACHE_TESTS_H_
#define KVLAB_MODULES_03_MEMOIZATION_CACHE_TESTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/cache_shape.h"

namespace kvlab {

// So many tokens of one layer.
struct LayerLength {
  std::size_t layer = 0;
  std::size_t past_len = 0;
};

// A KvCache as a test sees it. Every function makes the promises that
// kv_cache.h makes for the function named beside it, or breaks one. The cache
// need not be in this process, so Keys and Values are copies, and what a call
// costs or where a view points cannot be tested. Any call may throw.
class TestedCache {
 public:
  TestedCache() = default;
  TestedCache(const TestedCache&) = delete;
  TestedCache& operator=(const TestedCache&) = delete;
  virtual ~TestedCache() = default;

  // KvCache::Layer(layer), then LayerCache::Append, Keys, Values, PastLen or
  // Truncate.
  virtual void Append(std::size_t layer, const Tensor4& keys,
                      const Tensor4& values) = 0;
  virtual Tensor4 Keys(std::size_t layer) const = 0;
  virtual Tensor4 Values(std::size_t layer) const = 0;
  virtual std::size_t LayerPastLen(std::size_t layer) const = 0;
  virtual void TruncateLayer(const LayerLength& kept) = 0;

  // KvCache::PastLen, Truncate, Reset, Bytes.
  virtual std::size_t PastLen() const = 0;
  virtual void Truncate(std::size_t past_len) = 0;
  virtual void Reset() = 0;
  virtual std::uint64_t Bytes() const = 0;
};

// One implementation of kv_cache.h, correct or broken.
class CacheMaker {
 public:
  CacheMaker() = default;
  CacheMaker(const CacheMaker&) = delete;
  CacheMaker& operator=(const CacheMaker&) = delete;
  virtual ~CacheMaker() = default;

  // An empty cache. The grader's have room for 1 GiB in all, and take or give
  // 16 MiB at most in one call.
  virtual std::unique_ptr<TestedCache> Make(const CacheShape& shape) = 0;

  // The CacheBytes of this implementation.
  virtual std::uint64_t BytesOf(const CacheShape& shape,
                                std::size_t bytes_per_element) = 0;
};

// What a test throws to reject a cache. Any other exception rejects it as well.
class TestFailed : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Throws TestFailed, which says `promise`, unless it is kept.
inline void Expect(bool kept, const std::string& promise) {
  if (!kept) throw TestFailed(promise);
}

// Throws TestFailed, which says `what`, unless `call` throws ContractError.
inline void ExpectRefusal(const std::function<void()>& call,
                          const std::string& what) {
  try {
    call();
  } catch (const ContractError&) {
    return;
  }
  throw TestFailed(what + " must be refused with a ContractError");
}

// Whether both have the same shape and the same numbers; NaN equals nothing.
inline bool SameNumbers(const Tensor4& one, const Tensor4& other) {
  return std::ranges::equal(one.shape(), other.shape()) &&
         std::equal(one.begin(), one.end(), other.begin());
}

struct CacheTest {
  // The promise that it tests: "Reset forgets every layer".
  std::string promise;
  // Returns if the cache keeps it, otherwise throws.
  std::function<void(CacheMaker& maker)> run;
};

// Task 3.11. Your tests, which run in this order until one rejects the cache:
//   return {{"a token too many is refused", ATokenTooManyIsRefused}};
// Each makes its own caches, and gives the same verdict each time it runs.
std::vector<CacheTest> CacheTests();

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_CACHE_TESTS_H_
