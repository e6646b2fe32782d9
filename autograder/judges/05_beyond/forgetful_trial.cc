#include "autograder/judges/05_beyond/forgetful_trial.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "autograder/exam/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {

ForgetfulInput RandomForgetfulInput(Random& random,
                                    const ForgetfulSizes& sizes) {
  const std::vector<std::size_t> kv = {sizes.batch, sizes.kv_heads,
                                       sizes.tokens, sizes.head_dim};
  return {.sizes = sizes,
          .queries = RandomArray(
              random, {sizes.batch, sizes.heads, sizes.tokens, sizes.head_dim},
              4.0F),
          .keys = RandomArray(random, kv),
          .values = RandomArray(random, kv),
          .left_pad = {}};
}

ForgetfulSizes RandomForgetfulSizes(Random& random, std::size_t tokens) {
  const std::size_t kv_heads = Between(random, 2, 3);
  return {.batch = Between(random, 2, 3),
          .heads = kv_heads * Between(random, 2, 3),
          .kv_heads = kv_heads,
          .tokens = tokens,
          .head_dim = Between(random, 3, 7)};
}

void PadRows(Random& random, ForgetfulInput& input) {
  input.left_pad.assign(input.sizes.batch, 0);
  for (std::size_t b = 0; b < input.sizes.batch; b += 2) {
    input.left_pad[b] = b == 2 ? input.sizes.tokens - 2
                               : Between(random, 1, input.sizes.tokens / 2);
  }
}

void SpreadPadding(Random& random, ForgetfulInput& input) {
  const std::size_t tokens = input.sizes.tokens;
  input.left_pad.clear();
  for (std::size_t b = 0; b < input.sizes.batch; ++b) {
    const std::size_t most = b < 8 ? tokens : std::min<std::size_t>(tokens, 9);
    input.left_pad.push_back(b % 64 == 0 ? 0
                                         : tokens - Between(random, 1, most));
  }
}

PlainRun RunForgetful(const ForgetfulInput& input, const ForgetRule& forget) {
  return kvlab::RunForgetful({.batch = input.sizes.batch,
                              .heads = input.sizes.heads,
                              .kv_heads = input.sizes.kv_heads,
                              .tokens = input.sizes.tokens,
                              .head_dim = input.sizes.head_dim,
                              .queries = input.queries.values,
                              .keys = input.keys.values,
                              .values = input.values.values,
                              .left_pad = input.left_pad},
                             forget);
}

Array AttendedOf(const ForgetfulInput& input, const ForgetRule& forget) {
  return {.shape = input.queries.shape,
          .values = RunForgetful(input, forget).attended};
}

Question TokensQuestion(Handle layer, const ForgetfulInput& input,
                        std::size_t begin, std::size_t count) {
  const std::size_t end = begin + count;
  return {layer, Slice(input.queries, 2, begin, end),
          Slice(input.keys, 2, begin, end), Slice(input.values, 2, begin, end),
          Ints(input.left_pad)};
}

std::string Describe(const ForgetfulInput& input) {
  return fmt::format("batch {}, {} on {}, head_dim {}{}", input.sizes.batch,
                     Count(input.sizes.heads, "head"),
                     Count(input.sizes.kv_heads, "key/value head"),
                     input.sizes.head_dim,
                     input.left_pad.empty() ? "" : ", left padded");
}

}  // namespace kvlab::grading
