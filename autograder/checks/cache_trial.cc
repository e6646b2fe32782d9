#include "autograder/checks/cache_trial.h"

#include <cstddef>

#include "autograder/checks/compare.h"
#include "autograder/checks/difference.h"
#include "fmt/format.h"

namespace kvlab::grading {

Integers TrialCacheShape::Sizes() const {
  return Ints({batch, max_seq_len, layers, heads, head_dim});
}

std::size_t TrialCacheShape::LayerBytes(std::size_t tokens) const {
  return 2 * batch * heads * head_dim * tokens * sizeof(float);
}

TrialCacheShape RandomCacheShape(Random& random) {
  return {.batch = 2,
          .max_seq_len = Between(random, 9, 12),
          .layers = Between(random, 4, 5),
          .heads = 3,
          .head_dim = Between(random, 6, 8)};
}

KeysAndValues RandomTokens(Random& random, const TrialCacheShape& shape,
                           std::size_t tokens) {
  const std::vector<std::size_t> sizes = {shape.batch, shape.heads, tokens,
                                          shape.head_dim};
  return {.keys = RandomArray(random, sizes),
          .values = RandomArray(random, sizes)};
}

KeysAndValues Part(const KeysAndValues& all, std::size_t begin,
                   std::size_t tokens) {
  return {.keys = Slice(all.keys, 2, begin, begin + tokens),
          .values = Slice(all.values, 2, begin, begin + tokens)};
}

void CompareHeld(Exam& exam, const Values& answer, const KeysAndValues& all,
                 std::size_t past_len) {
  const KeysAndValues expected = Part(all, 0, past_len);
  const auto compare = [&](std::size_t index, const Array& right,
                           const char* name) {
    const auto difference =
        Difference(exam.Get<Array>(answer, index), right, 0, kHeadAxes);
    if (difference) {
      exam.Fail(fmt::format("the {} of the {} held: {}", name,
                            Count(past_len, "token"), *difference));
    }
  };
  CompareNumber(exam, "PastLen()", exam.GetIntegers(answer, 2, 1)[0],
                Int(past_len));
  compare(0, expected.keys, "keys");
  compare(1, expected.values, "values");
}

}  // namespace kvlab::grading
