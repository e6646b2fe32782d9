#include "autograder/judges/03_memoization/cache_trial.h"

#include <cstddef>
#include <string>

#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
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

TrialCacheShape LargeCacheShape(Random& random) {
  return {.batch = 5,
          .max_seq_len = Between(random, 280, 320),
          .layers = Between(random, 6, 7),
          .heads = Between(random, 9, 12),
          .head_dim = 1 + 2 * Between(random, 1, 2)};
}

std::string ShapeText(const TrialCacheShape& shape) {
  return fmt::format("{}, {} of {}, room for {}", Count(shape.batch, "row"),
                     Count(shape.heads, "head"), shape.head_dim,
                     Count(shape.max_seq_len, "token"));
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

namespace {

// [batch, heads, tokens, head_dim] of both, one after the other.
Array JoinedTokens(const Array& first, const Array& second) {
  Array joined = {.shape = first.shape, .values = {}};
  joined.shape[2] += second.shape[2];
  const std::size_t heads = first.shape[0] * first.shape[1];
  for (std::size_t head = 0; head < heads; ++head) {
    for (const Array* part : {&first, &second}) {
      const std::size_t size = part->values.size() / heads;
      const auto begin = part->values.begin() + Int(head * size);
      joined.values.insert(joined.values.end(), begin, begin + Int(size));
    }
  }
  return joined;
}

}  // namespace

KeysAndValues Joined(const KeysAndValues& first, const KeysAndValues& second) {
  return {.keys = JoinedTokens(first.keys, second.keys),
          .values = JoinedTokens(first.values, second.values)};
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

double ResidentMib(Exam& exam) {
  const auto bytes = exam.AllAnswerers().student->ResidentBytes();
  if (!bytes) throw GraderError("memory cannot be measured here");
  return static_cast<double>(*bytes) / (1U << 20U);
}

}  // namespace kvlab::grading
