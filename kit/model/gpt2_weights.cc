#include "kit/model/gpt2_weights.h"

#include <cstdint>

namespace kvlab {
namespace {

std::uint64_t TensorBytes(const Tensor1& tensor) {
  return tensor.size() * sizeof(float);
}

std::uint64_t LinearBytes(const LinearWeights& linear) {
  return linear.weight.Bytes() + TensorBytes(linear.bias);
}

std::uint64_t NormBytes(const LayerNormWeights& norm) {
  return TensorBytes(norm.weight) + TensorBytes(norm.bias);
}

}  // namespace

std::uint64_t Gpt2Weights::Bytes() const {
  std::uint64_t bytes = wte.Bytes() + wpe.Bytes() + NormBytes(ln_f);
  if (lm_head.Data() != wte.Data()) bytes += lm_head.Bytes();
  for (const BlockWeights& block : blocks) {
    bytes += NormBytes(block.ln_1) + LinearBytes(block.attn.c_attn) +
             LinearBytes(block.attn.c_proj) + NormBytes(block.ln_2) +
             LinearBytes(block.mlp.c_fc) + LinearBytes(block.mlp.c_proj);
  }
  return bytes;
}

}  // namespace kvlab
