// Module 1 as the lecture writes it: softmax and attention in plain loops.
#include "modules/01_attention/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "kit/error.h"
#include "kit/math/linear_algebra.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

// Given. Throws unless `heads` cuts `features` into equal parts.
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
    throw ContractError("CausalAttention: key/value heads do not divide heads",
                        std::to_string(queries.shape(1)) + " query heads, " +
                            std::to_string(kv_heads) + " key/value heads",
                        "every key/value head serves the same number of query "
                        "heads");
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
  // [B, T, C] -> [B, T, count]
  Tensor3 part = Tensor3::from_shape({x.shape(0), x.shape(1), count});
  for (std::size_t row = 0; row < x.shape(0) * x.shape(1); ++row) {
    std::ranges::copy(Rows(x).Row(row).subspan(first, count),
                      Rows(part).Row(row).begin());
  }
  return part;
}

}  // namespace

void SoftmaxRows(Matrix scores) {
  for (std::size_t i = 0; i < scores.rows; ++i) {
    const std::span<float> row = scores.Row(i);
    float maximum = -std::numeric_limits<float>::infinity();
    for (const float score : row) {
      if (score > maximum) maximum = score;
    }
    if (maximum == -std::numeric_limits<float>::infinity()) {
      for (float& prob : row) prob = 0.0F;
      continue;
    }
    float sum = 0.0F;
    for (float& score : row) {
      score = std::exp(score - maximum);
      sum += score;
    }
    for (float& prob : row) prob /= sum;
  }
}

Tensor4 SplitHeads(const Tensor3& x, std::size_t heads) {
  CheckHeads("SplitHeads", heads, x.shape(2));
  const std::size_t batch = x.shape(0);
  const std::size_t len = x.shape(1);
  const std::size_t head_dim = x.shape(2) / heads;
  // [B, T, heads * D] -> [B, heads, T, D]
  Tensor4 split = Tensor4::from_shape({batch, heads, len, head_dim});
  for (std::size_t b = 0; b < batch; ++b) {
    for (std::size_t h = 0; h < heads; ++h) {
      for (std::size_t t = 0; t < len; ++t) {
        for (std::size_t d = 0; d < head_dim; ++d) {
          split(b, h, t, d) = x(b, t, h * head_dim + d);
        }
      }
    }
  }
  return split;
}

Tensor3 MergeHeads(const Tensor4& x) {
  const std::size_t batch = x.shape(0);
  const std::size_t heads = x.shape(1);
  const std::size_t len = x.shape(2);
  const std::size_t head_dim = x.shape(3);
  // [B, heads, T, D] -> [B, T, heads * D]
  Tensor3 merged = Tensor3::from_shape({batch, len, heads * head_dim});
  for (std::size_t b = 0; b < batch; ++b) {
    for (std::size_t h = 0; h < heads; ++h) {
      for (std::size_t t = 0; t < len; ++t) {
        for (std::size_t d = 0; d < head_dim; ++d) {
          merged(b, t, h * head_dim + d) = x(b, h, t, d);
        }
      }
    }
  }
  return merged;
}

Tensor4 CausalAttention(const Tensor4& queries, const ConstView4& keys,
                        const ConstView4& values,
                        std::span<const std::size_t> left_pad) {
  CheckAttention(queries, keys, values, left_pad);
  const std::size_t batch = queries.shape(0);
  const std::size_t heads = queries.shape(1);
  const std::size_t new_len = queries.shape(2);
  const std::size_t head_dim = queries.shape(3);
  const std::size_t total_len = keys.shape(2);
  const std::size_t past_len = total_len - new_len;
  const std::size_t group = heads / keys.shape(1);
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));

  // [B, H, T, D]
  Tensor4 attended = Tensor4::from_shape({batch, heads, new_len, head_dim});
  Tensor2 scores = Tensor2::from_shape({new_len, total_len});  // [T, S]
  std::uint64_t macs = 0;
  for (std::size_t b = 0; b < batch; ++b) {
    const std::size_t first = left_pad.empty() ? 0 : left_pad[b];
    for (std::size_t h = 0; h < heads; ++h) {
      const ConstMatrix q = HeadMatrix(queries, b, h);
      const ConstMatrix k = HeadMatrix(keys, b, h / group);
      const ConstMatrix v = HeadMatrix(values, b, h / group);

      // Scaled scores; what a query may not see is -infinity.
      for (std::size_t i = 0; i < new_len; ++i) {
        for (std::size_t j = 0; j < total_len; ++j) {
          if (j < first || j > past_len + i) {
            scores(i, j) = -std::numeric_limits<float>::infinity();
            continue;
          }
          float dot = 0.0F;
          for (std::size_t d = 0; d < head_dim; ++d) {
            dot += q.Row(i)[d] * k.Row(j)[d];
          }
          scores(i, j) = dot * scale;
          macs += 2 * head_dim;  // this product, and the one with the values
        }
      }

      SoftmaxRows(Rows(scores));

      // The weighted sum of the values that the query sees.
      for (std::size_t i = 0; i < new_len; ++i) {
        for (std::size_t d = 0; d < head_dim; ++d) {
          float sum = 0.0F;
          for (std::size_t j = first; j <= past_len + i; ++j) {
            sum += scores(i, j) * v.Row(j)[d];
          }
          attended(b, h, i, d) = sum;
        }
      }
    }
  }
  CountMacs(Work::kAttention, macs);
  return attended;
}

Qkv ProjectQkv(const Tensor3& x, const AttentionWeights& weights,
               std::size_t heads) {
  const std::size_t d_model = weights.c_attn.weight.In();
  CheckShape("ProjectQkv: x", x,
             std::array<std::size_t, 3>{x.shape(0), x.shape(1), d_model});
  CheckHeads("ProjectQkv", heads, d_model);
  // [B, T, C] -> [B, T, 3 * C]
  Tensor3 projected =
      Tensor3::from_shape({x.shape(0), x.shape(1), 3 * d_model});
  Linear(Work::kQkv, Rows(x), weights.c_attn.weight, weights.c_attn.bias,
         Rows(projected));
  return {SplitHeads(Features(projected, 0, d_model), heads),
          SplitHeads(Features(projected, d_model, d_model), heads),
          SplitHeads(Features(projected, 2 * d_model, d_model), heads)};
}

Tensor3 ProjectOutput(const Tensor4& attended,
                      const AttentionWeights& weights) {
  const std::size_t d_model = weights.c_proj.weight.In();
  CheckShape("ProjectOutput: attended, as features",
             std::array<std::size_t, 1>{attended.shape(1) * attended.shape(3)},
             std::array<std::size_t, 1>{d_model});
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
  const Qkv qkv = ProjectQkv(x, weights, heads);
  const Tensor4 attended =
      CausalAttention(qkv.queries, View(qkv.keys), View(qkv.values), left_pad);
  return ProjectOutput(attended, weights);
}

}  // namespace kvlab
