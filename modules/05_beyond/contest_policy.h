// Module 5, the byte-budget contest: what you write is one class, in one file.
// ./kvlab contest --bytes N --policy FILE.cc compiles that file alone, runs it
// in a process of its own, and measures what it costs the model to read text
// through it. This header and the standard library are all it may include.
// Without a mark; README.md has the rules.
#ifndef KVLAB_MODULES_05_BEYOND_CONTEST_POLICY_H_
#define KVLAB_MODULES_05_BEYOND_CONTEST_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace kvlab {

// The model and the text that a policy is made for.
struct ContestShape {
  std::size_t layers = 0;
  std::size_t heads = 0;  // of queries, keys and values alike
  std::size_t head_dim = 0;
  std::size_t max_tokens = 0;      // the most that will come
  std::uint64_t budget_bytes = 0;  // --bytes
};

// One token in one layer.
struct ContestToken {
  std::size_t layer = 0;         // 0 .. layers - 1
  std::size_t position = 0;      // in the text, from 0 on
  std::span<const float> query;  // [heads, head_dim], not yet scaled
  std::span<const float> key;    // [heads, head_dim]
  std::span<const float> value;  // [heads, head_dim]
};

// What a cache keeps, and the attention over it. The process may write to as
// many bytes as one with a policy that keeps nothing, N more, and the allowance
// that README.md states. All counts, wherever it is: members, statics, what
// the standard library keeps, scratch. Memory beyond that cannot be had:
// operator new throws std::bad_alloc. Files, threads, other processes and
// mappings cannot be had at all; what is printed is dropped.
class ContestPolicy {
 public:
  ContestPolicy() = default;
  ContestPolicy(const ContestPolicy&) = delete;
  ContestPolicy& operator=(const ContestPolicy&) = delete;
  virtual ~ContestPolicy() = default;

  // Called for every layer of position 0 in order, then of position 1, and so
  // on: a policy sees a token when the model reads it, and no token after it.
  //   token   lasts as long as the call
  //   output  [heads, head_dim]: for each head h the mean of the values of
  //           positions 0 .. token.position with the weights
  //           softmax(query . key / sqrt(head_dim)), or what is left of it
  //           (Vaswani et al. 2017, arXiv:1706.03762, Eq. 1). Zeros at first.
  //           The model adds the layer's projection of it to what it computes
  //           for this token; nothing of it comes back with a later token.
  // The score ends if it throws, if a number of the output is infinite or NaN,
  // if an answer takes longer than 10 seconds, or a window longer than 120.
  // Cost: yours. The time of an answer is no part of the score.
  virtual void Attend(const ContestToken& token, std::span<float> output) = 0;
};

// Yours to define: an empty cache. Called once in each process, which reads one
// window of the text.
std::unique_ptr<ContestPolicy> MakeContestPolicy(const ContestShape& shape);

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_CONTEST_POLICY_H_
