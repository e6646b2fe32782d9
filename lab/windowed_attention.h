// Attention that keeps only the keys and values of the newest tokens: less
// memory and less work, and a different result.
// Source: Beltagy 2020, arXiv:2004.05150, section 3.1, in its causal form.
#ifndef KVLAB_LAB_WINDOWED_ATTENTION_H_
#define KVLAB_LAB_WINDOWED_ATTENTION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/attention_seam.h"

namespace kvlab {

// For one row, one token at a time.
class WindowedAttention final : public Attention {
 public:
  // Keeps `window` tokens a layer, the newest included. Throws ContractError
  // if it is 0.
  WindowedAttention(const Gpt2Config& config, std::size_t window);

  std::size_t PastLen() const override { return past_len_; }
  bool Remembers() const override { return true; }

  // Throws ContractError for more than one row or token.
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override;

  // Bytes of the keys and values that are kept.
  std::uint64_t Bytes() const;

 private:
  // Slot p % window holds position p; attention does not depend on the order.
  struct Layer {
    Tensor4 keys;    // [1, heads, window, head_dim]
    Tensor4 values;  // [1, heads, window, head_dim]
  };

  std::size_t heads_;
  std::size_t window_;
  std::vector<Layer> layers_;
  std::size_t past_len_ = 0;  // tokens that the last layer has seen
};

}  // namespace kvlab

#endif  // KVLAB_LAB_WINDOWED_ATTENTION_H_
