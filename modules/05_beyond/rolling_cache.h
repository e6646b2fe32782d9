// Module 5: a cache of constant size. A token sees itself, the W - 1 tokens
// before it and the first k of its text; all others are overwritten.
//
// Shapes: B rows of a batch, H query heads, G key/value heads (G divides H), T
// new tokens, D head_dim; a window of W tokens and k sinks. Positions count
// from the first token of a row: padding has none, is stored nowhere and seen
// by none, so a row holds what it would hold alone. Source: Beltagy et al.
// 2020, arXiv:2004.05150, section 3.1 (a window, and how far layers see through
// it); Jiang et al. 2023, arXiv:2310.06825, section 2 (the rolling buffer);
// Xiao et al. 2023, arXiv:2309.17453, section 3 (sinks).
#ifndef KVLAB_MODULES_05_BEYOND_ROLLING_CACHE_H_
#define KVLAB_MODULES_05_BEYOND_ROLLING_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"
#include "modules/05_beyond/forgetful_attention.h"

namespace kvlab {

// Which tokens the one at position p sees: those at positions s <= p with s <
// sinks or s > p - newest.
struct Window {
  std::size_t newest = 0;  // W, at least 1: a token sees itself
  std::size_t sinks = 0;   // k, 0 for a window alone

  std::size_t Slots() const { return sinks + newest; }
};

// Task 5.6. Where the key and value of position p are: slot p if p is a sink,
// otherwise slot k + (p - k) mod W, which is p mod W without sinks. So the
// slots fill from 0 on, and when all are full, the new token at position p
// takes the slot of the one at p - W, which neither it nor a later one sees.
// Cost: O(1). Throws ContractError if the window is 0.
std::size_t SlotOf(const Window& window, std::size_t position);

// The size of one layer's cache.
struct RollingShape {
  std::size_t batch = 0;
  std::size_t num_kv_heads = 0;
  std::size_t head_dim = 0;
  Window window;
};

// Keys and values of one attention layer, in W + k slots.
class RollingLayer {
 public:
  // Reserves all slots, filled with NaN so that one read before it is written
  // cannot pass for a result.
  // Throws ContractError if a size other than the sinks is 0.
  explicit RollingLayer(const RollingShape& shape);

  // Task 5.6. Attention of the next T tokens of each row, one after the other:
  // each is stored in its slot, and then its queries see what the row holds.
  // That is softmax(q k^T / sqrt(D)) v over the keys at positions s <= p with
  // s < k or s > p - W, for the token at position p: full attention under this
  // mask. T may exceed W, and the result is the same for every way to cut a
  // sequence into calls. Query head h reads key/value head h / (H / G).
  //   tokens    queries [B, H, T, D], keys and values [B, G, T, D]
  //   left_pad  [B] or empty, counted from the start of the sequence and the
  // same in every call: with P = PastLen() before the call, token i of row b is
  // padding if P + i < left_pad[b]. It is not stored, and yields zeros.
  // Otherwise its position is P + i - left_pad[b].
  //   returns   [B, H, T, D]
  // Work: D multiply-accumulates for each product and pair of query and key, as
  // Work::kAttention: at least the pairs that see each other, at most k + 2 W
  // keys for each query (as many as a block of W queries sees together), so a
  // step costs the same after any number of tokens.
  // What a call allocates grows with T, not with PastLen().
  // Throws ContractError, changing nothing, if a shape disagrees, G does not
  // divide H, or the length of left_pad is not B.
  Tensor4 Attend(const Qkv& tokens, std::span<const std::size_t> left_pad);

  // Tokens that each row has been given, padding and forgotten ones included.
  std::size_t PastLen() const { return past_len_; }

  // All slots, [B, G, k + W, D], in O(1); valid for the life of the layer.
  // Slots that no token has taken are NaN, or what an earlier sequence left.
  ConstView4 Keys() const { return View(keys_); }
  ConstView4 Values() const { return View(values_); }

  // The next token is the first of another sequence. O(1).
  void Reset() { past_len_ = 0; }

  // Bytes of keys and values: 2 * B * G * (k + W) * D * 4, from the first token
  // to the last.
  std::uint64_t Bytes() const;

 private:
  // Given. Throws what Attend promises to throw.
  void CheckAttend(const Qkv& tokens,
                   std::span<const std::size_t> left_pad) const;

  RollingShape shape_;
  Tensor4 keys_;    // [B, G, k + W, D]
  Tensor4 values_;  // [B, G, k + W, D]
  std::size_t past_len_ = 0;
};

// Attention of a model over such layers.
using RollingAttention = ForgetfulAttention<RollingLayer>;

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_ROLLING_CACHE_H_
