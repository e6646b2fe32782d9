// Module 5: a smaller cache from fewer key/value heads.
//
// Shapes: B batch, H query heads, G key/value heads (G divides H), T new
// tokens, C = d_model, D = C / H head_dim. Query head h reads key/value head
// h / (H / G): neighbours share one. G = H is multi-head attention, G = 1
// multi-query attention.
// Source: Shazeer 2019, arXiv:1911.02150, section 3 (G = 1); Ainslie et al.
// 2023, arXiv:2305.13245, section 2 (any G, and converting a trained model).
//
// No function here keeps state between calls.
#ifndef KVLAB_MODULES_05_BEYOND_GROUPED_ATTENTION_H_
#define KVLAB_MODULES_05_BEYOND_GROUPED_ATTENTION_H_

#include <cstddef>
#include <memory>
#include <span>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/attention_seam.h"
#include "modules/03_memoization/cache_shape.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {

// How many heads there are of each kind.
struct GroupedHeads {
  std::size_t heads = 0;     // H
  std::size_t kv_heads = 0;  // G
};

// Task 5.1. The shape of a cache of kv_heads heads for a model of `config`,
// whose own heads are its query heads: head_dim is that of the model, however
// many heads share. So its bytes (CacheBytes) are exactly G / H of those of the
// model's full cache. Cost: O(1).
// Throws ContractError if kv_heads is 0 or does not divide the model's heads.
CacheShape GroupedCacheShape(const Gpt2Config& config, std::size_t kv_heads,
                             const CacheCapacity& capacity);

// Task 5.1. The same attention with kv_heads key/value heads: weights and
// biases of a key head are the mean over the H / G key heads of its group,
// h = g * H / G .. (g + 1) * H / G - 1, and values likewise; queries and c_proj
// stay. c_attn's output features are then H * D of queries, G * D of keys and
// G * D of values, in this order; a c_attn without biases stays without.
// If all heads of a group are alike, attention is the same as before, within
// rounding; otherwise something is lost, and the mean loses less than any one
// head of the group (Ainslie 2023, section 2.1 and figure 4).
//   weights  c_attn is C -> 3 * C
//   returns  c_attn is C -> (H + 2 * G) * D, in float32
// Cost: reads every weight of c_attn once.
// Throws ContractError if G is 0 or does not divide H, H does not divide C, or
// c_attn is not C -> 3 * C.
AttentionWeights PoolKeyValueHeads(const AttentionWeights& weights,
                                   const GroupedHeads& heads);

// Given. A whole model so converted, layer by layer; all else is shared with
// `weights`. A Gpt2 of the result needs a GroupedAttention: its FullAttention
// would expect the key/value heads that are gone.
// Throws ContractError as PoolKeyValueHeads does.
std::shared_ptr<const Gpt2Weights> PoolKeyValueHeads(const Gpt2Weights& weights,
                                                     std::size_t kv_heads);

// Task 5.1. Queries [B, H, T, D], keys and values [B, G, T, D] of x [B, T, C],
// by one product with a c_attn as PoolKeyValueHeads returns it.
// Work: B * T * C * (H + 2 * G) * D multiply-accumulates, as Work::kQkv.
// Throws ContractError if a shape disagrees, G is 0 or does not divide H, or H
// does not divide C.
Qkv ProjectGroupedQkv(const Tensor3& x, const AttentionWeights& weights,
                      const GroupedHeads& heads);

// Module 3's CachedAttention over a cache of G heads. Plug it into a model by
// Gpt2::ReplaceAttention.
class GroupedAttention final : public Attention {
 public:
  // `heads` are the query heads; the cache's shape says how many there are of
  // keys and values.
  // Throws ContractError for a null cache, or if its key/value heads do not
  // divide `heads`.
  GroupedAttention(std::size_t heads, std::shared_ptr<KvCache> cache);

  // The number of tokens that every layer holds.
  std::size_t PastLen() const override { return cache_->PastLen(); }
  bool Remembers() const override { return true; }

  // Task 5.1. Attention of the new tokens over all that the cache holds, and
  // over themselves, whose keys and values it appends. If an earlier pass broke
  // off between two layers, the next call for layer 0 discards its leftovers.
  // Shapes as in Attention::Forward; c_attn as PoolKeyValueHeads returns it.
  // Cost: as CachedAttention::Forward, with G heads of keys and values to
  // compute, to store and to read.
  // Throws ContractError, leaving the layer's cache as it was but for such
  // leftovers, if a shape disagrees, the length of left_pad is not the batch
  // size, there is no such layer, or the tokens do not fit.
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override;

  const std::shared_ptr<KvCache>& Cache() const { return cache_; }

 private:
  GroupedHeads Heads() const {
    return {.heads = heads_, .kv_heads = cache_->Shape().num_kv_heads};
  }

  std::size_t heads_;
  std::shared_ptr<KvCache> cache_;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_GROUPED_ATTENTION_H_
