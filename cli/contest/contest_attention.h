// A policy of the contest as a model's attention.
#ifndef KVLAB_CLI_CONTEST_CONTEST_ATTENTION_H_
#define KVLAB_CLI_CONTEST_CONTEST_ATTENTION_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "cli/contest/policy_process.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/attention_seam.h"

namespace kvlab::contest {

// Plug it into a model by Gpt2::ReplaceAttention, and give the model one row
// and one token at a time: with more, layer 0 would show the policy tokens that
// come after the one it answers for. The host keeps nothing of a token when the
// next one comes. What a policy wants to know later, it has to hold itself.
class ContestAttention final : public Attention {
 public:
  // For a model of `layers` layers with `heads` heads. The process must outlive
  // it.
  ContestAttention(std::size_t layers, std::size_t heads,
                   PolicyProcess& process)
      : layers_(layers), heads_(heads), process_(process) {}

  std::size_t PastLen() const override { return past_len_; }
  bool Remembers() const override { return true; }

  // Throws PolicyFault as PolicyProcess::Attend does, and ContractError if x is
  // not [1, 1, C].
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override;

 private:
  std::size_t layers_;
  std::size_t heads_;
  PolicyProcess& process_;
  std::size_t past_len_ = 0;
};

}  // namespace kvlab::contest

#endif  // KVLAB_CLI_CONTEST_CONTEST_ATTENTION_H_
