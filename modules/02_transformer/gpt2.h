// Module 2: GPT-2 as a whole.
// Source: Radford et al. 2019, "Language Models are Unsupervised Multitask
// Learners", section 2.3; positions are learned, the alternative of Vaswani et
// al. 2017, arXiv:1706.03762, section 3.5; the head is tied to wte (Press &
// Wolf 2017, arXiv:1608.05859).
#ifndef KVLAB_MODULES_02_TRANSFORMER_GPT2_H_
#define KVLAB_MODULES_02_TRANSFORMER_GPT2_H_

#include <cstddef>
#include <memory>
#include <span>

#include "kit/model/gpt2_weights.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/attention_seam.h"

namespace kvlab {

// The positions for which the head computes logits. Generation needs only the
// last, and the head is a large product.
enum class LogitsFor { kAllPositions, kLastPosition };

// Not movable: handles such as module 3's refer to it. Models share no mutable
// state: two may be used alternately, or at the same time by two threads.
class Gpt2 {
 public:
  // A model with FullAttention. Throws ContractError for null weights.
  explicit Gpt2(std::shared_ptr<const Gpt2Weights> weights);
  Gpt2(const Gpt2&) = delete;
  Gpt2& operator=(const Gpt2&) = delete;

  const Gpt2Config& Config() const { return weights_->config; }
  const Gpt2Weights& Weights() const { return *weights_; }

  // Logits of the next T tokens of every row: [B, T, vocab_size], or
  // [B, 1, vocab_size] for kLastPosition.
  // Token i of row b is at position PastLen() + i - left_pad[b] (padding at 0),
  // where PastLen() is the attention's. All positions below max_positions are
  // valid.
  // The head is lm_head, whether or not it is tied to wte, and is counted as
  // Work::kHead; all norms use the config's layer_norm_epsilon.
  // Cost: num_layers Blocks for T tokens, and the head's B * C * vocab_size
  // multiply-accumulates for each position asked for.
  // Throws ContractError, changing nothing, if an id is outside the vocabulary,
  // the length of left_pad is not the batch size, T is 0, or PastLen() + T
  // exceeds max_positions.
  Tensor3 Forward(const TokenBatch& tokens, LogitsFor logits_for);

  // The attention in use.
  Attention& CurrentAttention() { return *attention_; }
  const Attention& CurrentAttention() const { return *attention_; }

  // Plugs another attention in and returns the previous one.
  // Throws ContractError for null.
  std::unique_ptr<Attention> ReplaceAttention(
      std::unique_ptr<Attention> attention);

 private:
  // Task 2.5. wte[id] + wpe[position] for every token: [B, T, C]. Reads two
  // rows per token, whatever the sizes of the tables.
  Tensor3 Embed(const TokenBatch& tokens) const;
  // Given. Throws what Forward promises to throw.
  void CheckTokens(const TokenBatch& tokens) const;

  std::shared_ptr<const Gpt2Weights> weights_;
  std::unique_ptr<Attention> attention_;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_02_TRANSFORMER_GPT2_H_
