// Module 2: the layers of a GPT-2 block.
// Shapes: B batch, T tokens, C = d_model. Any sizes; the MLP's width need not
// be 4 * C.
//
// No function here keeps state between calls: each may be called again with
// other sizes, and by several threads at the same time.
#ifndef KVLAB_MODULES_02_TRANSFORMER_LAYERS_H_
#define KVLAB_MODULES_02_TRANSFORMER_LAYERS_H_

#include <cstddef>
#include <span>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/attention_seam.h"

namespace kvlab {

// Task 2.1. Normalises every token's C features to mean 0 and variance 1
// (divided by C, not C - 1; epsilon is added to the variance), then scales and
// shifts them: [B, T, C] -> [B, T, C]. The variance is the mean square around
// the mean; the mean square minus the squared mean would lose precision where
// the mean is far from 0. Cost: O(B T C).
// Source: Ba et al. 2016, arXiv:1607.06450, Eq. 3 and 4.
// Throws ContractError if a shape disagrees.
Tensor3 LayerNorm(const Tensor3& x, const LayerNormWeights& weights,
                  float epsilon);

// Task 2.2. The Gaussian error linear unit, tanh form, in place:
//   0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
// Cost: one tanh per value.
// Source: Hendrycks & Gimpel 2016, arXiv:1606.08415, section 2.
void GeluInPlace(std::span<float> values);

// Task 2.3. c_fc, GELU, c_proj: [B, T, C] -> [B, T, C].
// Work: B * T * 2 * C * d_mlp multiply-accumulates, as Work::kMlp.
// Source: Vaswani et al. 2017, arXiv:1706.03762, Eq. 2, with GELU for ReLU.
// Throws ContractError if a shape disagrees.
Tensor3 Mlp(const Tensor3& x, const MlpWeights& weights);

// The attention that a block calls, and for which layer and padding.
struct BlockAttention {
  Attention& attention;
  std::size_t layer = 0;
  std::span<const std::size_t> left_pad = {};  // [B] or empty
};

// Task 2.4. One pre-LN block of GPT-2: [B, T, C] -> [B, T, C],
//   x = x + attention(ln_1(x));  x = x + mlp(ln_2(x))
// Both norms use `epsilon`. The attention is called once; Block does not depend
// on what it caches.
// Cost: that of the attention and of Mlp; the rest is O(B T C).
// Source: Radford et al. 2019, section 2.3; Xiong et al. 2020,
// arXiv:2002.04745, Figure 1 (b).
// Throws ContractError if a shape disagrees, and what the attention throws.
Tensor3 Block(const Tensor3& x, const BlockWeights& weights, float epsilon,
              const BlockAttention& seam);

}  // namespace kvlab

#endif  // KVLAB_MODULES_02_TRANSFORMER_LAYERS_H_
