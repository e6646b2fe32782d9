// Attention of a prefill that leaves out most of what the mask hides.
#ifndef KVLAB_COMPARE_PREFILL_IN_BLOCKS_H_
#define KVLAB_COMPARE_PREFILL_IN_BLOCKS_H_

#include <cstddef>
#include <memory>
#include <span>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {

// CachedAttention, with a prefill that calls module 1's CausalAttention for a
// few queries at a time. Its mask is aligned to the bottom right, so queries
// begin .. end - 1 need only the first PastLen() + end keys: of a prompt of n
// blocks, (n + 1) / 2n of all pairs are computed and counted, not all.
//
// Here and not in the solutions: recomputation, the baseline of every speedup
// in the course, calls the same CausalAttention, and would gain more than a
// cached generation does. And the formulas of module 4 describe the four steps
// of the lecture over the whole square.
class PrefillInBlocks final : public CachedAttention {
 public:
  // `block` queries at a time; a rest of less than half a block joins the last.
  // Throws ContractError for 0, or a null cache.
  PrefillInBlocks(std::size_t heads, std::shared_ptr<KvCache> cache,
                  std::size_t block);

  // As CachedAttention::Forward, with the same results up to rounding. Copies
  // queries and results once.
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override;

 private:
  bool IsOneBlock(std::size_t queries) const {
    return 2 * queries < 3 * block_;
  }
  Tensor4 Attend(const Tensor4& queries, const ConstView4& keys,
                 const ConstView4& values,
                 std::span<const std::size_t> left_pad) const;

  std::size_t heads_;
  std::size_t block_;
};

}  // namespace kvlab

#endif  // KVLAB_COMPARE_PREFILL_IN_BLOCKS_H_
