// Module 5's grouped heads as operations. What the cases are made of does not
// depend on the code that is judged: weights of few key/value heads are cut out
// of random ones here, and written out again for module 1.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/kv_cache.h"
#include "modules/05_beyond/grouped_attention.h"
#include "modules/05_beyond/repeated_heads.h"

namespace kvlab::grading {
namespace {

// c_attn with the first kv_heads heads of keys and of values alone.
AttentionWeights Narrow(const AttentionWeights& weights,
                        const GroupedHeads& heads) {
  const std::size_t d_model = weights.c_attn.weight.In();
  const std::size_t kv_features = d_model / heads.heads * heads.kv_heads;
  const std::size_t features = d_model + 2 * kv_features;
  std::vector<float> values;  // [features, C]
  AttentionWeights narrow = {.c_attn = {}, .c_proj = weights.c_proj};
  narrow.c_attn.bias = Tensor1::from_shape({features});
  for (std::size_t out = 0; out < features; ++out) {
    const std::size_t from =
        out < d_model + kv_features ? out : out + d_model - kv_features;
    for (std::size_t in = 0; in < d_model; ++in) {
      values.push_back(weights.c_attn.weight.At(in, from));
    }
    narrow.c_attn.bias(out) = weights.c_attn.bias(from);
  }
  narrow.c_attn.weight =
      WeightMatrix::FromFloats(values, WeightLayout::kOutIn, d_model, features);
  return narrow;
}

// The weights with another attention in every layer.
template <typename Change>
std::shared_ptr<Gpt2Weights> WithAttention(const Gpt2Weights& weights,
                                           const Change& change) {
  auto changed = std::make_shared<Gpt2Weights>(weights);
  for (BlockWeights& block : changed->blocks) block.attn = change(block.attn);
  return changed;
}

GroupedHeads HeadsOf(const Gpt2Weights& weights, std::size_t kv_heads) {
  return {.heads = weights.config.num_heads, .kv_heads = kv_heads};
}

// grouped.narrow(weights, kv_heads) -> weights of fewer key/value heads
Values NarrowWeights(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  const GroupedHeads heads = HeadsOf(weights, arguments.NextSize());
  return {
      objects.Keep(WithAttention(weights, [&](const AttentionWeights& attn) {
        return Narrow(attn, heads);
      }))};
}

// grouped.repeat(narrow weights, kv_heads) -> the same attention for module 1
Values RepeatWeights(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  const GroupedHeads heads = HeadsOf(weights, arguments.NextSize());
  return {
      objects.Keep(WithAttention(weights, [&](const AttentionWeights& attn) {
        return RepeatHeads(attn, heads);
      }))};
}

// grouped.make_alike(weights, kv_heads) -> weights whose heads of a group are
// alike
Values MakeAlike(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  const GroupedHeads heads = HeadsOf(weights, arguments.NextSize());
  return {
      objects.Keep(WithAttention(weights, [&](const AttentionWeights& attn) {
        return MakeGroupsAlike(attn, heads);
      }))};
}

// grouped.without_bias(weights) -> weights whose c_attn has no biases
Values WithoutBias(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  return {objects.Keep(WithAttention(weights, [](const AttentionWeights& attn) {
    AttentionWeights changed = attn;
    changed.c_attn.bias = Tensor1();
    return changed;
  }))};
}

// The weights of every output feature, [features, in], and the biases.
Values FeaturesOf(const LinearWeights& linear) {
  Tensor2 features =
      Tensor2::from_shape({linear.weight.Out(), linear.weight.In()});
  for (std::size_t out = 0; out < linear.weight.Out(); ++out) {
    linear.weight.CopyOutputRow(out, Rows(features).Row(out));
  }
  return {ToArray(features), ToArray(linear.bias)};
}

// grouped.c_attn(weights, layer) -> [features, C], biases
Values CAttn(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  return FeaturesOf(weights.blocks.at(arguments.NextSize()).attn.c_attn);
}

// grouped.pool(weights, layer, heads, kv_heads) -> c_attn as above, c_proj
Values Pool(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  const AttentionWeights& attn = weights.blocks.at(arguments.NextSize()).attn;
  GroupedHeads heads = {.heads = arguments.NextSize()};
  heads.kv_heads = arguments.NextSize();
  const AttentionWeights pooled = PoolKeyValueHeads(attn, heads);
  Values answer = FeaturesOf(pooled.c_attn);
  for (Value& value : FeaturesOf(pooled.c_proj)) {
    answer.push_back(std::move(value));
  }
  return answer;
}

// grouped.pool_model(weights, kv_heads) -> weights
Values PoolModel(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  return {objects.Keep(std::make_shared<Gpt2Weights>(
      *PoolKeyValueHeads(weights, arguments.NextSize())))};
}

// grouped.cache_shape([layers, heads, d_model], kv_heads, batch, max_seq_len)
// -> [batch, max_seq_len, layers, kv_heads, head_dim]
Values ShapeOfCache(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  const Gpt2Config config = {.num_layers = sizes.at(0),
                             .num_heads = sizes.at(1),
                             .d_model = sizes.at(2),
                             .d_mlp = 4 * sizes.at(2),
                             .max_positions = 1 << 20,
                             .vocab_size = 50};
  const std::size_t kv_heads = arguments.NextSize();
  CacheCapacity capacity = {.batch = arguments.NextSize()};
  capacity.max_seq_len = arguments.NextSize();
  const CacheShape shape = GroupedCacheShape(config, kv_heads, capacity);
  return {ToIntegers(
      std::vector<std::size_t>{shape.batch, shape.max_seq_len, shape.num_layers,
                               shape.num_kv_heads, shape.head_dim})};
}

// grouped.project(narrow weights, layer, x, heads, kv_heads) -> queries, keys,
// values
Values Project(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  const AttentionWeights& attn = weights.blocks.at(arguments.NextSize()).attn;
  const Tensor3 x = arguments.NextTensor<3>();
  GroupedHeads heads = {.heads = arguments.NextSize()};
  heads.kv_heads = arguments.NextSize();
  const Qkv qkv = ProjectGroupedQkv(x, attn, heads);
  return {ToArray(qkv.queries), ToArray(qkv.keys), ToArray(qkv.values)};
}

// An attention with a cache for these weights.
std::unique_ptr<GroupedAttention> NewAttention(const Gpt2Config& config,
                                               std::size_t kv_heads,
                                               const CacheCapacity& capacity) {
  return std::make_unique<GroupedAttention>(
      config.num_heads,
      std::make_shared<KvCache>(CacheShape{.batch = capacity.batch,
                                           .max_seq_len = capacity.max_seq_len,
                                           .num_layers = config.num_layers,
                                           .num_kv_heads = kv_heads,
                                           .head_dim = config.HeadDim()}));
}

// grouped.attention(weights, kv_heads, batch, max_seq_len) -> attention
Values MakeAttention(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Config& config =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>()).config;
  const std::size_t kv_heads = arguments.NextSize();
  CacheCapacity capacity = {.batch = arguments.NextSize()};
  capacity.max_seq_len = arguments.NextSize();
  return {objects.Keep(std::shared_ptr<GroupedAttention>(
      NewAttention(config, kv_heads, capacity)))};
}

// grouped.forward(attention, narrow weights, layer, x, left_pad) -> [B, T, C]
Values ForwardLayer(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  GroupedAttention& attention =
      objects.Get<GroupedAttention>(arguments.Next<Handle>());
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  const std::size_t layer = arguments.NextSize();
  const Tensor3 x = arguments.NextTensor<3>();
  // A layer after the last, which is to be refused, gets the weights of the
  // last.
  const BlockWeights& block =
      weights.blocks.at(std::min(layer, weights.blocks.size() - 1));
  return {
      ToArray(attention.Forward(layer, x, block.attn, arguments.NextSizes()))};
}

// grouped.past_len(attention) -> tokens held
Values AttentionPastLen(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {static_cast<std::int64_t>(
      objects.Get<GroupedAttention>(arguments.Next<Handle>()).PastLen())};
}

// grouped.model(narrow weights, kv_heads, batch, max_seq_len) -> model with
// grouped attention
Values MakeModel(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const auto weights = objects.Share<Gpt2Weights>(arguments.Next<Handle>());
  const std::size_t kv_heads = arguments.NextSize();
  CacheCapacity capacity = {.batch = arguments.NextSize()};
  capacity.max_seq_len = arguments.NextSize();
  auto model = std::make_shared<Gpt2>(weights);
  model->ReplaceAttention(NewAttention(weights->config, kv_heads, capacity));
  return {objects.Keep(std::move(model))};
}

const RegisterOperation kNarrow("grouped.narrow", NarrowWeights);
const RegisterOperation kRepeat("grouped.repeat", RepeatWeights);
const RegisterOperation kAlike("grouped.make_alike", MakeAlike);
const RegisterOperation kWithoutBias("grouped.without_bias", WithoutBias);
const RegisterOperation kCAttn("grouped.c_attn", CAttn);
const RegisterOperation kPool("grouped.pool", Pool);
const RegisterOperation kPoolModel("grouped.pool_model", PoolModel);
const RegisterOperation kShape("grouped.cache_shape", ShapeOfCache);
const RegisterOperation kProject("grouped.project", Project);
const RegisterOperation kAttention("grouped.attention", MakeAttention);
const RegisterOperation kForward("grouped.forward", ForwardLayer);
const RegisterOperation kPastLen("grouped.past_len", AttentionPastLen);
const RegisterOperation kModel("grouped.model", MakeModel);

}  // namespace
}  // namespace kvlab::grading
