#include "autograder/exam/inputs.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <vector>

namespace kvlab::grading {

std::size_t Between(Random& random, std::size_t low, std::size_t high) {
  return low + random.NextBelow(high - low + 1);
}

Array RandomArray(Random& random, const std::vector<std::size_t>& shape,
                  float size) {
  std::size_t count = 1;
  for (const std::size_t axis : shape) count *= axis;
  Array array = {.shape = shape, .values = std::vector<float>(count)};
  for (float& value : array.values) value = random.NextUniform(-size, size);
  return array;
}

Array ArrayOf(const std::vector<float>& values) {
  return {.shape = {values.size()}, .values = values};
}

std::int64_t RandomSeed(Random& random) {
  return Int(random.NextBelow(std::size_t{1} << 62U));
}

Integers RandomIds(Random& random, std::size_t count, std::size_t vocab_size) {
  Integers ids(count);
  for (std::int64_t& id : ids) id = Int(random.NextBelow(vocab_size));
  return ids;
}

Array Slice(const Array& array, std::size_t axis, std::size_t begin,
            std::size_t end) {
  std::size_t inner = 1;
  for (std::size_t a = axis + 1; a < array.shape.size(); ++a) {
    inner *= array.shape[a];
  }
  const std::size_t row = array.shape[axis] * inner;
  Array slice = {.shape = array.shape, .values = {}};
  slice.shape[axis] = end - begin;
  for (std::size_t start = 0; start < array.values.size(); start += row) {
    slice.values.insert(slice.values.end(),
                        array.values.begin() + Int(start + begin * inner),
                        array.values.begin() + Int(start + end * inner));
  }
  return slice;
}

Integers Columns(const Integers& ids, std::size_t batch, std::size_t begin,
                 std::size_t end) {
  const std::size_t seq_len = ids.size() / batch;
  Integers columns;
  for (std::size_t b = 0; b < batch; ++b) {
    columns.insert(columns.end(), ids.begin() + Int(b * seq_len + begin),
                   ids.begin() + Int(b * seq_len + end));
  }
  return columns;
}

std::vector<std::size_t> RandomPieces(Random& random, std::size_t total,
                                      std::size_t count) {
  std::set<std::size_t> cuts = {0, total};
  while (cuts.size() < count + 1) cuts.insert(Between(random, 1, total - 1));
  std::vector<std::size_t> pieces;
  for (auto cut = std::next(cuts.begin()); cut != cuts.end(); ++cut) {
    pieces.push_back(*cut - *std::prev(cut));
  }
  return pieces;
}

Integers Ints(const std::vector<std::size_t>& sizes) {
  return {sizes.begin(), sizes.end()};
}

Integers Gpt2Sizes::Sizes() const {
  return Ints({layers, heads, DModel(), DMlp(), max_positions, vocab_size});
}

Gpt2Sizes RandomGpt2Sizes(Random& random, std::size_t max_positions) {
  return {.layers = Between(random, 3, 4),
          .heads = Between(random, 2, 3),
          .head_dim = 4 * Between(random, 2, 3),
          .max_positions = max_positions,
          .vocab_size = Between(random, 40, 60),
          .d_mlp = 0};
}

}  // namespace kvlab::grading
