// Module 2 as the lecture writes it: sampling in plain loops.
#include "modules/02_transformer/generate.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"

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
  std::size_t best = 0;
  for (std::size_t id = 1; id < logits.size(); ++id) {
    if (logits[id] > logits[best]) best = id;
  }
  return static_cast<TokenId>(best);
}

TokenId Sample(std::span<const float> logits, const SamplingOptions& options,
               float uniform) {
  CheckLogits("Sample", logits);
  if (!(options.temperature >= 0.0F)) {
    throw ContractError("Sample: the temperature is negative or not a number",
                        "logits are divided by it", "use 0 for greedy");
  }
  if (options.temperature == 0.0F) return Greedy(logits);

  std::vector<std::size_t> ids(logits.size());
  for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = i;
  std::stable_sort(ids.begin(), ids.end(), [&](std::size_t a, std::size_t b) {
    return logits[a] > logits[b];
  });
  if (options.top_k > 0 && options.top_k < ids.size()) {
    ids.resize(options.top_k);
  }

  const float largest = logits[ids[0]];
  std::vector<float> probs(ids.size());
  float sum = 0.0F;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    probs[i] = std::exp((logits[ids[i]] - largest) / options.temperature);
    sum += probs[i];
  }
  float running = 0.0F;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    running += probs[i] / sum;
    if (running > uniform) return static_cast<TokenId>(ids[i]);
  }
  return static_cast<TokenId>(ids.back());
}

std::vector<TokenId> NextTokens(const Tensor3& logits,
                                const SamplingOptions& options,
                                Random& random) {
  std::vector<TokenId> next(logits.shape(0));
  for (std::size_t b = 0; b < next.size(); ++b) {
    next[b] = Sample(Rows(logits).Row(b), options, random.NextUniform());
  }
  return next;
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
  if (model.CurrentAttention().Remembers()) {
    throw ContractError("Generate: the model's attention remembers",
                        "each step passes the whole prefix again, which an "
                        "enabled cache would take for new tokens",
                        "Disable() the cache first, or use GenerateCached");
  }
  const std::size_t batch = prompt.ids.shape(0);
  const std::size_t prompt_len = prompt.ids.shape(1);
  Random random(options.seed);
  // [B, new_tokens]
  Tokens generated = Tokens::from_shape({batch, options.new_tokens});
  TokenBatch sequence = prompt;
  for (std::size_t step = 0; step < options.new_tokens; ++step) {
    const Tensor3 logits = model.Forward(sequence, LogitsFor::kLastPosition);
    const std::vector<TokenId> next =
        NextTokens(logits, options.sampling, random);
    if (options.on_tokens) options.on_tokens(next);

    // The sequence, one column longer: [B, T] -> [B, T + 1].
    const std::size_t old_len = prompt_len + step;
    Tokens longer = Tokens::from_shape({batch, old_len + 1});
    for (std::size_t b = 0; b < batch; ++b) {
      for (std::size_t t = 0; t < old_len; ++t) {
        longer(b, t) = sequence.ids(b, t);
      }
      longer(b, old_len) = next[b];
      generated(b, step) = next[b];
    }
    sequence.ids = longer;
  }
  return generated;
}

}  // namespace kvlab
