// Fill in the TODOs: the header says what is promised, README.md says why.
#include "modules/05_beyond/grouped_attention.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/math/linear_algebra.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "modules/01_attention/attention.h"

namespace kvlab {
namespace {

// Given. Throws unless G divides H.
void CheckGroups(const std::string& who, const GroupedHeads& heads) {
  if (heads.kv_heads == 0 || heads.heads % heads.kv_heads != 0) {
    throw ContractError(who + ": key/value heads do not divide the query heads",
                        std::to_string(heads.heads) + " query heads, " +
                            std::to_string(heads.kv_heads) +
                            " key/value heads: groups would differ in size",
                        "give a number of key/value heads that divides the "
                        "number of query heads");
  }
}

// Given. Throws unless H divides C as well.
void CheckHeads(const std::string& who, const GroupedHeads& heads,
                std::size_t d_model) {
  CheckGroups(who, heads);
  if (heads.heads == 0 || d_model % heads.heads != 0) {
    throw ContractError(who + ": heads do not divide the features",
                        std::to_string(d_model) + " features, " +
                            std::to_string(heads.heads) + " heads",
                        "d_model must be heads * head_dim");
  }
}

// Given. Throws for errors that would show only after keys and values are
// stored.
void CheckForward(const Tensor3& x, const AttentionWeights& weights,
                  std::span<const std::size_t> left_pad) {
  CheckShape("GroupedAttention::Forward: c_proj",
             std::array<std::size_t, 1>{weights.c_proj.weight.In()},
             std::array<std::size_t, 1>{x.shape(2)});
  if (!left_pad.empty() && left_pad.size() != x.shape(0)) {
    throw ContractError(
        "GroupedAttention::Forward: left_pad has the wrong length",
        std::to_string(left_pad.size()) + " entries for " +
            std::to_string(x.shape(0)) + " batch rows",
        "give one number per row, or none at all");
  }
}

// Given. Features [first, first + count) of every token.
Tensor3 Features(const Tensor3& x, std::size_t first, std::size_t count) {
  Tensor3 part =
      Tensor3::from_shape({x.shape(0), x.shape(1), count});  // [B, T, count]
  for (std::size_t row = 0; row < x.shape(0) * x.shape(1); ++row) {
    std::ranges::copy(Rows(x).Row(row).subspan(first, count),
                      Rows(part).Row(row).begin());
  }
  return part;
}

// Given. Some output features of a linear map, one row for each: its `in`
// weights, and its bias if the map has biases.
struct OutputFeatures {
  Tensor2 weights;            // [features, in]
  std::vector<float> biases;  // [features] or empty
};

// Given. All output features of `linear`.
OutputFeatures AllFeatures(const LinearWeights& linear) {
  OutputFeatures all;
  // [out, in]
  all.weights = Tensor2::from_shape({linear.weight.Out(), linear.weight.In()});
  for (std::size_t out = 0; out < linear.weight.Out(); ++out) {
    linear.weight.CopyOutputRow(out, Rows(all.weights).Row(out));
  }
  all.biases.assign(linear.bias.begin(), linear.bias.end());
  return all;
}

// Given. The linear map that has these output features.
LinearWeights ToLinear(const OutputFeatures& features) {
  LinearWeights linear;
  const std::size_t out = features.weights.shape(0);
  const std::size_t in = features.weights.shape(1);
  linear.weight = WeightMatrix::FromFloats({features.weights.data(), out * in},
                                           WeightLayout::kOutIn, in, out)
                      .InPanels();
  linear.bias = Tensor1::from_shape({features.biases.size()});
  std::ranges::copy(features.biases, linear.bias.begin());
  return linear;
}

}  // namespace

CacheShape GroupedCacheShape(const Gpt2Config& config, std::size_t kv_heads,
                             const CacheCapacity& capacity) {
  CheckGroups("GroupedCacheShape",
              {.heads = config.num_heads, .kv_heads = kv_heads});
  // TODO(5.1): the sizes of a cache whose heads are the key/value heads.
  throw NotImplemented("GroupedCacheShape", "module 5, task 1");
}

AttentionWeights PoolKeyValueHeads(const AttentionWeights& weights,
                                   const GroupedHeads& heads) {
  const std::size_t d_model = weights.c_attn.weight.In();
  CheckHeads("PoolKeyValueHeads", heads, d_model);
  CheckShape("PoolKeyValueHeads: the features of c_attn",
             std::array<std::size_t, 1>{weights.c_attn.weight.Out()},
             std::array<std::size_t, 1>{3 * d_model});
  const std::size_t head_dim = d_model / heads.heads;
  const OutputFeatures all = AllFeatures(weights.c_attn);  // H of q, k and v
  OutputFeatures pooled;  // H of queries, G of keys, G of values; zeros so far
  pooled.weights = Tensor2::from_shape(
      {(heads.heads + 2 * heads.kv_heads) * head_dim, d_model});
  pooled.weights.fill(0.0F);
  if (!all.biases.empty()) pooled.biases.resize(pooled.weights.shape(0));
  // TODO(5.1): queries stay; a key or value head is the mean of its group.
  throw NotImplemented("PoolKeyValueHeads", "module 5, task 1");
  return {.c_attn = ToLinear(pooled), .c_proj = weights.c_proj};
}

std::shared_ptr<const Gpt2Weights> PoolKeyValueHeads(const Gpt2Weights& weights,
                                                     std::size_t kv_heads) {
  const GroupedHeads heads = {.heads = weights.config.num_heads,
                              .kv_heads = kv_heads};
  auto pooled = std::make_shared<Gpt2Weights>(weights);
  for (BlockWeights& block : pooled->blocks) {
    block.attn = PoolKeyValueHeads(block.attn, heads);
  }
  return pooled;
}

Qkv ProjectGroupedQkv(const Tensor3& x, const AttentionWeights& weights,
                      const GroupedHeads& heads) {
  const std::size_t d_model = weights.c_attn.weight.In();
  CheckShape("ProjectGroupedQkv: x", x,
             std::array<std::size_t, 3>{x.shape(0), x.shape(1), d_model});
  CheckHeads("ProjectGroupedQkv", heads, d_model);
  const std::size_t kv_features = d_model / heads.heads * heads.kv_heads;
  CheckShape("ProjectGroupedQkv: the features of c_attn",
             std::array<std::size_t, 1>{weights.c_attn.weight.Out()},
             std::array<std::size_t, 1>{d_model + 2 * kv_features});
  // TODO(5.1): a token's queries, and its fewer keys and values.
  throw NotImplemented("ProjectGroupedQkv", "module 5, task 1");
}

GroupedAttention::GroupedAttention(std::size_t heads,
                                   std::shared_ptr<KvCache> cache)
    : heads_(heads), cache_(std::move(cache)) {
  if (cache_ == nullptr) {
    throw ContractError("GroupedAttention: the cache is null",
                        "there is nowhere to keep keys and values",
                        "make a KvCache of GroupedCacheShape");
  }
  CheckGroups("GroupedAttention", Heads());
}

Tensor3 GroupedAttention::Forward(std::size_t layer, const Tensor3& x,
                                  const AttentionWeights& weights,
                                  std::span<const std::size_t> left_pad) {
  CheckForward(x, weights, left_pad);
  // TODO(5.1): as the attention of module 3, with the heads of each kind.
  throw NotImplemented("GroupedAttention::Forward", "module 5, task 1");
}

}  // namespace kvlab
