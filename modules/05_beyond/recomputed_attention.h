// For tests: attention under a rule of what is forgotten, computed anew from
// all tokens of a call. It remembers nothing, so a model with it is given the
// whole text, and what it answers is what a cache has to answer.
#ifndef KVLAB_MODULES_05_BEYOND_RECOMPUTED_ATTENTION_H_
#define KVLAB_MODULES_05_BEYOND_RECOMPUTED_ATTENTION_H_

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/attention_seam.h"
#include "modules/05_beyond/forgetful_model.h"

namespace kvlab {

// The tokens of a tensor [B, H, T, D] and two [B, G, T, D]; valid while these
// and left_pad are.
inline PlainTokens Plain(const Qkv& tokens,
                         std::span<const std::size_t> left_pad) {
  return {.batch = tokens.queries.shape(0),
          .heads = tokens.queries.shape(1),
          .kv_heads = tokens.keys.shape(1),
          .tokens = tokens.queries.shape(2),
          .head_dim = tokens.queries.shape(3),
          .queries = {tokens.queries.data(), tokens.queries.size()},
          .keys = {tokens.keys.data(), tokens.keys.size()},
          .values = {tokens.values.data(), tokens.values.size()},
          .left_pad = left_pad};
}

class RecomputedAttention final : public Attention {
 public:
  RecomputedAttention(std::size_t heads, ForgetRule forget)
      : heads_(heads), forget_(std::move(forget)) {}

  std::size_t PastLen() const override { return 0; }
  Tensor3 Forward(std::size_t /*layer*/, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override {
    const Qkv tokens = ProjectQkv(x, weights, heads_);
    const PlainRun run = RunForgetful(Plain(tokens, left_pad), forget_);
    Tensor4 attended = Tensor4::from_shape(tokens.queries.shape());
    std::ranges::copy(run.attended, attended.begin());
    return ProjectOutput(attended, weights);
  }

 private:
  std::size_t heads_;
  ForgetRule forget_;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_RECOMPUTED_ATTENTION_H_
