// Whether rounding or a bug made two texts differ that should be the same.
#ifndef KVLAB_CLI_DEMO_DIVERGENCE_H_
#define KVLAB_CLI_DEMO_DIVERGENCE_H_

#include <cstddef>
#include <string>

#include "kit/tensor/tensor.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {

// The logits of the token that differs, computed from the same tokens without
// and with a cache.
struct Divergence {
  std::size_t token = 0;    // its place among the new ones, from 0
  float difference = 0;     // the largest between two logits of one id
  float margin = 0;         // the largest logit less the second largest
  float largest_logit = 0;  // by absolute value

  // Whether sums in another order explain the difference: float32 has 24 bits,
  // and a logit is the result of some thousands of additions.
  bool IsRounding() const { return difference <= 1e-4F * largest_logit; }
};

// For one row: the prompt, and the new tokens up to the first that differs.
// The model is without a cache before and after.
Divergence MeasureDivergence(Gpt2& model, const Tokens& prompt,
                             const Tokens& equal);

// An explanation, in a sentence or two.
std::string DivergenceText(const Divergence& divergence);

}  // namespace kvlab

#endif  // KVLAB_CLI_DEMO_DIVERGENCE_H_
