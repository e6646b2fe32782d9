// Module 3 as the lecture writes it: one comparison with a model of a cache
// that is too simple to be wrong, after every step of a script.
#include "modules/03_memoization/cache_tests.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kit/tensor/tensor.h"
#include "modules/03_memoization/cache_shape.h"

namespace kvlab {
namespace {

constexpr CacheShape kShape = {.batch = 2,
                               .max_seq_len = 7,
                               .num_layers = 3,
                               .num_kv_heads = 11,
                               .head_dim = 2};

// A token is a number; each of its elements adds its place.
Tensor4 TokensOf(const std::vector<int>& numbers, float kind) {
  Tensor4 tokens = Tensor4::from_shape(
      {kShape.batch, kShape.num_kv_heads, numbers.size(), kShape.head_dim});
  for (std::size_t b = 0; b < kShape.batch; ++b) {
    for (std::size_t h = 0; h < kShape.num_kv_heads; ++h) {
      for (std::size_t s = 0; s < numbers.size(); ++s) {
        for (std::size_t d = 0; d < kShape.head_dim; ++d) {
          tokens(b, h, s, d) = kind + static_cast<float>(1000 * numbers[s] +
                                                         100 * b + 2 * h + d);
        }
      }
    }
  }
  return tokens;
}

// The cache that is tested, and per layer a list of the numbers it must hold.
class Compared {
 public:
  explicit Compared(CacheMaker& maker)
      : cache_(maker.Make(kShape)), held_(kShape.num_layers) {
    Compare();
  }

  // So many new tokens, to one layer.
  void Append(const LayerLength& added) {
    const auto [layer, count] = added;
    std::vector<int> numbers(count);
    for (int& number : numbers) number = ++last_;
    const auto append = [&, layer = layer] {
      cache_->Append(layer, TokensOf(numbers, 0.0F), TokensOf(numbers, 0.5F));
    };
    if (layer >= held_.size() ||
        held_[layer].size() + count > kShape.max_seq_len) {
      ExpectRefusal(append, "an append that does not fit");
    } else {
      append();
      held_[layer].insert(held_[layer].end(), numbers.begin(), numbers.end());
    }
    Compare();
  }

  void TruncateLayer(const LayerLength& kept) {
    const auto [layer, past_len] = kept;
    const auto truncate = [&] { cache_->TruncateLayer(kept); };
    if (layer >= held_.size() || past_len > held_[layer].size()) {
      ExpectRefusal(truncate, "to keep more than is held");
    } else {
      truncate();
      held_[layer].resize(past_len);
    }
    Compare();
  }

  void Truncate(std::size_t past_len) {
    if (past_len > Longest()) {
      ExpectRefusal([&] { cache_->Truncate(past_len); },
                    "to keep more than any layer holds");
    } else {
      cache_->Truncate(past_len);
      for (std::vector<int>& layer : held_) {
        if (layer.size() > past_len) layer.resize(past_len);
      }
    }
    Compare();
  }

  void Reset() {
    cache_->Reset();
    for (std::vector<int>& layer : held_) layer.clear();
    Compare();
  }

 private:
  std::size_t Longest() const {
    std::size_t longest = 0;
    for (const auto& layer : held_) longest = std::max(longest, layer.size());
    return longest;
  }

  void Compare() const {
    std::size_t shortest = kShape.max_seq_len;
    for (std::size_t layer = 0; layer < held_.size(); ++layer) {
      shortest = std::min(shortest, held_[layer].size());
      Expect(cache_->LayerPastLen(layer) == held_[layer].size(), "length");
      Expect(SameNumbers(cache_->Keys(layer), TokensOf(held_[layer], 0.0F)),
             "keys");
      Expect(SameNumbers(cache_->Values(layer), TokensOf(held_[layer], 0.5F)),
             "values");
    }
    Expect(cache_->PastLen() == shortest, "the shortest length");
  }

  std::unique_ptr<TestedCache> cache_;
  std::vector<std::vector<int>> held_;
  int last_ = 0;
};

void TheScript(CacheMaker& maker) {
  Compared cache(maker);
  for (std::size_t layer = 0; layer <= kShape.num_layers; ++layer) {
    cache.Append({layer, 3});
    cache.Append({layer, 0});
    cache.Append({layer, layer + 1});
  }
  for (const std::size_t past_len : {7, 6, 5, 3}) cache.Truncate(past_len);
  for (std::size_t layer = 0; layer <= kShape.num_layers; ++layer) {
    cache.TruncateLayer({layer, 4});
    cache.TruncateLayer({layer, 3 - layer % 3});
    cache.Append({layer, 5});
    cache.Append({layer, 4});
  }
  cache.Reset();
  cache.Append({2, 1});
  cache.Append({0, 7});
}

void TheBytes(CacheMaker& maker) {
  const CacheShape odd = {.batch = 1'000'003,
                          .max_seq_len = 2'147'483'647,
                          .num_layers = 3,
                          .num_kv_heads = 7,
                          .head_dim = 101};
  Expect(maker.BytesOf(odd, 1) ==
             std::uint64_t{2} * 3 * 7 * 101 * 2'147'483'647 * 1'000'003,
         "the product");
  CacheShape huge = odd;
  huge.num_layers = huge.head_dim = odd.max_seq_len;
  ExpectRefusal([&] { maker.BytesOf(huge, 4); }, "more than 64 bits");
  huge.batch = 0;
  Expect(maker.BytesOf(huge, 4) == 0, "nothing");
}

}  // namespace

std::vector<CacheTest> CacheTests() {
  return {{"a model of a cache agrees", TheScript}, {"bytes", TheBytes}};
}

}  // namespace kvlab
