// Fill in the TODOs: the header says what is promised, README.md says why.
#include "modules/03_memoization/cache_tests.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/cache_shape.h"

namespace kvlab {
namespace {

// Given. Small, and no two sizes are the same.
constexpr CacheShape kShape = {.batch = 2,
                               .max_seq_len = 6,
                               .num_layers = 4,
                               .num_kv_heads = 3,
                               .head_dim = 5};

// Given. The tokens of positions begin to end - 1: [batch, num_kv_heads,
// tokens, head_dim]. No element is equal to another, so a wrong place shows.
//   first: what element [0, 0, 0, 0] of position 0 holds, in (-1, 1)
Tensor4 Tokens(const CacheShape& shape, std::size_t begin, std::size_t end,
               float first = 0.0F) {
  Tensor4 tokens = Tensor4::from_shape(
      {shape.batch, shape.num_kv_heads, end - begin, shape.head_dim});
  for (std::size_t b = 0; b < shape.batch; ++b) {
    for (std::size_t h = 0; h < shape.num_kv_heads; ++h) {
      for (std::size_t s = begin; s < end; ++s) {
        for (std::size_t d = 0; d < shape.head_dim; ++d) {
          const std::size_t place =
              ((b * shape.num_kv_heads + h) * shape.max_seq_len + s) *
                  shape.head_dim +
              d;
          tokens(b, h, s - begin, d) = first + static_cast<float>(place);
        }
      }
    }
  }
  return tokens;
}

// Given, an example of a test.
void ATokenTooManyIsRefused(CacheMaker& maker) {
  // Given a layer that is full
  const std::unique_ptr<TestedCache> cache = maker.Make(kShape);
  cache->Append(0, Tokens(kShape, 0, 6), Tokens(kShape, 0, 6, 0.5F));

  // When one more token comes, then it is refused
  ExpectRefusal(
      [&] {
        cache->Append(0, Tokens(kShape, 0, 1), Tokens(kShape, 0, 1, 0.5F));
      },
      "a seventh token in a layer with room for 6");
}

}  // namespace

std::vector<CacheTest> CacheTests() {
  // TODO(3.11): a list of tests, one for each promise that a cache can break.
  throw NotImplemented("CacheTests", "module 3, task 11");
}

}  // namespace kvlab
