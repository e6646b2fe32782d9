// For tests of grouped heads: multi-head weights whose key and value heads are
// alike within each group.
#ifndef KVLAB_MODULES_05_BEYOND_REPEATED_HEADS_H_
#define KVLAB_MODULES_05_BEYOND_REPEATED_HEADS_H_

#include <cstddef>
#include <memory>

#include "kit/model/gpt2_weights.h"
#include "modules/05_beyond/grouped_attention.h"

namespace kvlab {

// c_attn C -> 3 * C in which every head reads keys and values of its group's
// head of `grouped`, whose c_attn is C -> (H + 2 * G) * D: the same attention,
// for module 1.
AttentionWeights RepeatHeads(const AttentionWeights& grouped,
                             const GroupedHeads& heads);

// The same for every layer. A Gpt2 of the result needs nothing of module 5.
std::shared_ptr<const Gpt2Weights> RepeatHeads(const Gpt2Weights& grouped,
                                               std::size_t kv_heads);

// c_attn C -> 3 * C in which the key and value heads of a group are copies of
// the group's first head in `weights`.
AttentionWeights MakeGroupsAlike(const AttentionWeights& weights,
                                 const GroupedHeads& heads);

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_REPEATED_HEADS_H_
