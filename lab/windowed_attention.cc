#include "lab/windowed_attention.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <span>
#include <string>

#include "kit/error.h"
#include "modules/01_attention/attention.h"

namespace kvlab {
namespace {

// The first `tokens` slots.
ConstView4 FirstSlots(const Tensor4& storage, std::size_t tokens) {
  const std::size_t head_dim = storage.shape(3);
  const std::size_t head_stride = storage.shape(2) * head_dim;
  return MakeView(storage.data(), {1, storage.shape(1), tokens, head_dim},
                  {storage.shape(1) * head_stride, head_stride, head_dim});
}

// token: [1, heads, 1, head_dim]
void Store(const Tensor4& token, std::size_t slot, Tensor4& storage) {
  for (std::size_t h = 0; h < storage.shape(1); ++h) {
    const std::span<const float> row = HeadMatrix(token, 0, h).Row(0);
    std::ranges::copy(row, HeadMatrix(storage, 0, h).Row(slot).begin());
  }
}

}  // namespace

WindowedAttention::WindowedAttention(const Gpt2Config& config,
                                     std::size_t window)
    : heads_(config.num_heads), window_(window), layers_(config.num_layers) {
  if (window == 0) {
    throw ContractError("WindowedAttention: a window of no tokens",
                        "a token sees at least itself", "ask for 1 or more");
  }
  const std::array<std::size_t, 4> shape = {1, heads_, window,
                                            config.HeadDim()};
  for (Layer& layer : layers_) {
    layer.keys = Tensor4::from_shape(shape);
    layer.values = Tensor4::from_shape(shape);
    layer.keys.fill(std::numeric_limits<float>::quiet_NaN());
    layer.values.fill(std::numeric_limits<float>::quiet_NaN());
  }
}

Tensor3 WindowedAttention::Forward(std::size_t layer, const Tensor3& x,
                                   const AttentionWeights& weights,
                                   std::span<const std::size_t> left_pad) {
  const bool padded =
      std::ranges::any_of(left_pad, [](std::size_t pad) { return pad > 0; });
  if (x.shape(0) != 1 || x.shape(1) != 1 || padded) {
    throw ContractError(
        "WindowedAttention: one row without padding, and one "
        "token at a time",
        "x is " + ShapeText(x.shape()), "pass the tokens one by one");
  }
  Layer& kept = layers_.at(layer);
  const Qkv qkv = ProjectQkv(x, weights, heads_);
  Store(qkv.keys, past_len_ % window_, kept.keys);
  Store(qkv.values, past_len_ % window_, kept.values);
  const std::size_t held = std::min(past_len_ + 1, window_);
  const Tensor4 attended =
      CausalAttention(qkv.queries, FirstSlots(kept.keys, held),
                      FirstSlots(kept.values, held), {});
  if (layer + 1 == layers_.size()) ++past_len_;
  return ProjectOutput(attended, weights);
}

std::uint64_t WindowedAttention::Bytes() const {
  std::uint64_t elements = 0;
  for (const Layer& layer : layers_) {
    elements += layer.keys.size() + layer.values.size();
  }
  return elements * sizeof(float);
}

}  // namespace kvlab
