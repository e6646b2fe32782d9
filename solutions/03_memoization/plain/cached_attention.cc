// Module 3 as the lecture writes it.
#include "modules/03_memoization/cached_attention.h"

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"

namespace kvlab {

namespace {

// Given. Throws for what could go wrong after the keys and values are stored.
void CheckForward(const Tensor3& x, const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) {
  CheckShape("CachedAttention::Forward: c_proj",
             std::array<std::size_t, 1>{weights.c_proj.weight.In()},
             std::array<std::size_t, 1>{x.shape(2)});
  if (!left_pad.empty() && left_pad.size() != x.shape(0)) {
    throw ContractError(
        "CachedAttention::Forward: left_pad has the wrong "
        "length",
        std::to_string(left_pad.size()) + " entries for " +
            std::to_string(x.shape(0)) + " batch rows",
        "give one number per row, or none at all");
  }
}

// Given. Empties a cache at the end of a block, also when it ends by an
// exception.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(KvCache& cache) : cache_(cache) {}
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;
  ~ResetAtEnd() {
    try {
      cache_.Reset();
    } catch (...) {
      // Thrown from here it would end the program. Task 3.5 reports it.
    }
  }

 private:
  KvCache& cache_;
};

}  // namespace

// Given. The attention that EnableKvCache plugs into a model. Not in the
// unnamed namespace: a function here and one compiled elsewhere must mean the
// same type.
struct EnabledAttention final : CachedAttention {
  using CachedAttention::CachedAttention;

  std::unique_ptr<Attention> before;  // the model's previous attention
  std::size_t handles = 0;            // how many there are to this cache
};

namespace {

// Given. The model's attention, or null if it is not from EnableKvCache.
EnabledAttention* EnabledIn(Gpt2& model) {
  return dynamic_cast<EnabledAttention*>(&model.CurrentAttention());
}

}  // namespace

CachedAttention::CachedAttention(std::size_t heads,
                                 std::shared_ptr<KvCache> cache)
    : heads_(heads), cache_(std::move(cache)) {
  if (cache_ == nullptr) {
    throw ContractError("CachedAttention: the cache is null",
                        "there is nowhere to keep keys and values",
                        "make a KvCache for the model's shape");
  }
}

Tensor3 CachedAttention::Forward(std::size_t layer, const Tensor3& x,
                                 const AttentionWeights& weights,
                                 std::span<const std::size_t> left_pad) {
  CheckForward(x, weights, left_pad);
  if (layer == 0) cache_->Truncate(cache_->PastLen());
  const Qkv qkv = ProjectQkv(x, weights, heads_);
  LayerCache& layer_cache = cache_->Layer(layer);
  layer_cache.Append(qkv.keys, qkv.values);
  const Tensor4 attended = CausalAttention(qkv.queries, layer_cache.Keys(),
                                           layer_cache.Values(), left_pad);
  return ProjectOutput(attended, weights);
}

KvCacheHandle::KvCacheHandle(Gpt2& model, std::shared_ptr<KvCache> cache)
    : model_(model), cache_(std::move(cache)) {
  if (!Enabled()) {
    throw ContractError("KvCacheHandle: the model does not use this cache",
                        "the model's attention has another cache, or none",
                        "plug in an EnabledAttention with this cache first");
  }
  ++EnabledIn(model_)->handles;
}

KvCacheHandle::~KvCacheHandle() {
  if (!Enabled()) return;
  EnabledAttention& attention = *EnabledIn(model_);
  if (--attention.handles == 0 && attention.before != nullptr) {
    model_.ReplaceAttention(std::move(attention.before));
  }
}

bool KvCacheHandle::Enabled() const {
  const EnabledAttention* attention = EnabledIn(model_);
  return attention != nullptr && attention->Cache() == cache_;
}

void KvCacheHandle::Disable() {
  if (Enabled()) {
    EnabledAttention* attention = EnabledIn(model_);
    model_.ReplaceAttention(std::move(attention->before));
  }
}

KvCacheHandle EnableKvCache(Gpt2& model, const CacheCapacity& capacity) {
  const Gpt2Config& config = model.Config();
  if (capacity.max_seq_len > config.max_positions) {
    throw ContractError("EnableKvCache: the cache exceeds the model",
                        "max_seq_len " + std::to_string(capacity.max_seq_len) +
                            " exceeds max_positions " +
                            std::to_string(config.max_positions),
                        "ask for at most max_positions tokens");
  }
  const CacheShape shape = {.batch = capacity.batch,
                            .max_seq_len = capacity.max_seq_len,
                            .num_layers = config.num_layers,
                            .num_kv_heads = config.num_heads,
                            .head_dim = config.HeadDim()};
  EnabledAttention* current = EnabledIn(model);
  if (current == nullptr && model.CurrentAttention().Remembers()) {
    throw ContractError("EnableKvCache: the model has a cache already",
                        "it was plugged in without EnableKvCache",
                        "replace that attention first");
  }
  if (current != nullptr) {
    if (current->Cache()->Shape() != shape) {
      throw ContractError("EnableKvCache: the model has another cache already",
                          "its shape is not the one asked for",
                          "Disable() that cache first");
    }
    return KvCacheHandle(model, current->Cache());
  }
  auto attention = std::make_unique<EnabledAttention>(
      config.num_heads, std::make_shared<KvCache>(shape));
  current = attention.get();
  current->before = model.ReplaceAttention(std::move(attention));
  return KvCacheHandle(model, current->Cache());
}

Tokens GenerateCached(Gpt2& model, const TokenBatch& prompt,
                      const GenerateOptions& options) {
  CheckGenerate(model, prompt, options);
  const std::size_t batch = prompt.ids.shape(0);
  // [B, new_tokens]
  Tokens generated = Tokens::from_shape({batch, options.new_tokens});
  if (options.new_tokens == 0) return generated;

  const std::size_t tokens = prompt.ids.shape(1) + options.new_tokens - 1;
  KvCacheHandle handle =
      EnableKvCache(model, {.batch = batch, .max_seq_len = tokens});
  const ResetAtEnd reset_at_end(handle.Cache());
  Random random(options.seed);
  TokenBatch input = prompt;
  for (std::size_t step = 0; step < options.new_tokens; ++step) {
    const Tensor3 logits = model.Forward(input, LogitsFor::kLastPosition);
    const std::vector<TokenId> next =
        NextTokens(logits, options.sampling, random);
    if (options.on_tokens) options.on_tokens(next);

    // From now on only the newest token of each row, [B, 1]; left_pad stays.
    input.ids = Tokens::from_shape({batch, 1});
    for (std::size_t b = 0; b < batch; ++b) {
      input.ids(b, 0) = next[b];
      generated(b, step) = next[b];
    }
  }
  return generated;
}

}  // namespace kvlab
