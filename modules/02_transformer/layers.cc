// Fill in the TODOs: the header says what is promised, README.md says why.
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

Tensor3 LayerNorm(const Tensor3& x, const LayerNormWeights& weights,
                  float epsilon) {
  const std::array<std::size_t, 1> features = {x.shape(2)};
  CheckShape("LayerNorm: weight", weights.weight, features);
  CheckShape("LayerNorm: bias", weights.bias, features);
  // TODO(2.1): for every token: mean, then variance around it, both divided by
  // d_model; subtract the mean, divide by sqrt(variance + epsilon), scale with
  // weight, shift by bias.
  throw NotImplemented("LayerNorm", "module 2, task 1");
}

void GeluInPlace(std::span<float> values) {
  // TODO(2.2): the formula of the header. TanhInPlace works on many numbers at
  // once and is far cheaper than a loop of std::tanh; a small buffer helps.
  throw NotImplemented("GeluInPlace", "module 2, task 2");
}

Tensor3 Mlp(const Tensor3& x, const MlpWeights& weights) {
  CheckShape("Mlp: x", x,
             std::array<std::size_t, 3>{x.shape(0), x.shape(1),
                                        weights.c_fc.weight.In()});
  // TODO(2.3): c_fc, GeluInPlace, c_proj. Count both products as Work::kMlp.
  throw NotImplemented("Mlp", "module 2, task 3");
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
  throw NotImplemented("Block", "module 2, task 4");
}

}  // namespace kvlab
