// Module 3: attention with a cache, plugged into a model that was written
// without one.
// Source: Shazeer 2019, arXiv:1911.02150, section 2.4.
#ifndef KVLAB_MODULES_03_MEMOIZATION_CACHED_ATTENTION_H_
#define KVLAB_MODULES_03_MEMOIZATION_CACHED_ATTENTION_H_

#include <cstddef>
#include <memory>
#include <span>

#include "kit/model/gpt2_weights.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/attention_seam.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {

// Computes queries, keys and values of the new tokens only, appends keys and
// values to the layer's cache, and attends over all tokens that the cache
// holds.
class CachedAttention : public Attention {
 public:
  // Throws ContractError for a null cache.
  CachedAttention(std::size_t heads, std::shared_ptr<KvCache> cache);

  // The number of tokens that every layer holds.
  std::size_t PastLen() const override { return cache_->PastLen(); }
  bool Remembers() const override { return true; }

  // Task 3.6. The same result as FullAttention over the whole sequence, for
  // its last T tokens. If an earlier forward pass broke off between two layers,
  // the next call for layer 0 discards its leftovers. Shapes as in
  // Attention::Forward.
  // Cost: the projections of T tokens, the attention of T queries over
  // PastLen() + T keys, and an Append of T tokens; nothing stored is copied.
  // Throws ContractError, leaving the layer's cache as it was but for such
  // leftovers, if a shape disagrees, the length of left_pad is not the batch
  // size, there is no such layer, or the tokens do not fit.
  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override;

  const std::shared_ptr<KvCache>& Cache() const { return cache_; }

 private:
  std::size_t heads_;
  std::shared_ptr<KvCache> cache_;
};

// The size of a model's cache.
struct CacheCapacity {
  std::size_t batch = 0;        // rows
  std::size_t max_seq_len = 0;  // tokens per row
};

// A model uses its cache from EnableKvCache until the handle goes out of scope,
// or until Disable(). A handle can be moved, but not copied. The model must
// outlive it.
class KvCacheHandle {
 public:
  KvCacheHandle(KvCacheHandle&& other) noexcept = default;
  KvCacheHandle& operator=(KvCacheHandle&&) = delete;
  // The last handle disables the cache and frees it.
  ~KvCacheHandle();

  // The cache, also after Disable(), which leaves its tokens as they are; they
  // last as long as the handle. Reset() it before a new prompt.
  KvCache& Cache() { return *cache_; }
  const KvCache& Cache() const { return *cache_; }

  // Whether the model still uses this cache.
  bool Enabled() const;

  // Task 3.7. Gives the model its previous attention back; its outputs are
  // again those of a model that never had a cache. Does nothing if already
  // done.
  void Disable();

 private:
  friend KvCacheHandle EnableKvCache(Gpt2& model,
                                     const CacheCapacity& capacity);
  // Throws ContractError if the model does not use this cache.
  KvCacheHandle(Gpt2& model, std::shared_ptr<KvCache> cache);

  Gpt2& model_;
  std::shared_ptr<KvCache> cache_;  // null once the handle is moved
};

// Task 3.7. Gives `model` a cache for capacity.batch rows of up to
// capacity.max_seq_len tokens, without an edit to modules 1 or 2. From now on
// each Forward continues the sequence: prefill with prompts of any length, then
// step by step.
// Enabling twice does not nest: the second call returns a second handle to the
// same cache, with its tokens. The cache is disabled by the first Disable() of
// any handle, or else with the last handle.
// Throws ContractError, changing nothing, if the model already has a cache of
// another shape or an attention that remembers but is not from EnableKvCache,
// a size is 0, or max_seq_len exceeds the model's max_positions.
// Cost: allocates the whole cache at once, CacheBytes.
KvCacheHandle EnableKvCache(Gpt2& model, const CacheCapacity& capacity);

// Task 3.8. Returns the same tokens as Generate, but the prompt runs through
// the model once (prefill) and then each new token but the last once (decode).
// Enables a cache for prompt + new_tokens - 1 tokens per row and disables it
// when done; for 0 new tokens it enables none. If the model already has an
// (empty) cache of that shape, uses it, and when done leaves it enabled and
// empty. All of this also holds if a step throws.
// Cost: n new tokens after a prompt of P run P + n - 1 tokens of each row
// through the model, in n passes.
// Throws ContractError as CheckGenerate does, and as EnableKvCache does if the
// model has a cache of another shape already.
Tokens GenerateCached(Gpt2& model, const TokenBatch& prompt,
                      const GenerateOptions& options);

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_CACHED_ATTENTION_H_
