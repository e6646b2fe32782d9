#include "autograder/exam/arguments.h"

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "autograder/machine/protocol/value.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"

namespace kvlab::grading {

std::vector<std::size_t> Arguments::NextSizes() {
  const Integers& integers = Next<Integers>();
  std::vector<std::size_t> sizes;
  for (const std::int64_t integer : integers) {
    sizes.push_back(static_cast<std::size_t>(integer));
  }
  return sizes;
}

TokenBatch Arguments::NextTokenBatch() {
  const Integers& ids = Next<Integers>();
  const std::size_t batch = NextSize();
  const std::size_t seq_len = batch == 0 ? 0 : ids.size() / batch;
  TokenBatch tokens;
  tokens.ids = Tokens::from_shape({batch, seq_len});
  for (std::size_t i = 0; i < batch * seq_len; ++i) {
    tokens.ids.data()[i] = static_cast<TokenId>(ids[i]);
  }
  tokens.left_pad = NextSizes();
  return tokens;
}

Array ToArray(std::span<const std::size_t> shape, const float* values) {
  Array array;
  std::size_t count = 1;
  for (const std::size_t size : shape) {
    array.shape.push_back(size);
    count *= size;
  }
  array.values.assign(values, values + count);
  return array;
}

Array ToArray(const ConstView4& view) {
  Array array;
  array.shape = {view.shape(0), view.shape(1), view.shape(2), view.shape(3)};
  for (std::size_t b = 0; b < view.shape(0); ++b) {
    for (std::size_t h = 0; h < view.shape(1); ++h) {
      for (std::size_t s = 0; s < view.shape(2); ++s) {
        for (std::size_t d = 0; d < view.shape(3); ++d) {
          array.values.push_back(view(b, h, s, d));
        }
      }
    }
  }
  return array;
}

}  // namespace kvlab::grading
