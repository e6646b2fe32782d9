// Module 2: choosing the next token, and the baseline, which recomputes the
// whole prefix for each token.
#ifndef KVLAB_MODULES_02_TRANSFORMER_GENERATE_H_
#define KVLAB_MODULES_02_TRANSFORMER_GENERATE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {

struct SamplingOptions {
  float temperature = 0;  // 0 means greedy
  std::size_t top_k = 0;  // 0 means the whole vocabulary
};

// Task 2.6. The id with the largest logit; on a tie the lowest. Cost: O(V) for
// V logits.
// Throws ContractError if there are no logits.
TokenId Greedy(std::span<const float> logits);

// Task 2.6. Draws an id: keeps the top_k largest logits (on a tie the lowest
// ids), takes the softmax of logit / temperature over them, orders them by
// descending logit (on a tie the lowest id first), and returns the first at
// which the running sum exceeds `uniform`, a number in [0, 1); the last if
// rounding keeps the sum below it. Temperature 0 is Greedy; any number above 0
// is valid, however small. So subtract the largest logit first and then divide:
// logit / temperature and 1 / temperature may be infinite.
// Cost: that of sorting V logits, which is small beside the head's V * d_model.
// Source: Fan et al. 2018, arXiv:1805.04833, section 5.4 (top-k); Hinton et al.
// 2015, arXiv:1503.02531, Eq. 1 (temperature).
// Throws ContractError if there are no logits or the temperature is negative
// or not a number.
TokenId Sample(std::span<const float> logits, const SamplingOptions& options,
               float uniform);

// Called after every step with the new token of each row, [B].
using OnTokens = std::function<void(std::span<const TokenId>)>;

struct GenerateOptions {
  std::size_t new_tokens = 0;
  SamplingOptions sampling = {};
  // Seeds one Random; rows draw from it in order, step by step, one
  // NextUniform() each, even when greedy.
  std::uint64_t seed = 0;
  OnTokens on_tokens = nullptr;
};

// Given. Throws ContractError unless the attention is empty (PastLen() 0) and
// the prompt plus new_tokens fit in max_positions. Cost: O(1).
void CheckGenerate(const Gpt2& model, const TokenBatch& prompt,
                   const GenerateOptions& options);

// Task 2.6. The next id of each row from logits [B, 1, vocab_size]: one Sample
// and one NextUniform() per row. Throws ContractError as Sample does.
std::vector<TokenId> NextTokens(const Tensor3& logits,
                                const SamplingOptions& options, Random& random);

// Task 2.7. The baseline: each step runs the model over the whole prefix,
// prompt and all tokens so far, and keeps no state. Returns exactly new_tokens
// tokens per row, [B, new_tokens]; there is no early stop.
// Cost: n new tokens after a prompt of P take n passes over P .. P + n - 1
// tokens, so n (2 P + n - 1) / 2 tokens of each row run through the model.
// Source: Radford et al. 2019, section 2, Eq. 1: p(x) is the product of
// p(s_n | s_1, .., s_n-1), sampled factor by factor.
// Throws ContractError as CheckGenerate does, and if the attention remembers
// (Remembers()): an enabled cache, even an empty one, would take the second
// pass over the prompt for a continuation of the first.
Tokens Generate(Gpt2& model, const TokenBatch& prompt,
                const GenerateOptions& options);

}  // namespace kvlab

#endif  // KVLAB_MODULES_02_TRANSFORMER_GENERATE_H_
