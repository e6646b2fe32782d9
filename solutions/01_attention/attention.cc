#include "modules/01_attention/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>

#include "kit/error.h"
#include "kit/math/linear_algebra.h"
#include "kit/math/parallel_loops.h"
#include "kit/math/reductions.h"
#include "kit/math/vector_math.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

// Given. Throws unless `heads` divides `features`.
void CheckHeads(const std::string& who, std::size_t heads,
                std::size_t features) {
  if (heads == 0 || features % heads != 0) {
    throw ContractError(who + ": heads do not divide the features",
                        std::to_string(features) + " features, " +
                            std::to_string(heads) + " heads",
                        "d_model must be heads * head_dim");
  }
}

// Given. Throws what CausalAttention promises to throw.
void CheckAttention(const Tensor4& queries, const ConstView4& keys,
                    const ConstView4& values,
                    std::span<const std::size_t> left_pad) {
  const std::size_t batch = queries.shape(0);
  const std::size_t kv_heads = keys.shape(1);
  const std::size_t total_len = keys.shape(2);
  const std::array<std::size_t, 4> expected = {batch, kv_heads, total_len,
                                               queries.shape(3)};
  CheckShape("CausalAttention: keys", keys, expected);
  CheckShape("CausalAttention: values", values, expected);
  if (kv_heads == 0 || queries.shape(1) % kv_heads != 0) {
    throw ContractError(
        "CausalAttention: key/value heads do not divide heads",
        std::to_string(queries.shape(1)) + " query heads, " +
            std::to_string(kv_heads) + " key/value heads",
        "give a number of query heads that is a multiple of the "
        "number of key/value heads");
  }
  if (total_len < queries.shape(2)) {
    throw ContractError("CausalAttention: fewer keys than queries",
                        std::to_string(queries.shape(2)) +
                            " new tokens, but only " +
                            std::to_string(total_len) + " keys in all",
                        "append the keys of the new tokens before attending");
  }
  if (!left_pad.empty() && left_pad.size() != batch) {
    throw ContractError("CausalAttention: left_pad has the wrong length",
                        std::to_string(left_pad.size()) + " entries for " +
                            std::to_string(batch) + " batch rows",
                        "give one number per row, or none at all");
  }
}

// Given. Features [first, first + count) of every token.
Tensor3 Features(const Tensor3& x, std::size_t first, std::size_t count) {
  Tensor3 part =
      Tensor3::from_shape({x.shape(0), x.shape(1), count});  // [B, T, count]
  for (std::size_t row = 0; row < x.shape(0) * x.shape(1); ++row) {
    std::ranges::copy(Rows(x).Row(row).subspan(first, count),
                      Rows(part).Row(row).begin());
  }
  return part;
}

// BEGIN SOLUTION-ONLY
// The four steps of CausalAttention, each for one head of one batch row: T
// queries, S keys, S >= T.

// Step 1: scores = q k^T / sqrt(D), [T, S].
void ScaledScores(ConstMatrix queries, ConstMatrix keys, Matrix scores) {
  MatMulTransposed(Work::kAttention, queries, keys, scores);
  const float scale = 1.0F / std::sqrt(static_cast<float>(queries.cols));
  for (std::size_t i = 0; i < scores.rows; ++i) {
    for (float& score : scores.Row(i)) score *= scale;
  }
}

// Step 2: query i may see keys left_pad .. past_len + i. All other scores
// become -infinity, which the softmax turns into exactly 0.
void Mask(Matrix scores, std::size_t left_pad) {
  constexpr float kUnseen = -std::numeric_limits<float>::infinity();
  const std::size_t past_len = scores.cols - scores.rows;
  for (std::size_t i = 0; i < scores.rows; ++i) {
    const std::span<float> row = scores.Row(i);
    const std::size_t end = past_len + i + 1;
    const std::size_t begin = std::min(left_pad, end);
    std::ranges::fill(row.first(begin), kUnseen);
    std::ranges::fill(row.subspan(end), kUnseen);
  }
}

// Step 3 is SoftmaxRows: the scores become probabilities.

// Step 4: attended = probs v, [T, D].
void WeightedSum(ConstMatrix probs, ConstMatrix values, Matrix attended) {
  MatMul(Work::kAttention, probs, values, attended);
}
// END SOLUTION-ONLY

}  // namespace

void SoftmaxRows(Matrix scores) {
  // TODO(1.1): each row becomes probabilities; a row that sees no key, zeros.
  // BEGIN SOLUTION SoftmaxRows
  for (std::size_t i = 0; i < scores.rows; ++i) {
    const std::span<float> row = scores.Row(i);
    const float max = Max(row);
    if (max == -std::numeric_limits<float>::infinity()) {
      std::ranges::fill(row, 0.0F);
      continue;
    }
    for (float& score : row) score -= max;
    ExpInPlace(row);
    const float scale = 1.0F / Sum(row);
    for (float& prob : row) prob *= scale;
  }
}

Tensor4 SplitHeads(const Tensor3& x, std::size_t heads) {
  CheckHeads("SplitHeads", heads, x.shape(2));
  // TODO(1.2): each head gets its own features of every token.
  // BEGIN SOLUTION SplitHeads
  const std::size_t head_dim = x.shape(2) / heads;
  // [B, T, heads * D] -> [B, heads, T, D]
  Tensor4 split =
      Tensor4::from_shape({x.shape(0), heads, x.shape(1), head_dim});
  for (std::size_t b = 0; b < x.shape(0); ++b) {
    for (std::size_t t = 0; t < x.shape(1); ++t) {
      for (std::size_t h = 0; h < heads; ++h) {
        std::copy_n(&x(b, t, h * head_dim), head_dim, &split(b, h, t, 0));
      }
    }
  }
  return split;
}

Tensor3 MergeHeads(const Tensor4& x) {
  // TODO(1.2): the inverse of SplitHeads.
  // BEGIN SOLUTION MergeHeads
  const std::size_t heads = x.shape(1);
  const std::size_t head_dim = x.shape(3);
  // [B, heads, T, D] -> [B, T, heads * D]
  Tensor3 merged =
      Tensor3::from_shape({x.shape(0), x.shape(2), heads * head_dim});
  for (std::size_t b = 0; b < x.shape(0); ++b) {
    for (std::size_t t = 0; t < x.shape(2); ++t) {
      for (std::size_t h = 0; h < heads; ++h) {
        std::copy_n(&x(b, h, t, 0), head_dim, &merged(b, t, h * head_dim));
      }
    }
  }
  return merged;
}

Tensor4 CausalAttention(const Tensor4& queries, const ConstView4& keys,
                        const ConstView4& values,
                        std::span<const std::size_t> left_pad) {
  CheckAttention(queries, keys, values, left_pad);
  // TODO(1.3): every query mixes the values of the keys that it may see.
  // BEGIN SOLUTION CausalAttention
  const std::size_t heads_per_kv_head = queries.shape(1) / keys.shape(1);
  Tensor4 attended = Tensor4::from_shape(queries.shape());  // [B, H, T, D]
  ForEachHead(queries, keys, [&](std::size_t b, std::size_t h, Matrix scores) {
    const std::size_t kv_head = h / heads_per_kv_head;
    const std::size_t pad = left_pad.empty() ? 0 : left_pad[b];
    ScaledScores(HeadMatrix(queries, b, h), HeadMatrix(keys, b, kv_head),
                 scores);
    Mask(scores, pad);
    SoftmaxRows(scores);
    WeightedSum(scores, HeadMatrix(values, b, kv_head),
                HeadMatrix(attended, b, h));
  });
  return attended;
}

Qkv ProjectQkv(const Tensor3& x, const AttentionWeights& weights,
               std::size_t heads) {
  const std::size_t d_model = weights.c_attn.weight.In();
  CheckShape("ProjectQkv: x", x,
             std::array<std::size_t, 3>{x.shape(0), x.shape(1), d_model});
  CheckHeads("ProjectQkv", heads, d_model);
  // TODO(1.4): a token's query, key and value, split into heads.
  // BEGIN SOLUTION ProjectQkv
  // [B, T, C] -> [B, T, 3 * C] -> three times [B, H, T, D]
  Tensor3 qkv = Tensor3::from_shape({x.shape(0), x.shape(1), 3 * d_model});
  Linear(Work::kQkv, Rows(x), weights.c_attn.weight, weights.c_attn.bias,
         Rows(qkv));
  // One after the other: each copy is gone before the next is made.
  Qkv split;
  split.queries = SplitHeads(Features(qkv, 0, d_model), heads);
  split.keys = SplitHeads(Features(qkv, d_model, d_model), heads);
  split.values = SplitHeads(Features(qkv, 2 * d_model, d_model), heads);
  return split;
}

Tensor3 ProjectOutput(const Tensor4& attended,
                      const AttentionWeights& weights) {
  const std::size_t d_model = weights.c_proj.weight.In();
  CheckShape("ProjectOutput: attended, as features",
             std::array<std::size_t, 1>{attended.shape(1) * attended.shape(3)},
             std::array<std::size_t, 1>{d_model});
  // TODO(1.4): the heads of a token, merged and mixed.
  // BEGIN SOLUTION ProjectOutput
  const Tensor3 merged = MergeHeads(attended);  // [B, T, H * D]
  // [B, T, C]
  Tensor3 out = Tensor3::from_shape(
      {merged.shape(0), merged.shape(1), weights.c_proj.weight.Out()});
  Linear(Work::kProjection, Rows(merged), weights.c_proj.weight,
         weights.c_proj.bias, Rows(out));
  return out;
}

Tensor3 MultiHeadAttention(const Tensor3& x, const AttentionWeights& weights,
                           std::size_t heads,
                           std::span<const std::size_t> left_pad) {
  // TODO(1.4): all of it: project, attend, project.
  // BEGIN SOLUTION MultiHeadAttention
  const Qkv qkv = ProjectQkv(x, weights, heads);
  const Tensor4 attended =
      CausalAttention(qkv.queries, View(qkv.keys), View(qkv.values), left_pad);
  return ProjectOutput(attended, weights);
}

}  // namespace kvlab
