// Fill in the TODOs; README.md beside this file explains each task.
#include "modules/02_transformer/generate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/random.h"
#include "kit/reductions.h"
#include "kit/tensor.h"
#include "kit/vector_math.h"

namespace kvlab {
namespace {

// Given.
void CheckLogits(const std::string& who, std::span<const float> logits) {
  if (logits.empty()) {
    throw ContractError(who + ": there are no logits",
                        "one of them is to be chosen",
                        "pass one logit per token of the vocabulary");
  }
}

}  // namespace

TokenId Greedy(std::span<const float> logits) {
  CheckLogits("Greedy", logits);
  // TODO(2.6): the index of the largest logit; of equal ones the first.
  throw NotImplemented("Greedy", "module 2, task 6");
}

TokenId Sample(std::span<const float> logits, const SamplingOptions& options,
               float uniform) {
  CheckLogits("Sample", logits);
  if (!(options.temperature >= 0.0F)) {
    throw ContractError("Sample: the temperature is negative or not a number",
                        "logits are divided by it", "use 0 for greedy");
  }
  // TODO(2.6): temperature 0 is Greedy. Otherwise sort the ids by falling
  // logit, keep top_k (0: all), take the softmax of logit / temperature
  // (subtract the largest first), and walk along the running sum until it
  // exceeds `uniform`.
  throw NotImplemented("Sample", "module 2, task 6");
}

std::vector<TokenId> NextTokens(const Tensor3& logits,
                                const SamplingOptions& options,
                                Random& random) {
  // TODO(2.6): Sample for every batch row, in order, each with one
  // random.NextUniform().
  throw NotImplemented("NextTokens", "module 2, task 6");
}

void CheckGenerate(const Gpt2& model, const TokenBatch& prompt,
                   const GenerateOptions& options) {
  const std::size_t past_len = model.CurrentAttention().PastLen();
  if (past_len > 0) {
    throw ContractError("Generate: the model still remembers a sequence",
                        "its cache holds " + std::to_string(past_len) +
                            " tokens, which the prompt would continue",
                        "Reset() the cache, or disable it");
  }
  const std::size_t prompt_len = prompt.ids.shape(1);
  const std::size_t max_positions = model.Config().max_positions;
  if (prompt_len > max_positions ||
      options.new_tokens > max_positions - prompt_len) {
    throw ContractError("Generate: prompt and new tokens do not fit",
                        std::to_string(prompt_len) + " + " +
                            std::to_string(options.new_tokens) +
                            " tokens, max_positions is " +
                            std::to_string(max_positions),
                        "shorten the prompt or generate fewer tokens");
  }
}

Tokens Generate(Gpt2& model, const TokenBatch& prompt,
                const GenerateOptions& options) {
  CheckGenerate(model, prompt, options);
  // TODO(2.7): new_tokens times: Forward over everything so far (only the last
  // position's logits), NextTokens, hand them to options.on_tokens if it is
  // set, and put them behind the sequence.
  throw NotImplemented("Generate", "module 2, task 7");
}

}  // namespace kvlab
