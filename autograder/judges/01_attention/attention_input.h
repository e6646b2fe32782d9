// Inputs of causal attention, and a slow attention that can make a chosen
// mistake, to recognise that mistake in an answer.
#ifndef KVLAB_AUTOGRADER_JUDGES_01_ATTENTION_ATTENTION_INPUT_H_
#define KVLAB_AUTOGRADER_JUDGES_01_ATTENTION_ATTENTION_INPUT_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "autograder/machine/protocol/value.h"
#include "kit/model/random.h"

namespace kvlab::grading {

// Heads times batch rows of any input: a submission may start a thread for
// each, and a worker may have 400 (WorkerOptions in
// autograder/machine/checker).
inline constexpr std::size_t kMostHeadsOfRows = 280;

struct AttentionSizes {
  std::size_t batch = 0;
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t past_len = 0;
  std::size_t new_len = 0;
  std::size_t head_dim = 0;
};

struct AttentionInput {
  AttentionSizes sizes;
  Array queries;  // [batch, heads, new_len, head_dim]
  Array keys;     // [batch, kv_heads, past_len + new_len, head_dim]
  Array values;   // as keys
  std::vector<std::size_t> left_pad;
};

// Scores spread over several units, so that a wrong scale or mask shows.
AttentionInput RandomAttentionInput(Random& random,
                                    const AttentionSizes& sizes);

// "batch 2, 3 heads on 1 key/value head, 4 new tokens after 5 earlier, ..."
std::string Describe(const AttentionInput& input);

enum class Mistake {
  kNone,
  kNoMask,
  kTopLeftMask,
  kMaskBeyondDiagonal,   // sees one key of the future
  kMaskWithoutDiagonal,  // does not see itself
  kZeroForMasked,        // masked scores are 0 instead of -infinity
  kNoScale,
  kScaleByDim,
  kScaleByAllFeatures,  // 1 / sqrt(H D), as if the heads were one
  kNoSoftmax,
  kPadSeen,
  kInterleavedKvHeads,  // h % G instead of h / (H / G)
  kFirstKvHead,
};

// Attention as the header defines it, in plain loops, but for one mistake.
Array SlowAttention(const AttentionInput& input, Mistake mistake);

// The same without a mistake, but every query sees only some of its keys: the
// `newest` before it and itself, and none at `end` or after.
struct SeenKeys {
  std::size_t newest = 0;
  std::size_t end = 0;
};
Array SlowAttention(const AttentionInput& input, const SeenKeys& seen);

// Inputs that combine every pair of features (kit/testing/all_pairs.h):
// batches, grouped heads, head_dims, tokens before, new tokens, padding up to
// more than there are keys, and whether keys and values are views of larger
// storage. Each time with other sizes.
struct CombinedInput {
  AttentionInput input;
  bool in_storage = false;
};
std::vector<CombinedInput> CombinedAttentionInputs(Random& random);

// Inputs of which one size is large: tokens, tokens before, heads, batch,
// head_dim. In random order, so that a call is followed by longer and by
// shorter ones.
std::vector<AttentionInput> LargeAttentionInputs(Random& random);

// Multiply-accumulates of the two products over pairs of query and key that see
// each other, and over all pairs.
struct AttentionWork {
  std::size_t least = 0;
  std::size_t most = 0;
};
AttentionWork WorkOf(const AttentionInput& input);

// The rubric's tolerance for few keys, and 6e-8 = 2^-24 for each key: the
// weights sum to 1 and values are below 1, so an output is wrong by what the
// weights are wrong by, and their sum may be one running float.
double ToleranceFor(const AttentionSizes& sizes, double tolerance);

// What happens to attention's output before it is compared.
using AfterAttention = std::function<Array(const Array& attended)>;

// The message for an answer that matches a known mistake; "" if it matches
// none.
std::string RecogniseMistake(const Array& answer, const AttentionInput& input,
                             double tolerance,
                             const AfterAttention& after = nullptr);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_01_ATTENTION_ATTENTION_INPUT_H_
