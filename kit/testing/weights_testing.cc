#include "kit/testing/weights_testing.h"

#include <cstddef>

#include "kit/tensor/weight_matrix.h"

namespace kvlab {
namespace {

double Sum(const WeightMatrix& matrix) {
  double sum = 0;
  for (std::size_t in = 0; in < matrix.In(); ++in) {
    for (std::size_t out = 0; out < matrix.Out(); ++out) {
      sum += matrix.At(in, out);
    }
  }
  return sum;
}

}  // namespace

void TouchEverything(const Gpt2Weights& weights) {
  double sum = Sum(weights.wte) + Sum(weights.wpe) + Sum(weights.lm_head);
  for (const BlockWeights& block : weights.blocks) {
    sum += Sum(block.attn.c_attn.weight) + Sum(block.attn.c_proj.weight) +
           Sum(block.mlp.c_fc.weight) + Sum(block.mlp.c_proj.weight);
  }
  volatile double kept = sum;
  static_cast<void>(kept);
}

}  // namespace kvlab
