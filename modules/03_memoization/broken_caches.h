// Module 3: caches that are broken on purpose, for your tests of task 3.11.
// Each is your own cache except for one promise. The grader has others.
#ifndef KVLAB_MODULES_03_MEMOIZATION_BROKEN_CACHES_H_
#define KVLAB_MODULES_03_MEMOIZATION_BROKEN_CACHES_H_

#include <cstddef>

#include "kit/error.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/cache_under_test.h"

namespace kvlab {

// Tokens that do not fit are dropped without a word.
class DropsWhatDoesNotFit final : public CacheUnderTest {
 public:
  using CacheUnderTest::CacheUnderTest;
  void Append(std::size_t layer, const Tensor4& keys,
              const Tensor4& values) override {
    try {
      CacheUnderTest::Append(layer, keys, values);
    } catch (const ContractError&) {
      return;
    }
  }
};

// The keys are stored as values too.
class StoresKeysAsValues final : public CacheUnderTest {
 public:
  using CacheUnderTest::CacheUnderTest;
  void Append(std::size_t layer, const Tensor4& keys,
              const Tensor4& /*values*/) override {
    CacheUnderTest::Append(layer, keys, keys);
  }
};

// Truncating one layer truncates layer 0.
class TruncatesTheFirstLayer final : public CacheUnderTest {
 public:
  using CacheUnderTest::CacheUnderTest;
  void TruncateLayer(const LayerLength& kept) override {
    CacheUnderTest::TruncateLayer({.layer = 0, .past_len = kept.past_len});
  }
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_BROKEN_CACHES_H_
