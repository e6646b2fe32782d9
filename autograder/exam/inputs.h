// Fresh random inputs.
#ifndef KVLAB_AUTOGRADER_EXAM_INPUTS_H_
#define KVLAB_AUTOGRADER_EXAM_INPUTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "autograder/machine/protocol/value.h"
#include "autograder/machine/text/count.h"  // IWYU pragma: export
#include "kit/model/random.h"

namespace kvlab::grading {

// Uniform in [low, high], both included.
std::size_t Between(Random& random, std::size_t low, std::size_t high);

// Independent numbers, uniform in [-size, size).
Array RandomArray(Random& random, const std::vector<std::size_t>& shape,
                  float size = 1.0F);

// One axis.
Array ArrayOf(const std::vector<float>& values);

// A seed for objects that both sides make for themselves.
std::int64_t RandomSeed(Random& random);

// `count` token ids below vocab_size.
Integers RandomIds(Random& random, std::size_t count, std::size_t vocab_size);

// Positions [begin, end) of one axis.
Array Slice(const Array& array, std::size_t axis, std::size_t begin,
            std::size_t end);

// Columns [begin, end) of ids [batch, seq_len].
Integers Columns(const Integers& ids, std::size_t batch, std::size_t begin,
                 std::size_t end);

// `total` cut into `count` pieces of at least one each, at random.
std::vector<std::size_t> RandomPieces(Random& random, std::size_t total,
                                      std::size_t count);

inline std::int64_t Int(std::size_t size) {
  return static_cast<std::int64_t>(size);
}
Integers Ints(const std::vector<std::size_t>& sizes);

// A small GPT-2, as weights.random takes it.
struct Gpt2Sizes {
  std::size_t layers = 0;
  std::size_t heads = 0;
  std::size_t head_dim = 0;
  std::size_t max_positions = 0;
  std::size_t vocab_size = 0;
  std::size_t d_mlp = 0;  // 0: 4 * DModel()

  std::size_t DModel() const { return heads * head_dim; }
  std::size_t DMlp() const { return d_mlp == 0 ? 4 * DModel() : d_mlp; }
  Integers Sizes() const;
};

// Three layers or more, all sizes different from each other.
Gpt2Sizes RandomGpt2Sizes(Random& random, std::size_t max_positions);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_INPUTS_H_
