// Module 1: causal attention, one function for the full pass, for a chunk and
// for a single decode step.
//
// Shapes: B batch, H query heads, G key/value heads (G divides H), T new
// tokens, P tokens before them, S = P + T, D head_dim, C = H * D = d_model.
// Any sizes: S may be thousands, D odd, any size may be 1.
//
// No function here keeps state between calls: each may be called again with
// other sizes, and by several threads at the same time.
#ifndef KVLAB_MODULES_01_ATTENTION_ATTENTION_H_
#define KVLAB_MODULES_01_ATTENTION_ATTENTION_H_

#include <cstddef>
#include <span>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// Queries, keys and values of the same tokens, each [B, heads, T, D].
struct Qkv {
  Tensor4 queries;
  Tensor4 keys;
  Tensor4 values;
};

// Task 1.1. Replaces every row of `scores` by its softmax,
// e^(x_j - max) / sum_k e^(x_k - max): the maximum is subtracted so that large
// scores do not overflow. A score of -infinity becomes 0; a row of nothing but
// -infinity becomes all zeros. Cost: O(rows * columns), in place.
// Source: Vaswani et al. 2017, arXiv:1706.03762, Eq. 1.
void SoftmaxRows(Matrix scores);

// Task 1.2. Splits the last axis of x into heads: [B, T, heads * D] becomes
// [B, heads, T, D], and feature h * D + d becomes [h, d].
// Cost: copies every number once.
// Source: Vaswani 2017, section 3.2.2, where head_h is a product of its own:
// here one product computes all heads, side by side.
// Throws ContractError if heads is 0 or does not divide the last axis.
Tensor4 SplitHeads(const Tensor3& x, std::size_t heads);

// Task 1.2. The inverse, the paper's Concat(head_1, .., head_h) at the same
// cost: [B, heads, T, D] becomes [B, T, heads * D].
Tensor3 MergeHeads(const Tensor4& x);

// Task 1.3. softmax(q k^T / sqrt(D)) v for T queries over S = P + T keys
// (Vaswani 2017, Eq. 1). The mask is aligned to the bottom right: query i is at
// position P + i and sees keys 0 .. P + i, so the same function serves the full
// pass (P = 0), a chunk, and a single step (T = 1).
// Query head h reads key/value head h / (H / G) (Ainslie 2023,
// arXiv:2305.13245).
//   queries   [B, H, T, D]
//   keys, values [B, G, S, D], S >= T; views, such as those of a cache
//   left_pad  [B] or empty: keys 0 .. left_pad[b] - 1 of row b are padding and
// are seen by no query. A query that sees no key at all (itself padding) yields
// zeros.
//   returns   [B, H, T, D]
// So query i of row b sees keys j with left_pad[b] <= j <= P + i, where
// left_pad[b] may exceed S.
// Work: each of the two products counts D multiply-accumulates per pair of
// query and key, as Work::kAttention; nothing else is counted. A pair that the
// mask hides may count or not: the kit's products compute all T * S pairs of
// every head, and a loop of your own may leave hidden ones out. So a pass over
// n tokens costs O(n^2), and a single step after n tokens O(n).
// Throws ContractError if a shape disagrees, G does not divide H, S < T, or the
// length of left_pad is not B.
Tensor4 CausalAttention(const Tensor4& queries, const ConstView4& keys,
                        const ConstView4& values,
                        std::span<const std::size_t> left_pad);

// Task 1.4. Queries, keys and values of x [B, T, C]: one product with c_attn,
// whose 3 * C output features are queries, then keys, then values; each is
// split into heads.
// Work: B * T * 3 * C^2 multiply-accumulates, as Work::kQkv.
// Source: Vaswani 2017, section 3.2.2 (Q W^Q, K W^K, V W^V), with GPT-2's
// biases and its one matrix for all three.
// Throws ContractError if a shape disagrees.
Qkv ProjectQkv(const Tensor3& x, const AttentionWeights& weights,
               std::size_t heads);

// Task 1.4. Merges the heads of `attended` [B, H, T, D] and multiplies with
// c_proj: [B, T, C].
// Work: B * T * C^2 multiply-accumulates, as Work::kProjection.
// Source: Vaswani 2017, section 3.2.2 (Concat(..) W^O).
// Throws ContractError if a shape disagrees.
Tensor3 ProjectOutput(const Tensor4& attended, const AttentionWeights& weights);

// Task 1.4. Multi-head attention of x [B, T, C] over itself, P = 0:
// ProjectQkv, CausalAttention, ProjectOutput, at the cost of the three.
// Source: Vaswani 2017, section 3.2.2, MultiHead(Q, K, V) with Q = K = V = x.
// Throws ContractError as they do.
Tensor3 MultiHeadAttention(const Tensor3& x, const AttentionWeights& weights,
                           std::size_t heads,
                           std::span<const std::size_t> left_pad);

}  // namespace kvlab

#endif  // KVLAB_MODULES_01_ATTENTION_ATTENTION_H_
