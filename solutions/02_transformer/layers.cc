#include "modules/02_transformer/layers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <span>

#include "kit/error.h"
#include "kit/linear_algebra.h"
#include "kit/reductions.h"
#include "kit/tensor.h"
#include "kit/vector_math.h"
#include "modules/01_attention/attention.h"

namespace kvlab {

// BEGIN SOLUTION-ONLY
namespace {

// x += y, element by element.
void AddInPlace(Tensor3& x, const Tensor3& y) {
  CheckShape("Block: residual", y,
             std::array<std::size_t, 3>{x.shape(0), x.shape(1), x.shape(2)});
  for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] += y.data()[i];
}

}  // namespace
// END SOLUTION-ONLY

Tensor3 LayerNorm(const Tensor3& x, const LayerNormWeights& weights,
                  float epsilon) {
  const std::array<std::size_t, 1> features = {x.shape(2)};
  CheckShape("LayerNorm: weight", weights.weight, features);
  CheckShape("LayerNorm: bias", weights.bias, features);
  // TODO(2.1): for every token: mean, then variance around it, both divided by
  // d_model; subtract the mean, divide by sqrt(variance + epsilon), scale with
  // weight, shift by bias.
  // BEGIN SOLUTION LayerNorm
  Tensor3 out = Tensor3::from_shape(x.shape());
  const std::size_t d_model = x.shape(2);
  const float per_feature = 1.0F / static_cast<float>(d_model);
  for (std::size_t token = 0; token < Rows(x).rows; ++token) {
    const std::span<const float> in = Rows(x).Row(token);
    const std::span<float> centered = Rows(out).Row(token);
    const float mean = Sum(in) * per_feature;
    for (std::size_t d = 0; d < d_model; ++d) centered[d] = in[d] - mean;
    const float variance = SumOfSquares(centered) * per_feature;
    const float scale = 1.0F / std::sqrt(variance + epsilon);
    for (std::size_t d = 0; d < d_model; ++d) {
      centered[d] = centered[d] * scale * weights.weight(d) + weights.bias(d);
    }
  }
  return out;
  // END SOLUTION
}

void GeluInPlace(std::span<float> values) {
  // TODO(2.2): the formula of the header. TanhInPlace works on many numbers at
  // once and is far cheaper than a loop of std::tanh; a small buffer helps.
  // BEGIN SOLUTION GeluInPlace
  constexpr float kSqrt2OverPi = 0.7978845608028654F;
  std::array<float, 256> inner{};
  for (std::size_t begin = 0; begin < values.size(); begin += inner.size()) {
    const std::span<float> x =
        values.subspan(begin, std::min(inner.size(), values.size() - begin));
    for (std::size_t i = 0; i < x.size(); ++i) {
      inner[i] = kSqrt2OverPi * (x[i] + 0.044715F * x[i] * x[i] * x[i]);
    }
    TanhInPlace(std::span<float>(inner).first(x.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = 0.5F * x[i] * (1.0F + inner[i]);
    }
  }
  // END SOLUTION
}

Tensor3 Mlp(const Tensor3& x, const MlpWeights& weights) {
  CheckShape("Mlp: x", x,
             std::array<std::size_t, 3>{x.shape(0), x.shape(1),
                                        weights.c_fc.weight.In()});
  // TODO(2.3): c_fc, GeluInPlace, c_proj. Count both products as Work::kMlp.
  // BEGIN SOLUTION Mlp
  Tensor3 hidden =
      Tensor3::from_shape({x.shape(0), x.shape(1), weights.c_fc.weight.Out()});
  Linear(Work::kMlp, Rows(x), weights.c_fc.weight, weights.c_fc.bias,
         Rows(hidden));
  GeluInPlace({hidden.data(), hidden.size()});
  Tensor3 out = Tensor3::from_shape(
      {x.shape(0), x.shape(1), weights.c_proj.weight.Out()});
  Linear(Work::kMlp, Rows(hidden), weights.c_proj.weight, weights.c_proj.bias,
         Rows(out));
  return out;
  // END SOLUTION
}

Tensor3 FullAttention::Forward(std::size_t /*layer*/, const Tensor3& x,
                               const AttentionWeights& weights,
                               std::span<const std::size_t> left_pad) {
  return MultiHeadAttention(x, weights, heads_, left_pad);
}

Tensor3 Block(const Tensor3& x, std::size_t layer, const BlockWeights& weights,
              float epsilon, Attention& attention,
              std::span<const std::size_t> left_pad) {
  // TODO(2.4): two residual branches, each normalised at its start.
  // BEGIN SOLUTION Block
  Tensor3 out = x;
  AddInPlace(out, attention.Forward(layer, LayerNorm(x, weights.ln_1, epsilon),
                                    weights.attn, left_pad));
  AddInPlace(out, Mlp(LayerNorm(out, weights.ln_2, epsilon), weights.mlp));
  return out;
  // END SOLUTION
}

}  // namespace kvlab
