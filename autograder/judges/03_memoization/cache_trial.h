// Keys and values that are appended to a cache, and its expected contents.
#ifndef KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_CACHE_TRIAL_H_
#define KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_CACHE_TRIAL_H_

#include <cstddef>
#include <string>
#include <vector>

#include "autograder/exam/exam.h"
#include "autograder/exam/inputs.h"
#include "autograder/machine/protocol/value.h"
#include "kit/model/random.h"

namespace kvlab::grading {

// Sizes as module 3's CacheShape.
struct TrialCacheShape {
  std::size_t batch = 0;
  std::size_t max_seq_len = 0;
  std::size_t layers = 0;
  std::size_t heads = 0;
  std::size_t head_dim = 0;

  Integers Sizes() const;
  // Bytes of float32 keys and values of one layer.
  std::size_t LayerBytes(std::size_t tokens) const;
};

// All sizes different from each other and small.
TrialCacheShape RandomCacheShape(Random& random);

// Beyond what fits a small buffer: 5 rows, 9 to 12 heads of odd head_dim, 6 or
// 7 layers, 280 to 320 tokens.
TrialCacheShape LargeCacheShape(Random& random);

// "5 rows, 9 heads of 3, room for 300 tokens"
std::string ShapeText(const TrialCacheShape& shape);

struct KeysAndValues {
  Array keys;    // [batch, heads, tokens, head_dim]
  Array values;  // as keys
};

KeysAndValues RandomTokens(Random& random, const TrialCacheShape& shape,
                           std::size_t tokens);

// `tokens` tokens of `all` from position `begin` on.
KeysAndValues Part(const KeysAndValues& all, std::size_t begin,
                   std::size_t tokens);

// Tokens of `first`, then those of `second`.
KeysAndValues Joined(const KeysAndValues& first, const KeysAndValues& second);

// Throws CheckFailed unless `answer`, of layer_cache.read, kv_cache.read,
// cached.read or growing.read, holds exactly the first past_len tokens of
// `all`. Copies are exact: there is no tolerance.
void CompareHeld(Exam& exam, const Values& answer, const KeysAndValues& all,
                 std::size_t past_len);

// The memory of the student's worker, in MiB, as seen from outside.
double ResidentMib(Exam& exam);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_CACHE_TRIAL_H_
