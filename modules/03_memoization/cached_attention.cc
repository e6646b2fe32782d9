// Fill in the TODOs; README.md beside this file explains each task.
#include "modules/03_memoization/cached_attention.h"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/random.h"
#include "kit/tensor.h"
#include "modules/01_attention/attention.h"

namespace kvlab {

// Given. One enabled cache: who uses it, and what to put back at the end.
struct KvCacheHandle::Session {
  Session(Gpt2& the_model, CachedAttention& the_attention)
      : model(the_model), attention(the_attention) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() {
    if (InUse()) model.ReplaceAttention(std::move(before));
  }

  bool InUse() const {
    return before != nullptr && &model.CurrentAttention() == &attention;
  }

  Gpt2& model;
  CachedAttention& attention;         // the model owns it while InUse()
  std::unique_ptr<Attention> before;  // what the model had; null after Disable
};

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
  // TODO(3.6): if this is layer 0, forget what a broken-off pass may have left
  // in some layers: Truncate to PastLen(). Then project x (ProjectQkv), append
  // keys and values to this layer's cache, attend from the new queries over
  // all keys and values held (CausalAttention), project (ProjectOutput).
  throw NotImplemented("CachedAttention::Forward", "module 3, task 6");
}

KvCacheHandle::KvCacheHandle(std::shared_ptr<Session> session)
    : session_(std::move(session)), cache_(session_->attention.Cache()) {}

bool KvCacheHandle::Enabled() const { return session_->InUse(); }

void KvCacheHandle::Disable() {
  // TODO(3.7): if the session is in use, give the model back what it had
  // before (session_->before).
  throw NotImplemented("KvCacheHandle::Disable", "module 3, task 7");
}

KvCacheHandle EnableKvCache(Gpt2& model, std::size_t batch,
                            std::size_t max_seq_len) {
  const Gpt2Config& config = model.Config();
  if (max_seq_len > config.max_positions) {
    throw ContractError("EnableKvCache: the cache outlasts the model",
                        "max_seq_len " + std::to_string(max_seq_len) +
                            " exceeds max_positions " +
                            std::to_string(config.max_positions),
                        "ask for at most max_positions tokens");
  }
  const CacheShape shape = {.batch = batch,
                            .max_seq_len = max_seq_len,
                            .num_layers = config.num_layers,
                            .num_kv_heads = config.num_heads,
                            .head_dim = config.HeadDim()};
  // TODO(3.7): if the model's attention is a CachedAttention already
  // (dynamic_cast), do not nest: hand out its session again if the shape is the
  // same, refuse if it is not. Otherwise make a KvCache and a CachedAttention,
  // plug it in, and keep what was there in the session.
  throw NotImplemented("EnableKvCache", "module 3, task 7");
}

Tokens GenerateCached(Gpt2& model, const TokenBatch& prompt,
                      const GenerateOptions& options) {
  CheckGenerate(model, prompt, options);
  // TODO(3.8): enable a cache for prompt and new tokens (the last new token is
  // never fed back). Prefill: Forward the prompt. Decode: Forward only the
  // newest token of each row. Tokens come from NextTokens as in Generate, and
  // left_pad stays that of the prompt.
  throw NotImplemented("GenerateCached", "module 3, task 8");
}

}  // namespace kvlab
