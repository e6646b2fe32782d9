// The interface (seam) through which a model calls attention. Module 2 plugs
// module 1's attention in here; module 3 will plug in one that remembers,
// without an edit to modules 1 or 2.
#ifndef KVLAB_MODULES_02_TRANSFORMER_ATTENTION_SEAM_H_
#define KVLAB_MODULES_02_TRANSFORMER_ATTENTION_SEAM_H_

#include <cstddef>
#include <span>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// What every block of a model calls.
class Attention {
 public:
  Attention() = default;
  Attention(const Attention&) = delete;
  Attention& operator=(const Attention&) = delete;
  virtual ~Attention() = default;

  // How many tokens of this sequence earlier calls have stored, which is the
  // position of the next token. 0 for attention without memory.
  virtual std::size_t PastLen() const = 0;

  // Whether Forward keeps its tokens for later calls, so that each may be
  // passed only once. True for an attention with memory even while that is
  // empty.
  virtual bool Remembers() const { return PastLen() > 0; }

  // Attention of layer `layer` for the next T tokens. What it costs depends on
  // what it remembers: T tokens alone, or T after PastLen() others.
  //   x         [B, T, C]
  //   left_pad  [B] or empty, counted from the start of the sequence
  //   returns   [B, T, C]
  // Throws ContractError if a shape disagrees or the length of left_pad is not
  // B.
  virtual Tensor3 Forward(std::size_t layer, const Tensor3& x,
                          const AttentionWeights& weights,
                          std::span<const std::size_t> left_pad) = 0;
};

// Module 1's MultiHeadAttention, at its cost: sees the tokens of this call and
// remembers nothing.
// Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2.
class FullAttention final : public Attention {
 public:
  explicit FullAttention(std::size_t heads) : heads_(heads) {}

  std::size_t PastLen() const override { return 0; }
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override;

 private:
  std::size_t heads_;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_02_TRANSFORMER_ATTENTION_SEAM_H_
