#include "modules/05_beyond/repeated_heads.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {
namespace {

// The linear map whose output feature `out` is feature source(out) of `linear`.
LinearWeights Choose(const LinearWeights& linear, std::size_t features,
                     const std::function<std::size_t(std::size_t)>& source) {
  const std::size_t in = linear.weight.In();
  std::vector<float> values;  // [features, in]
  LinearWeights chosen;
  const bool has_bias = linear.bias.size() != 0;
  chosen.bias = Tensor1::from_shape({has_bias ? features : 0});
  for (std::size_t out = 0; out < features; ++out) {
    for (std::size_t i = 0; i < in; ++i) {
      values.push_back(linear.weight.At(i, source(out)));
    }
    if (has_bias) chosen.bias(out) = linear.bias(source(out));
  }
  chosen.weight =
      WeightMatrix::FromFloats(values, WeightLayout::kOutIn, in, features);
  return chosen;
}

}  // namespace

AttentionWeights RepeatHeads(const AttentionWeights& grouped,
                             const GroupedHeads& heads) {
  const std::size_t d_model = grouped.c_attn.weight.In();
  const std::size_t head_dim = d_model / heads.heads;
  const std::size_t group = heads.heads / heads.kv_heads;
  const auto source = [&](std::size_t out) {
    if (out < d_model) return out;
    const std::size_t part = out / d_model - 1;  // 0 keys, 1 values
    const std::size_t h = out % d_model / head_dim;
    return d_model + (part * heads.kv_heads + h / group) * head_dim +
           out % head_dim;
  };
  return {.c_attn = Choose(grouped.c_attn, 3 * d_model, source),
          .c_proj = grouped.c_proj};
}

std::shared_ptr<const Gpt2Weights> RepeatHeads(const Gpt2Weights& grouped,
                                               std::size_t kv_heads) {
  auto repeated = std::make_shared<Gpt2Weights>(grouped);
  for (BlockWeights& block : repeated->blocks) {
    block.attn = RepeatHeads(
        block.attn, {.heads = grouped.config.num_heads, .kv_heads = kv_heads});
  }
  return repeated;
}

AttentionWeights MakeGroupsAlike(const AttentionWeights& weights,
                                 const GroupedHeads& heads) {
  const std::size_t d_model = weights.c_attn.weight.In();
  const std::size_t head_dim = d_model / heads.heads;
  const std::size_t group = heads.heads / heads.kv_heads;
  const auto source = [&](std::size_t out) {
    if (out < d_model) return out;
    const std::size_t h = out % d_model / head_dim;
    return out - h % group * head_dim;
  };
  return {.c_attn = Choose(weights.c_attn, 3 * d_model, source),
          .c_proj = weights.c_proj};
}

}  // namespace kvlab
