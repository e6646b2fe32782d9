// Tokens for caches that forget, and what attention over the tokens that are
// left gives.
#ifndef KVLAB_AUTOGRADER_JUDGES_05_BEYOND_FORGETFUL_TRIAL_H_
#define KVLAB_AUTOGRADER_JUDGES_05_BEYOND_FORGETFUL_TRIAL_H_

#include <cstddef>
#include <string>
#include <vector>

#include "autograder/exam/exam.h"
#include "autograder/machine/protocol/value.h"
#include "kit/model/random.h"
#include "modules/05_beyond/forgetful_model.h"

namespace kvlab::grading {

struct ForgetfulSizes {
  std::size_t batch = 0;
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t tokens = 0;  // of the whole sequence
  std::size_t head_dim = 0;
};

// A whole sequence of each row.
struct ForgetfulInput {
  ForgetfulSizes sizes;
  Array queries;  // [batch, heads, tokens, head_dim]
  Array keys;     // [batch, kv_heads, tokens, head_dim]
  Array values;   // as keys
  std::vector<std::size_t> left_pad;
};

// Scores spread over several units, so that every key weighs something else.
ForgetfulInput RandomForgetfulInput(Random& random,
                                    const ForgetfulSizes& sizes);

// Small sizes, all different from each other.
ForgetfulSizes RandomForgetfulSizes(Random& random, std::size_t tokens);

// Padding of the first row, none of the second, of the third all but 2 tokens.
void PadRows(Random& random, ForgetfulInput& input);

// Padding of any length below all tokens, none of the first row and of some
// others. Of more than 8 rows most have at most 9 tokens left.
void SpreadPadding(Random& random, ForgetfulInput& input);

// Attention of each token over what the rule leaves.
PlainRun RunForgetful(const ForgetfulInput& input, const ForgetRule& forget);
Array AttendedOf(const ForgetfulInput& input, const ForgetRule& forget);

// Tokens [begin, begin + count) as arguments: queries, keys, values, left_pad.
Question TokensQuestion(Handle layer, const ForgetfulInput& input,
                        std::size_t begin, std::size_t count);

// "batch 3, 4 heads on 2 key/value heads, head_dim 5, left padded"
std::string Describe(const ForgetfulInput& input);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_05_BEYOND_FORGETFUL_TRIAL_H_
