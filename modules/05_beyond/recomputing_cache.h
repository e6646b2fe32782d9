// Module 5: memory for time. A cache of inputs, from which keys and values are
// computed again whenever attention asks for them.
//
// Keys and values are products of a layer's input x and weights that are there
// anyway. So x, of C numbers a token, is enough in place of both, of 2 * C;
// they are computed again for a chunk of about sqrt(S) tokens at a time, and
// forgotten.
// Source: Chen et al. 2016, arXiv:1604.06174 (about sqrt(n) pieces:
// keep what a piece can be computed from, and one piece); Tomar et al. 2025,
// arXiv:2508.10395 (x in place of keys and values).
//
// Shapes: B batch, H heads, T new tokens, S tokens held including the new ones,
// C = d_model, D = C / H head_dim. Keys and values have as many heads as
// queries.
#ifndef KVLAB_MODULES_05_BEYOND_RECOMPUTING_CACHE_H_
#define KVLAB_MODULES_05_BEYOND_RECOMPUTING_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/attention_seam.h"

namespace kvlab {

// The sizes of a cache of inputs.
struct InputShape {
  std::size_t batch = 0;
  std::size_t max_seq_len = 0;
  std::size_t num_layers = 0;
  std::size_t d_model = 0;  // C
};

// Task 5.9. Bytes of the inputs of all layers, C floats for each token: half of
// what keys and values of as many heads take (CacheBytes, module 3).
// Throws ContractError if a size is 0. Cost: O(1).
std::uint64_t InputBytes(const InputShape& shape);

// Task 5.9. The tokens of a chunk: the smallest c of at least 1 with
// c * c >= total_len. Exact for every total_len up to 2^62. So S tokens are at
// most c chunks. Cost: at most O(sqrt(total_len)).
std::size_t ChunkLength(std::size_t total_len);

// The tokens before a call.
struct PastTokens {
  std::size_t batch = 0;
  std::size_t past_len = 0;  // of every row, padding included
  std::size_t d_model = 0;
};

// Task 5.9. Multiply-accumulates by which a call of RecomputingAttention
// exceeds one over a cache of keys and values: 3 * C^2 for each token before
// the call that is not padding, in all rows. (2 * C^2 would do for keys and
// values; the product with c_attn computes a query, too.)
//   left_pad  [B] or empty; row b has min(left_pad[b], past_len) tokens of
//             padding
// Throws ContractError if the length of left_pad is not B. Cost: O(B).
std::uint64_t RecomputedMacs(const PastTokens& past,
                             std::span<const std::size_t> left_pad);

// What each layer's attention got, token by token.
class InputCache {
 public:
  // Reserves shape.max_seq_len tokens, filled with NaN so that a row read
  // before it is written cannot pass for a result. Throws ContractError if a
  // size is 0.
  explicit InputCache(const InputShape& shape);

  // Task 5.9. Stores the next T tokens of a layer after those already held.
  //   x  [B, T, C]
  // Throws ContractError, changing nothing, if there is no such layer, a shape
  // disagrees or the tokens do not fit. Cost: O(T); tokens held are neither
  // read nor written.
  void Append(std::size_t layer, const Tensor3& x);

  // Given. The tokens held by one row of a layer, [PastLen(layer), C]: a view
  // of the storage, valid for the life of the cache. Indices are not checked.
  ConstMatrix Inputs(std::size_t layer, std::size_t row) const;

  // Given. Tokens held by a layer; by all layers, the smallest of these.
  // Throws ContractError if there is no such layer.
  std::size_t PastLen(std::size_t layer) const;
  std::size_t PastLen() const;

  // Given. Forgets all tokens from position `past_len` on, in every layer; a
  // layer that holds fewer stays as it is.
  void Truncate(std::size_t past_len);

  const InputShape& Shape() const { return shape_; }
  // Given. Bytes of the storage.
  std::uint64_t Bytes() const { return inputs_.size() * sizeof(float); }

 private:
  // Given. Throws what Append promises to throw.
  void CheckAppend(std::size_t layer, const Tensor3& x) const;

  InputShape shape_;
  Tensor4 inputs_;                     // [layers, B, max_seq_len, C]
  std::vector<std::size_t> past_len_;  // by layer
};

// Module 3's CachedAttention without its keys and values. Plug it into a model
// by Gpt2::ReplaceAttention.
class RecomputingAttention final : public Attention {
 public:
  // Throws ContractError for a null cache, or if `heads` is 0 or does not
  // divide the cache's d_model.
  RecomputingAttention(std::size_t heads, std::shared_ptr<InputCache> cache);

  // The number of tokens that every layer holds.
  std::size_t PastLen() const override { return cache_->PastLen(); }
  bool Remembers() const override { return true; }

  // Task 5.9. The same result as CachedAttention::Forward. Appends x to the
  // layer's inputs. Queries, keys and values of the T new tokens are computed
  // once; keys and values of a row's tokens before them again, a chunk of at
  // most ChunkLength(S) tokens at a time, from the end of its padding on, each
  // token once for all heads. Chunks are merged as task 5.2 does. If an earlier
  // pass broke off between two layers, the next call for layer 0 discards its
  // leftovers. Shapes as in Attention::Forward.
  // Work: (3 * C^2) * B * T + RecomputedMacs as Work::kQkv, to the unit, and as
  // CachedAttention::Forward otherwise.
  // Scratch: with c = ChunkLength(S), 3 * C floats for each of c tokens, T * c
  // scores (so the new keys are taken a chunk at a time as well), and what
  // depends on B * T alone: no keys and values of all tokens, and none that a
  // later call finds.
  // Throws ContractError, leaving the layer's inputs as they were but for such
  // leftovers, if a shape disagrees, the length of left_pad is not the batch
  // size, there is no such layer, or the tokens do not fit.
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override;

  const std::shared_ptr<InputCache>& Cache() const { return cache_; }

 private:
  // Given. Throws if a shape disagrees or left_pad has the wrong length.
  void CheckForward(const Tensor3& x, const AttentionWeights& weights,
                    std::span<const std::size_t> left_pad) const;

  std::size_t heads_;
  std::shared_ptr<InputCache> cache_;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_RECOMPUTING_CACHE_H_
