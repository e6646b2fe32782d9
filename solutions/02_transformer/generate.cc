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

// BEGIN SOLUTION-ONLY
// The `count` ids of largest logit, by falling logit; of equal ones the lowest
// id first.
std::vector<TokenId> TopIds(std::span<const float> logits, std::size_t count) {
  std::vector<TokenId> ids(logits.size());
  std::iota(ids.begin(), ids.end(), TokenId{0});
  const auto end = ids.begin() + static_cast<std::ptrdiff_t>(count);
  std::ranges::partial_sort(ids, end, [&](TokenId a, TokenId b) {
    const float logit_a = logits[static_cast<std::size_t>(a)];
    const float logit_b = logits[static_cast<std::size_t>(b)];
    return logit_a > logit_b || (logit_a == logit_b && a < b);
  });
  ids.resize(count);
  return ids;
}

// Puts one column of new tokens behind each row of `ids`.
Tokens WithColumn(const Tokens& ids, const std::vector<TokenId>& column) {
  const std::size_t seq_len = ids.shape(1);
  Tokens longer = Tokens::from_shape({ids.shape(0), seq_len + 1});
  for (std::size_t b = 0; b < ids.shape(0); ++b) {
    for (std::size_t t = 0; t < seq_len; ++t) longer(b, t) = ids(b, t);
    longer(b, seq_len) = column[b];
  }
  return longer;
}
// END SOLUTION-ONLY

}  // namespace

TokenId Greedy(std::span<const float> logits) {
  CheckLogits("Greedy", logits);
  // TODO(2.6): the index of the largest logit; of equal ones the first.
  // BEGIN SOLUTION Greedy
  return static_cast<TokenId>(
      std::distance(logits.begin(), std::ranges::max_element(logits)));
  // END SOLUTION
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
  // BEGIN SOLUTION Sample
  if (options.temperature == 0.0F) return Greedy(logits);
  const std::size_t kept = options.top_k == 0
                               ? logits.size()
                               : std::min(options.top_k, logits.size());
  const std::vector<TokenId> ids = TopIds(logits, kept);
  const float max = logits[static_cast<std::size_t>(ids.front())];
  std::vector<float> weights;
  for (const TokenId id : ids) {
    weights.push_back((logits[static_cast<std::size_t>(id)] - max) /
                      options.temperature);
  }
  ExpInPlace(weights);
  const float target = uniform * Sum(weights);
  float running_sum = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    running_sum += weights[i];
    if (running_sum > target) return ids[i];
  }
  return ids.back();
  // END SOLUTION
}

std::vector<TokenId> NextTokens(const Tensor3& logits,
                                const SamplingOptions& options,
                                Random& random) {
  // TODO(2.6): Sample for every batch row, in order, each with one
  // random.NextUniform().
  // BEGIN SOLUTION NextTokens
  std::vector<TokenId> next;
  for (std::size_t b = 0; b < logits.shape(0); ++b) {
    next.push_back(Sample(Rows(logits).Row(b), options, random.NextUniform()));
  }
  return next;
  // END SOLUTION
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
  // BEGIN SOLUTION Generate
  Random random(options.seed);
  TokenBatch so_far = prompt;
  Tokens generated =
      Tokens::from_shape({prompt.ids.shape(0), options.new_tokens});
  for (std::size_t step = 0; step < options.new_tokens; ++step) {
    const Tensor3 logits = model.Forward(so_far, LogitsFor::kLastPosition);
    const std::vector<TokenId> next =
        NextTokens(logits, options.sampling, random);
    for (std::size_t b = 0; b < next.size(); ++b) generated(b, step) = next[b];
    if (options.on_tokens) options.on_tokens(next);
    so_far.ids = WithColumn(so_far.ids, next);
  }
  return generated;
  // END SOLUTION
}

}  // namespace kvlab
