// Module 5: a cache under a budget. Each head keeps its newest tokens and, of
// the others, those that have been attended to most; and what one query loses
// by that, exactly.
//
// Shapes: B rows of a batch, H query heads, G key/value heads (G divides H), T
// new tokens, S tokens, D head_dim. Positions count from the first token of a
// row: padding has none, is stored nowhere and seen by none.
// Source: Zhang et al. 2023, arXiv:2306.14048, section 4 (H2O: recent tokens
// and heavy hitters).
#ifndef KVLAB_MODULES_05_BEYOND_EVICTING_CACHE_H_
#define KVLAB_MODULES_05_BEYOND_EVICTING_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"
#include "modules/05_beyond/forgetful_attention.h"

namespace kvlab {

// How many tokens a head may hold at any moment, the one that attends included.
struct EvictionBudget {
  std::size_t tokens = 0;
  std::size_t newest = 0;  // r of them stay because they are new; 1 .. tokens
};

// A token that a head holds.
struct HeldToken {
  std::size_t position = 0;
  // The attention probabilities that it has been given so far: the sum over the
  // H / G query heads of its head, and over the queries since it came, its own
  // included.
  float probability = 0;
  friend bool operator==(const HeldToken&, const HeldToken&) = default;
};

// Task 5.7. The index in `held`, whose order is arbitrary, of the token to give
// up before another one comes. The newest - 1 latest positions stay, since with
// the one that comes they are the newest. Of the others, the token with the
// smallest probability goes; of equal ones the latest, so that ties are decided
// for the older. Cost: O(held), or O(held log held).
// Throws ContractError if newest is 0 or exceeds the number of tokens held.
std::size_t TokenToEvict(std::span<const HeldToken> held, std::size_t newest);

// The size of one layer's cache.
struct EvictingShape {
  std::size_t batch = 0;
  std::size_t num_kv_heads = 0;
  std::size_t head_dim = 0;
  EvictionBudget budget;
};

// Keys and values of one attention layer, in a slot for each token of the
// budget. Each head of each row chooses its own tokens.
class EvictingLayer {
 public:
  // Reserves all slots, filled with NaN so that one read before it is written
  // cannot pass for a result.
  // Throws ContractError if a size is 0 or budget.newest exceeds budget.tokens.
  explicit EvictingLayer(const EvictingShape& shape);

  // Task 5.7. Attention of the next T tokens of each row, one after the other.
  // For each key/value head, a token first takes a slot: the next free one, or,
  // if the head holds budget.tokens, that of TokenToEvict. Then each of the
  // head's queries sees what it holds, softmax(q k^T / sqrt(D)) v, the new
  // token included; and the probabilities of this softmax are added to the
  // `probability` of each token held. So a head never holds more than its
  // budget, not even within a call; T may exceed it; and the result is the same
  // for every way to cut a sequence into calls. Query head h reads key/value
  // head h / (H / G).
  //   tokens    queries [B, H, T, D], keys and values [B, G, T, D]
  //   left_pad  [B] or empty, counted from the start of the sequence and the
  // same in every call: with P = PastLen() before the call, token i of row b is
  // padding if P + i < left_pad[b]. It is not stored, and yields zeros.
  // Otherwise its position is P + i - left_pad[b].
  //   returns   [B, H, T, D]
  // Work: D multiply-accumulates for each product and pair of a query and a key
  // held, as Work::kAttention; no others, so a step costs the same after any
  // number of tokens. What a call allocates grows with T, not with PastLen().
  // Throws ContractError, changing nothing, if a shape disagrees, G does not
  // divide H, or the length of left_pad is not B.
  Tensor4 Attend(const Qkv& tokens, std::span<const std::size_t> left_pad);

  // Tokens that each row has been given, padding and evicted ones included.
  std::size_t PastLen() const { return past_len_; }

  // What a head of a row holds, by slot: slot i has the key and value of
  // Held(row, kv_head)[i]. Valid until the next Attend.
  std::span<const HeldToken> Held(std::size_t row, std::size_t kv_head) const;

  // All slots, [B, G, budget.tokens, D], in O(1); valid for the life of the
  // layer. Slots that no token has taken are NaN, or what an earlier sequence
  // left.
  ConstView4 Keys() const { return View(keys_); }
  ConstView4 Values() const { return View(values_); }

  // The next token is the first of another sequence. O(B * G).
  void Reset();

  // Bytes of keys and values: 2 * B * G * budget.tokens * D * 4, from the first
  // token to the last.
  std::uint64_t Bytes() const;

 private:
  // Given. Throws what Attend promises to throw.
  void CheckAttend(const Qkv& tokens,
                   std::span<const std::size_t> left_pad) const;

  EvictingShape shape_;
  Tensor4 keys_;                              // [B, G, budget.tokens, D]
  Tensor4 values_;                            // [B, G, budget.tokens, D]
  std::vector<std::vector<HeldToken>> held_;  // [B * G], by slot
  std::size_t past_len_ = 0;
};

// Attention of a model over such layers.
using EvictingAttention = ForgetfulAttention<EvictingLayer>;

// One query and all keys that it might see.
struct QueryOfAll {
  std::span<const float> query;  // [D]
  ConstMatrix keys;              // [S, D]
  ConstMatrix values;            // [S, D]
};

// What is lost when a query sees only some of the keys. With o the attention
// over all of them and o' that over those kept (zeros if there are none),
//   o - o' = mass * (mean - o'),
// whatever was dropped. So |o - o'| <= bound, in the Euclidean norm.
struct EvictionLoss {
  double mass = 0;   // epsilon: the probability of what was dropped
  Tensor1 mean;      // e [D]: the mean of the dropped values, weighted by it
  double bound = 0;  // 2 * mass * the largest |v| of all S
};

// Task 5.7. The loss of a query that sees only the keys in `kept`.
// Probabilities are those over all S: softmax(q k^T / sqrt(D)). The mean is
// zeros if nothing was dropped.
//   kept  rows of keys and values, in any order, each once; may be empty
// Errors: mass and bound, relative to themselves, and mean, relative to the
// largest |v|, are within 2^-14 of exact arithmetic, also if the mass is tiny:
// 1 minus the probability of what was kept has no digits left then. No scores,
// however large, give NaN; a mass below what a double holds is 0, with a mean
// of zeros. Cost: O(S D). Throws ContractError if a shape disagrees, S is 0, or
// a row in `kept` does not exist or comes twice.
EvictionLoss LossOfEviction(const QueryOfAll& all,
                            std::span<const std::size_t> kept);

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_EVICTING_CACHE_H_
