#include "cli/demo/divergence.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"

namespace kvlab {
namespace {

std::vector<float> LastLogits(Gpt2& model, const std::vector<TokenId>& ids) {
  const Tensor3 logits =
      model.Forward(SingleRow(ids), LogitsFor::kLastPosition);
  return {logits.begin(), logits.end()};
}

// As GenerateCached feeds them: the prompt at once, then token by token.
std::vector<float> CachedLogits(Gpt2& model, const std::vector<TokenId>& ids,
                                std::size_t prompt_len) {
  const KvCacheHandle handle = EnableKvCache(model, 1, ids.size());
  const auto prompt_end = ids.begin() + static_cast<std::ptrdiff_t>(prompt_len);
  std::vector<float> logits = LastLogits(model, {ids.begin(), prompt_end});
  for (auto id = prompt_end; id != ids.end(); ++id) {
    logits = LastLogits(model, {*id});
  }
  return logits;
}

float Margin(std::span<const float> logits) {
  float best = -std::numeric_limits<float>::infinity();
  float second = best;
  for (const float logit : logits) {
    second = std::max(second, std::min(best, logit));
    best = std::max(best, logit);
  }
  return best - second;
}

}  // namespace

Divergence MeasureDivergence(Gpt2& model, const Tokens& prompt,
                             const Tokens& equal) {
  std::vector<TokenId> ids(prompt.begin(), prompt.end());
  ids.insert(ids.end(), equal.begin(), equal.end());
  const std::vector<float> uncached = LastLogits(model, ids);
  const std::vector<float> cached = CachedLogits(model, ids, prompt.size());
  Divergence divergence = {.token = equal.size(), .margin = Margin(uncached)};
  for (std::size_t i = 0; i < uncached.size(); ++i) {
    // Not std::max, which would ignore a NaN.
    const float difference = std::abs(uncached[i] - cached[i]);
    if (!(difference <= divergence.difference)) {
      divergence.difference = difference;
    }
    divergence.largest_logit =
        std::max(divergence.largest_logit, std::abs(uncached[i]));
  }
  return divergence;
}

std::string DivergenceText(const Divergence& divergence) {
  const std::string numbers = fmt::format(
      "Token {} is the first that differs. From the same tokens before it, "
      "logits of up to {:.1f} differ by {:.2g} at most with and without the "
      "cache, and the two largest are {:.2g} apart.",
      divergence.token + 1, divergence.largest_logit, divergence.difference,
      divergence.margin);
  if (divergence.IsRounding()) {
    return numbers +
           " That is rounding: a pass over many tokens and a step add in "
           "another order. A draw near the boundary of two tokens can go "
           "either way, and after a different token the text differs.";
  }
  return numbers +
         " That is more than rounding: the cached path computes something "
         "else.";
}

}  // namespace kvlab
