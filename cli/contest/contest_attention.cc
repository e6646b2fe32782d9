#include "cli/contest/contest_attention.h"

#include <array>
#include <cstddef>
#include <span>

#include "modules/01_attention/attention.h"

namespace kvlab::contest {
namespace {

std::span<const float> Numbers(const Tensor4& tensor) {
  return {tensor.data(), tensor.size()};
}

}  // namespace

Tensor3 ContestAttention::Forward(std::size_t layer, const Tensor3& x,
                                  const AttentionWeights& weights,
                                  std::span<const std::size_t> /*left_pad*/) {
  CheckShape("ContestAttention::Forward: rows and tokens",
             std::array<std::size_t, 2>{x.shape(0), x.shape(1)},
             std::array<std::size_t, 2>{1, 1});
  const Qkv token = ProjectQkv(x, weights, heads_);
  Tensor4 attended = Tensor4::from_shape(  // [1, heads, 1, head_dim]
      {1, heads_, 1, x.shape(2) / heads_});
  process_.Attend({.layer = layer, .position = past_len_},
                  {.query = Numbers(token.queries),
                   .key = Numbers(token.keys),
                   .value = Numbers(token.values)},
                  {attended.data(), attended.size()});
  if (layer + 1 == layers_) ++past_len_;
  return ProjectOutput(attended, weights);
}

}  // namespace kvlab::contest
