#include "modules/05_beyond/policy_attention.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/model/random.h"
#include "modules/01_attention/attention.h"
#include "modules/03_memoization/kv_cache.h"
#include "modules/05_beyond/block_pool.h"
#include "modules/05_beyond/evicting_cache.h"
#include "modules/05_beyond/forgetful_attention.h"
#include "modules/05_beyond/paged_cache.h"
#include "modules/05_beyond/quantized_cache.h"
#include "modules/05_beyond/recomputing_cache.h"
#include "modules/05_beyond/rolling_cache.h"

namespace kvlab {
namespace {

using Made = std::unique_ptr<PolicyAttention>;

// How many of the columns begin .. end - 1 of a row are not padding.
std::size_t TokensIn(std::size_t begin, std::size_t end, std::size_t left_pad) {
  return end - std::clamp(left_pad, begin, end);
}

// Attention over a paged cache: a sequence for each row, which takes blocks as
// it grows. Padding is not stored.
class PagedAttention final : public Attention {
 public:
  PagedAttention(std::size_t heads, const PageShape& shape, std::size_t batch)
      : heads_(heads), cache_(shape) {
    for (std::size_t b = 0; b < batch; ++b) rows_.push_back(cache_.Start());
  }

  std::size_t PastLen() const override { return past_len_; }
  bool Remembers() const override { return true; }

  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override {
    const Qkv tokens = ProjectQkv(x, weights, heads_);
    if (layer == 0) MakeRoom(x, left_pad);
    cache_.Write(layer, rows_, tokens.keys, tokens.values);
    const Tensor4 attended = cache_.Attend(layer, rows_, tokens.queries);
    if (layer + 1 == cache_.Shape().num_layers) past_len_ += x.shape(1);
    return ProjectOutput(attended, weights);
  }

  std::uint64_t Bytes() const {
    const BlockPool& pool = cache_.Pool();
    return pool.Bytes() / pool.Shape().num_blocks * pool.BlocksInUse();
  }

 private:
  // For the T tokens of x [B, T, C], after the tokens of the last pass that
  // reached every layer.
  void MakeRoom(const Tensor3& x, std::span<const std::size_t> left_pad) {
    CheckShape("PagedAttention::Forward: rows",
               std::array<std::size_t, 1>{x.shape(0)},
               std::array<std::size_t, 1>{rows_.size()});
    if (!left_pad.empty()) {
      CheckShape("PagedAttention::Forward: left_pad",
                 std::array<std::size_t, 1>{left_pad.size()},
                 std::array<std::size_t, 1>{rows_.size()});
    }
    std::vector<Extension> extensions;
    for (std::size_t b = 0; b < rows_.size(); ++b) {
      const std::size_t pad = left_pad.empty() ? 0 : left_pad[b];
      cache_.Truncate(rows_[b], TokensIn(0, past_len_, pad));
      extensions.push_back(
          {.sequence = rows_[b],
           .new_len = TokensIn(past_len_, past_len_ + x.shape(1), pad)});
    }
    cache_.Extend(extensions);
  }

  std::size_t heads_;
  PagedCache cache_;
  std::vector<SequenceId> rows_;
  std::size_t past_len_ = 0;  // columns that every layer has been given
};

// Attention over keys and values in eight bits. Padding is stored as any token.
class QuantizedAttention final : public Attention {
 public:
  QuantizedAttention(std::size_t heads, std::vector<QuantizedLayerCache> layers)
      : heads_(heads), layers_(std::move(layers)) {}

  std::size_t PastLen() const override { return layers_.back().PastLen(); }
  bool Remembers() const override { return true; }

  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override {
    if (layer == 0 && layers_.front().PastLen() != PastLen()) {
      throw ContractError(
          "QuantizedAttention::Forward: an earlier pass broke off",
          "the first layer holds " + std::to_string(layers_.front().PastLen()) +
              " tokens and the last " + std::to_string(PastLen()) +
              ", and codes cannot be taken back",
          "make a new cache, and begin with the prompt");
    }
    const Qkv tokens = ProjectQkv(x, weights, heads_);
    layers_.at(layer).Append(tokens.keys, tokens.values);
    return ProjectOutput(layers_[layer].Attend(tokens.queries, left_pad),
                         weights);
  }

 private:
  std::size_t heads_;
  std::vector<QuantizedLayerCache> layers_;
};

// The attention that owns what it holds, and knows its bytes itself.
template <typename Owner>
Made WithBytesOf(std::unique_ptr<Owner> attention) {
  const Owner& owner = *attention;
  return std::make_unique<PolicyAttention>(std::move(attention),
                                           [&owner] { return owner.Bytes(); });
}

Made Full(const Gpt2Config& config, const CacheCapacity& capacity) {
  const CacheShape shape = {.batch = capacity.batch,
                            .max_seq_len = capacity.max_seq_len,
                            .num_layers = config.num_layers,
                            .num_kv_heads = config.num_heads,
                            .head_dim = config.HeadDim()};
  return std::make_unique<PolicyAttention>(
      std::make_unique<CachedAttention>(config.num_heads,
                                        std::make_shared<KvCache>(shape)),
      [shape] { return CacheBytes(shape, sizeof(float)); });
}

Made Paged(const Gpt2Config& config, const CacheCapacity& capacity) {
  const std::size_t blocks_of_row =
      (capacity.max_seq_len + kPolicyBlock - 1) / kPolicyBlock;
  return WithBytesOf(std::make_unique<PagedAttention>(
      config.num_heads,
      PageShape{.num_blocks = capacity.batch * blocks_of_row,
                .block_size = kPolicyBlock,
                .num_layers = config.num_layers,
                .num_kv_heads = config.num_heads,
                .head_dim = config.HeadDim()},
      capacity.batch));
}

template <typename Layer>
Made Forgetful(const Gpt2Config& config, const Layer& layer) {
  return WithBytesOf(std::make_unique<ForgetfulAttention<Layer>>(
      config.num_heads, std::vector<Layer>(config.num_layers, layer)));
}

Made Int8(const Gpt2Config& config, const CacheCapacity& capacity) {
  const QuantizedShape shape = {.batch = capacity.batch,
                                .max_seq_len = capacity.max_seq_len,
                                .num_kv_heads = config.num_heads,
                                .head_dim = config.HeadDim(),
                                .group = kPolicyGroup};
  return std::make_unique<PolicyAttention>(
      std::make_unique<QuantizedAttention>(
          config.num_heads, std::vector<QuantizedLayerCache>(
                                config.num_layers, QuantizedLayerCache(shape))),
      [layers = config.num_layers, shape] {
        return layers * QuantizedBytes(shape);
      });
}

Made Recompute(const Gpt2Config& config, const CacheCapacity& capacity) {
  const InputShape shape = {.batch = capacity.batch,
                            .max_seq_len = capacity.max_seq_len,
                            .num_layers = config.num_layers,
                            .d_model = config.d_model};
  return std::make_unique<PolicyAttention>(
      std::make_unique<RecomputingAttention>(
          config.num_heads, std::make_shared<InputCache>(shape)),
      [shape] { return InputBytes(shape); });
}

// Gives the model its attention back at the end of a scope.
class BorrowedModel {
 public:
  BorrowedModel(Gpt2& model, std::unique_ptr<Attention> attention)
      : model_(model), own_(model.ReplaceAttention(std::move(attention))) {}
  BorrowedModel(const BorrowedModel&) = delete;
  BorrowedModel& operator=(const BorrowedModel&) = delete;
  ~BorrowedModel() { model_.ReplaceAttention(std::move(own_)); }

 private:
  Gpt2& model_;
  std::unique_ptr<Attention> own_;
};

// One token for each row, after the tokens of `input` and all that the model's
// attention remembers. Reports them to options.on_tokens.
std::vector<TokenId> TokensAfter(Gpt2& model, const TokenBatch& input,
                                 const GenerateOptions& options,
                                 Random& draws) {
  std::vector<TokenId> tokens = NextTokens(
      model.Forward(input, LogitsFor::kLastPosition), options.sampling, draws);
  if (options.on_tokens) options.on_tokens(tokens);
  return tokens;
}

// The newest token of each row, padded as the prompt was.
TokenBatch OneColumn(std::span<const TokenId> newest,
                     const TokenBatch& prompt) {
  TokenBatch column = {.ids = Tokens::from_shape({newest.size(), 1}),
                       .left_pad = prompt.left_pad};
  std::copy(newest.begin(), newest.end(), column.ids.begin());
  return column;
}

}  // namespace

Made MakePolicyAttention(const CachePolicy& policy, const Gpt2Config& config,
                         const CacheCapacity& capacity) {
  CheckPolicyFits(policy, config.max_positions);
  switch (policy.kind) {
    case CacheKind::kFull:
      return Full(config, capacity);
    case CacheKind::kPaged:
      return Paged(config, capacity);
    case CacheKind::kWindow:
    case CacheKind::kSinks:
      return Forgetful(config, RollingLayer({.batch = capacity.batch,
                                             .num_kv_heads = config.num_heads,
                                             .head_dim = config.HeadDim(),
                                             .window = policy.window}));
    case CacheKind::kEvict:
      return Forgetful(config, EvictingLayer({.batch = capacity.batch,
                                              .num_kv_heads = config.num_heads,
                                              .head_dim = config.HeadDim(),
                                              .budget = policy.budget}));
    case CacheKind::kInt8:
      return Int8(config, capacity);
    case CacheKind::kRecompute:
      return Recompute(config, capacity);
  }
  throw ContractError(
      "MakePolicyAttention: there is no such policy",
      "its kind is " + std::to_string(static_cast<int>(policy.kind)),
      "use ParseCachePolicy");
}

PolicyGeneration GenerateWithPolicy(Gpt2& model, const TokenBatch& prompt,
                                    const GenerateOptions& options,
                                    const CachePolicy& policy) {
  CheckGenerate(model, prompt, options);
  const std::size_t batch = prompt.ids.shape(0);
  PolicyGeneration made = {.tokens =
                               Tokens::from_shape({batch, options.new_tokens})};
  if (options.new_tokens == 0) return made;
  Made attention = MakePolicyAttention(
      policy, model.Config(),
      {.batch = batch,
       .max_seq_len = prompt.ids.shape(1) + options.new_tokens - 1});
  const PolicyAttention& cache = *attention;
  const BorrowedModel borrowed(model, std::move(attention));
  Random draws(options.seed);
  std::vector<TokenId> newest = TokensAfter(model, prompt, options, draws);
  for (std::size_t made_tokens = 1;; ++made_tokens) {
    for (std::size_t b = 0; b < batch; ++b) {
      made.tokens(b, made_tokens - 1) = newest[b];
    }
    if (made_tokens == options.new_tokens) break;
    newest = TokensAfter(model, OneColumn(newest, prompt), options, draws);
  }
  made.cache_bytes = cache.Bytes();
  return made;
}

}  // namespace kvlab
