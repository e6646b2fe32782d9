// Fill in the TODOs: the header says what is promised, README.md says why.
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
  CheckForward(x, weights, left_pad);
  if (layer == 0) cache_->Truncate(cache_->PastLen());
  const Qkv qkv = ProjectQkv(x, weights, heads_);
  LayerCache& layer_cache = cache_->Layer(layer);
  layer_cache.Append(qkv.keys, qkv.values);
  const Tensor4 attended = CausalAttention(qkv.queries, layer_cache.Keys(),
                                           layer_cache.Values(), left_pad);
  return ProjectOutput(attended, weights);
}

KvCacheHandle::KvCacheHandle(std::shared_ptr<Session> session)
    : session_(std::move(session)), cache_(session_->attention.Cache()) {}

bool KvCacheHandle::Enabled() const { return session_->InUse(); }

void KvCacheHandle::Disable() {
  if (session_->InUse()) {
    session_->model.ReplaceAttention(std::move(session_->before));
  }
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
  auto* current = dynamic_cast<CachedAttention*>(&model.CurrentAttention());
  if (current != nullptr) {
    std::shared_ptr<KvCacheHandle::Session> session = current->session_.lock();
    if (session == nullptr) {
      throw ContractError("EnableKvCache: the model has a cache already",
                          "it was plugged in without EnableKvCache",
                          "replace that attention first");
    }
    if (current->Cache()->Shape() != shape) {
      throw ContractError("EnableKvCache: the model has another cache already",
                          "its shape is not the one asked for",
                          "Disable() that cache first");
    }
    return KvCacheHandle(session);
  }
  auto cache = std::make_shared<KvCache>(shape);
  auto attention = std::make_unique<CachedAttention>(config.num_heads, cache);
  auto session = std::make_shared<KvCacheHandle::Session>(model, *attention);
  attention->session_ = session;
  session->before = model.ReplaceAttention(std::move(attention));
  return KvCacheHandle(session);
}

Tokens GenerateCached(Gpt2& model, const TokenBatch& prompt,
                      const GenerateOptions& options) {
  CheckGenerate(model, prompt, options);
  const std::size_t batch = prompt.ids.shape(0);
  Tokens generated = Tokens::from_shape({batch, options.new_tokens});
  if (options.new_tokens == 0) return generated;

  KvCacheHandle handle =
      EnableKvCache(model, batch, prompt.ids.shape(1) + options.new_tokens - 1);
  const ResetAtEnd reset_at_end(handle.Cache());
  Random random(options.seed);
  TokenBatch input = prompt;
  for (std::size_t step = 0; step < options.new_tokens; ++step) {
    const Tensor3 logits = model.Forward(input, LogitsFor::kLastPosition);
    const std::vector<TokenId> next =
        NextTokens(logits, options.sampling, random);
    if (options.on_tokens) options.on_tokens(next);

    // From now on only the newest token of each row; left_pad stays.
    input.ids = Tokens::from_shape({batch, 1});
    for (std::size_t b = 0; b < batch; ++b) {
      input.ids(b, 0) = next[b];
      generated(b, step) = next[b];
    }
  }
  return generated;
}

}  // namespace kvlab
