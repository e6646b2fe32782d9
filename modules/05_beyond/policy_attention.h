// Module 5, given: a cache of a policy, plugged into a model that was written
// without one, and the tokens that the model generates with it.
#ifndef KVLAB_MODULES_05_BEYOND_POLICY_ATTENTION_H_
#define KVLAB_MODULES_05_BEYOND_POLICY_ATTENTION_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>

#include "kit/model/gpt2_weights.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/attention_seam.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/05_beyond/cache_policy.h"

namespace kvlab {

// A model's attention that reports what it holds. Plug it into a model by
// Gpt2::ReplaceAttention.
class PolicyAttention final : public Attention {
 public:
  // Made by MakePolicyAttention. `bytes` may refer to what `attention` owns.
  PolicyAttention(std::unique_ptr<Attention> attention,
                  std::function<std::uint64_t()> bytes)
      : attention_(std::move(attention)), bytes_(std::move(bytes)) {}

  std::size_t PastLen() const override { return attention_->PastLen(); }
  bool Remembers() const override { return true; }
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override {
    return attention_->Forward(layer, x, weights, left_pad);
  }

  // Bytes held in all layers for the tokens of a sequence: of keys and values,
  // or of what takes their place. With B rows, L layers, G heads, D head_dim, C
  // = d_model and a capacity of N tokens:
  //   full       2 * B * L * G * N * D * 4 (CacheBytes)
  //   paged      2 * L * G * D * 4 * kPolicyBlock for each block in use: a row
  //              of S tokens has ceil(S / kPolicyBlock)
  //   window, sinks  2 * B * L * G * (K + W) * D * 4
  //   evict      2 * B * L * G * budget * D * 4
  //   int8       L * QuantizedBytes, groups of kPolicyGroup tokens
  //   recompute  B * L * N * C * 4 (InputBytes)
  std::uint64_t Bytes() const { return bytes_(); }

 private:
  std::unique_ptr<Attention> attention_;
  std::function<std::uint64_t()> bytes_;
};

// An empty cache of a policy for a model of `config`, for as many rows and
// tokens as `capacity` says.
// Throws DataError as CheckPolicyFits does, and ContractError if a size is 0.
std::unique_ptr<PolicyAttention> MakePolicyAttention(
    const CachePolicy& policy, const Gpt2Config& config,
    const CacheCapacity& capacity);

// What a model generated, and the bytes that its cache held at the end.
struct PolicyGeneration {
  Tokens tokens;  // [batch, new_tokens]
  std::uint64_t cache_bytes = 0;
};

// GenerateCached (module 3) with a cache of a policy: the prompt runs through
// the model once, and then each new token but the last. The cache has room for
// prompt + new_tokens - 1 tokens. The model has its own attention back
// afterwards, also if a step throws.
// Throws DataError as MakePolicyAttention does, and ContractError as
// CheckGenerate does: also a cache of constant size cannot go beyond the
// positions that the model has learned.
PolicyGeneration GenerateWithPolicy(Gpt2& model, const TokenBatch& prompt,
                                    const GenerateOptions& options,
                                    const CachePolicy& policy);

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_POLICY_ATTENTION_H_
