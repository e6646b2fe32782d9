#include "cli/trace/uncached.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "modules/01_attention/attention.h"

namespace kvlab {
namespace {

// Sequences up to this length are searched for every range of keys.
constexpr std::size_t kShort = 64;

// Keeps what passes through the attention of a model without a cache.
class Keeping final : public Attention {
 public:
  Keeping(std::size_t heads, std::vector<LayerNumbers>& layers)
      : full_(heads), heads_(heads), layers_(layers) {}

  std::size_t PastLen() const override { return 0; }

  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) override {
    LayerNumbers numbers;
    numbers.x = x;
    Qkv qkv = ProjectQkv(x, weights, heads_);
    numbers.attended = CausalAttention(qkv.queries, View(qkv.keys),
                                       View(qkv.values), left_pad);
    numbers.queries = std::move(qkv.queries);
    numbers.keys = std::move(qkv.keys);
    numbers.values = std::move(qkv.values);
    numbers.output = full_.Forward(layer, x, weights, left_pad);
    layers_.push_back(numbers);
    return numbers.output;
  }

 private:
  FullAttention full_;
  std::size_t heads_;
  std::vector<LayerNumbers>& layers_;
};

// Says that it holds `past_len` tokens, and ends the pass at the first layer.
class Embedding final : public Attention {
 public:
  struct Reached {
    Tensor3 x;
  };

  explicit Embedding(std::size_t past_len) : past_len_(past_len) {}

  std::size_t PastLen() const override { return past_len_; }

  Tensor3 Forward(std::size_t /*layer*/, const Tensor3& x,
                  const AttentionWeights& /*weights*/,
                  std::span<const std::size_t> /*left_pad*/) override {
    throw Reached{x};
  }

 private:
  std::size_t past_len_;
};

// Row `row` of keys or values, its first `end` positions: [1, H, end, D].
Tensor4 Beginning(const Tensor4& tensor, std::size_t row, std::size_t end) {
  Tensor4 beginning =
      Tensor4::from_shape({1, tensor.shape(1), end, tensor.shape(3)});
  for (std::size_t h = 0; h < tensor.shape(1); ++h) {
    std::copy_n(&tensor(row, h, 0, 0), end * tensor.shape(3),
                &beginning(0, h, 0, 0));
  }
  return beginning;
}

}  // namespace

RunNumbers RunUncached(const std::shared_ptr<const Gpt2Weights>& weights,
                       const TokenBatch& tokens) {
  RunNumbers run;
  run.tokens = tokens;
  Gpt2 model(weights);
  model.ReplaceAttention(
      std::make_unique<Keeping>(weights->config.num_heads, run.layers));
  run.logits = model.Forward(tokens, LogitsFor::kAllPositions);
  return run;
}

Tensor3 InputAt(const std::shared_ptr<const Gpt2Weights>& weights,
                TokenId token, std::size_t past_len) {
  Gpt2 model(weights);
  model.ReplaceAttention(std::make_unique<Embedding>(past_len));
  try {
    model.Forward(SingleRow({token}), LogitsFor::kLastPosition);
  } catch (Embedding::Reached& reached) {
    return std::move(reached.x);
  }
  return {};
}

std::optional<std::size_t> PositionUsed(
    const std::shared_ptr<const Gpt2Weights>& weights, TokenId token,
    const std::function<bool(const Tensor3& x)>& agrees) {
  for (std::size_t p = 0; p < weights->config.max_positions; ++p) {
    if (agrees(InputAt(weights, token, p))) return p;
  }
  return std::nullopt;
}

std::optional<PositionRange> KeysSeen(const Query& query,
                                      const AttentionWeights& weights,
                                      std::span<const float> output,
                                      std::size_t end) {
  const LayerNumbers& layer = query.run.layers[query.layer];
  const std::size_t heads = layer.queries.shape(1);
  const std::size_t head_dim = layer.queries.shape(3);
  Tensor4 asked = Tensor4::from_shape({1, heads, 1, head_dim});
  for (std::size_t h = 0; h < heads; ++h) {
    std::ranges::copy(RowOf(layer.queries, query.row, h, query.position),
                      &asked(0, h, 0, 0));
  }
  const float scale = Largest({layer.output.data(), layer.output.size()});
  const PositionRange right = {query.run.LeftPad(query.row),
                               query.position + 1};
  for (std::size_t to = 1; to <= end; ++to) {
    const Tensor4 keys = Beginning(layer.keys, query.row, to);
    const Tensor4 values = Beginning(layer.values, query.row, to);
    for (std::size_t from = 0; from < to; ++from) {
      const PositionRange range = {from, to};
      if (range == right) continue;
      if (end > kShort && from != right.begin && to != right.end) continue;
      const std::vector<std::size_t> left_pad = {from};
      const Tensor3 result = ProjectOutput(
          CausalAttention(asked, View(keys), View(values), left_pad), weights);
      if (Agree(output, RowOf(result, 0, 0), scale)) return range;
    }
  }
  return std::nullopt;
}

}  // namespace kvlab
