// Module 2 as the lecture writes it: layer norm and GELU in plain loops.
#include "modules/02_transformer/layers.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

#include "kit/math/linear_algebra.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"

namespace kvlab {

Tensor3 LayerNorm(const Tensor3& x, const LayerNormWeights& weights,
                  float epsilon) {
  const std::array<std::size_t, 1> features = {x.shape(2)};
  CheckShape("LayerNorm: weight", weights.weight, features);
  CheckShape("LayerNorm: bias", weights.bias, features);
  const std::size_t d_model = x.shape(2);
  // [B, T, C]
  Tensor3 out = Tensor3::from_shape({x.shape(0), x.shape(1), d_model});
  for (std::size_t b = 0; b < x.shape(0); ++b) {
    for (std::size_t t = 0; t < x.shape(1); ++t) {
      float mean = 0.0F;
      for (std::size_t c = 0; c < d_model; ++c) mean += x(b, t, c);
      mean /= static_cast<float>(d_model);

      float variance = 0.0F;
      for (std::size_t c = 0; c < d_model; ++c) {
        const float difference = x(b, t, c) - mean;
        variance += difference * difference;
      }
      variance /= static_cast<float>(d_model);

      const float deviation = std::sqrt(variance + epsilon);
      for (std::size_t c = 0; c < d_model; ++c) {
        out(b, t, c) = (x(b, t, c) - mean) / deviation * weights.weight(c) +
                       weights.bias(c);
      }
    }
  }
  return out;
}

void GeluInPlace(std::span<float> values) {
  const float factor = std::sqrt(2.0F / std::numbers::pi_v<float>);
  for (float& x : values) {
    x = 0.5F * x * (1.0F + std::tanh(factor * (x + 0.044715F * x * x * x)));
  }
}

Tensor3 Mlp(const Tensor3& x, const MlpWeights& weights) {
  CheckShape("Mlp: x", x,
             std::array<std::size_t, 3>{x.shape(0), x.shape(1),
                                        weights.c_fc.weight.In()});
  // [B, T, C] -> [B, T, width]
  Tensor3 hidden =
      Tensor3::from_shape({x.shape(0), x.shape(1), weights.c_fc.weight.Out()});
  Linear(Work::kMlp, Rows(x), weights.c_fc.weight, weights.c_fc.bias,
         Rows(hidden));
  GeluInPlace({hidden.data(), hidden.size()});
  // [B, T, width] -> [B, T, C]
  Tensor3 out = Tensor3::from_shape(
      {x.shape(0), x.shape(1), weights.c_proj.weight.Out()});
  Linear(Work::kMlp, Rows(hidden), weights.c_proj.weight, weights.c_proj.bias,
         Rows(out));
  return out;
}

Tensor3 FullAttention::Forward(std::size_t /*layer*/, const Tensor3& x,
                               const AttentionWeights& weights,
                               std::span<const std::size_t> left_pad) {
  return MultiHeadAttention(x, weights, heads_, left_pad);
}

Tensor3 Block(const Tensor3& x, const BlockWeights& weights, float epsilon,
              const BlockAttention& seam) {
  Tensor3 sum = x;
  const Tensor3 attended =
      seam.attention.Forward(seam.layer, LayerNorm(sum, weights.ln_1, epsilon),
                             weights.attn, seam.left_pad);
  for (std::size_t b = 0; b < sum.shape(0); ++b) {
    for (std::size_t t = 0; t < sum.shape(1); ++t) {
      for (std::size_t c = 0; c < sum.shape(2); ++c) {
        sum(b, t, c) += attended(b, t, c);
      }
    }
  }
  const Tensor3 mlp = Mlp(LayerNorm(sum, weights.ln_2, epsilon), weights.mlp);
  for (std::size_t b = 0; b < sum.shape(0); ++b) {
    for (std::size_t t = 0; t < sum.shape(1); ++t) {
      for (std::size_t c = 0; c < sum.shape(2); ++c) {
        sum(b, t, c) += mlp(b, t, c);
      }
    }
  }
  return sum;
}

}  // namespace kvlab
