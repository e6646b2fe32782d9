// The student's model without a cache: the side that is right, unless the
// recorded numbers say otherwise.
#ifndef KVLAB_CLI_TRACE_UNCACHED_H_
#define KVLAB_CLI_TRACE_UNCACHED_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "cli/trace/numbers.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/attention_seam.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {

// Runs a new model over the whole sequence, in one pass, and keeps what module
// 1's functions make of every layer's input.
RunNumbers RunUncached(const std::shared_ptr<const Gpt2Weights>& weights,
                       const TokenBatch& tokens);

// The input [1, 1, C] of layer 0's attention for one token, if the cache held
// `past_len` tokens: the way in which the student's model embeds a position.
Tensor3 InputAt(const std::shared_ptr<const Gpt2Weights>& weights,
                TokenId token, std::size_t past_len);

// The first position at which `agrees` accepts the token's input of layer 0.
std::optional<std::size_t> PositionUsed(
    const std::shared_ptr<const Gpt2Weights>& weights, TokenId token,
    const std::function<bool(const Tensor3& x)>& agrees);

// What a query sees: the keys [begin, end) of its row.
struct Query {
  const RunNumbers& run;
  std::size_t layer = 0;
  std::size_t row = 0;
  std::size_t position = 0;
};

// The range of keys below `end` with which module 1's attention gives this
// output [C] for the query, if there is one. Searches all ranges of short
// sequences; of long ones only those that begin or end in the right place.
std::optional<PositionRange> KeysSeen(const Query& query,
                                      const AttentionWeights& weights,
                                      std::span<const float> output,
                                      std::size_t end);

}  // namespace kvlab

#endif  // KVLAB_CLI_TRACE_UNCACHED_H_
