// Module 5, given: attention whose layers forget, plugged into a model that was
// written without it. A layer stores the new tokens and attends in one call,
// since a token that is to be forgotten may be needed by a query before.
#ifndef KVLAB_MODULES_05_BEYOND_FORGETFUL_ATTENTION_H_
#define KVLAB_MODULES_05_BEYOND_FORGETFUL_ATTENTION_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/attention_seam.h"

namespace kvlab {

// Layers is RollingLayer or EvictingLayer. Plug it into a model by
// Gpt2::ReplaceAttention. The model then gives each token the learned position
// that it has in its text, however few tokens are held; and it refuses texts
// beyond max_positions, as ever: a cache of constant size does not teach a
// model positions that it has not learned.
template <typename Layer>
class ForgetfulAttention final : public Attention {
 public:
  // One layer of the cache for each layer of the model.
  ForgetfulAttention(std::size_t heads, std::vector<Layer> layers)
      : heads_(heads), layers_(std::move(layers)) {}

  // How many tokens of the sequence, padding included, every layer has been
  // given: the position of the next one, not the number of tokens held.
  std::size_t PastLen() const override {
    return layers_.empty() ? 0 : layers_.back().PastLen();
  }
  bool Remembers() const override { return true; }

  // Throws ContractError, changing nothing, as Attention::Forward and the
  // layer's Attend do, and if an earlier pass broke off between two layers:
  // what its first layers have forgotten cannot be brought back.
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override {
    Check(layer, x, weights);
    const Tensor4 attended =
        layers_[layer].Attend(ProjectQkv(x, weights, heads_), left_pad);
    return ProjectOutput(attended, weights);
  }

  // Forgets the whole sequence.
  void Reset() {
    for (Layer& layer : layers_) layer.Reset();
  }

  const std::vector<Layer>& Layers() const { return layers_; }

  // Bytes of the keys and values of all layers.
  std::uint64_t Bytes() const {
    std::uint64_t bytes = 0;
    for (const Layer& layer : layers_) bytes += layer.Bytes();
    return bytes;
  }

 private:
  void Check(std::size_t layer, const Tensor3& x,
             const AttentionWeights& weights) const {
    if (layer >= layers_.size()) {
      throw ContractError(
          "ForgetfulAttention::Forward: no layer " + std::to_string(layer),
          "the cache has " + std::to_string(layers_.size()) + " layers",
          "make one for each layer of the model");
    }
    CheckShape("ForgetfulAttention::Forward: c_proj",
               std::array<std::size_t, 1>{weights.c_proj.weight.In()},
               std::array<std::size_t, 1>{x.shape(2)});
    if (layer == 0 && layers_.front().PastLen() != PastLen()) {
      throw ContractError(
          "ForgetfulAttention::Forward: an earlier pass broke off",
          "the first layer has been given " +
              std::to_string(layers_.front().PastLen()) +
              " tokens and the last " + std::to_string(PastLen()) +
              ", and what has been forgotten since cannot be brought back",
          "Reset() it, and begin with the prompt");
    }
  }

  std::size_t heads_;
  std::vector<Layer> layers_;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_FORGETFUL_ATTENTION_H_
