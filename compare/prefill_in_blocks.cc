#include "compare/prefill_in_blocks.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include "kit/error.h"
#include "modules/01_attention/attention.h"

namespace kvlab {
namespace {

// Tokens [begin, end) of every batch row and head.
Tensor4 TokensOf(const Tensor4& queries, std::size_t begin, std::size_t end) {
  const std::size_t head_dim = queries.shape(3);
  Tensor4 part = Tensor4::from_shape(
      {queries.shape(0), queries.shape(1), end - begin, head_dim});
  for (std::size_t b = 0; b < queries.shape(0); ++b) {
    for (std::size_t h = 0; h < queries.shape(1); ++h) {
      std::copy_n(&queries(b, h, begin, 0), (end - begin) * head_dim,
                  &part(b, h, 0, 0));
    }
  }
  return part;
}

// Puts them back.
void PutTokens(const Tensor4& part, std::size_t begin, Tensor4& whole) {
  for (std::size_t b = 0; b < part.shape(0); ++b) {
    for (std::size_t h = 0; h < part.shape(1); ++h) {
      std::copy_n(&part(b, h, 0, 0), part.shape(2) * part.shape(3),
                  &whole(b, h, begin, 0));
    }
  }
}

// The first `tokens` tokens, without copying.
ConstView4 FirstTokens(const ConstView4& view, std::size_t tokens) {
  const auto stride = [&](std::size_t axis) {
    return static_cast<std::size_t>(view.strides()[axis]);
  };
  return MakeView(&view(0, 0, 0, 0),
                  {view.shape(0), view.shape(1), tokens, view.shape(3)},
                  {stride(0), stride(1), stride(2)});
}

}  // namespace

PrefillInBlocks::PrefillInBlocks(std::size_t heads,
                                 std::shared_ptr<KvCache> cache,
                                 std::size_t block)
    : CachedAttention(heads, std::move(cache)), heads_(heads), block_(block) {
  if (block == 0) {
    throw ContractError("PrefillInBlocks: a block of no queries",
                        "it would never end", "ask for 1 or more");
  }
}

Tensor3 PrefillInBlocks::Forward(std::size_t layer, const Tensor3& x,
                                 const AttentionWeights& weights,
                                 std::span<const std::size_t> left_pad) {
  if (IsOneBlock(x.shape(1))) {
    return CachedAttention::Forward(layer, x, weights, left_pad);
  }
  if (layer == 0) Cache()->Truncate(Cache()->PastLen());
  LayerCache& cache = Cache()->Layer(layer);
  const Qkv qkv = ProjectQkv(x, weights, heads_);
  cache.Append(qkv.keys, qkv.values);
  return ProjectOutput(
      Attend(qkv.queries, cache.Keys(), cache.Values(), left_pad), weights);
}

Tensor4 PrefillInBlocks::Attend(const Tensor4& queries, const ConstView4& keys,
                                const ConstView4& values,
                                std::span<const std::size_t> left_pad) const {
  const std::size_t new_len = queries.shape(2);
  const std::size_t past_len = keys.shape(2) - new_len;
  Tensor4 attended = Tensor4::from_shape(queries.shape());  // [B, H, T, D]
  for (std::size_t begin = 0, end = 0; begin < new_len; begin = end) {
    end = IsOneBlock(new_len - begin) ? new_len : begin + block_;
    PutTokens(CausalAttention(TokensOf(queries, begin, end),
                              FirstTokens(keys, past_len + end),
                              FirstTokens(values, past_len + end), left_pad),
              begin, attended);
  }
  return attended;
}

}  // namespace kvlab
