// Module 3's cached attention, and models that use it, as operations.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/judges/02_transformer/generating.h"
#include "autograder/judges/03_memoization/cache_values.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab::grading {
namespace {

// A handle from EnableKvCache with the model, which must outlive it: members
// go in reverse order.
struct Enabled {
  std::shared_ptr<Gpt2> model;
  KvCacheHandle handle;
};

KvCacheHandle& NextHandle(ObjectStore& objects, Arguments& arguments) {
  return objects.Get<Enabled>(arguments.Next<Handle>()).handle;
}

// cached_attention.new(heads, shape) -> cached attention
Values NewAttention(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const std::size_t heads = arguments.NextSize();
  return {objects.Keep(std::make_shared<CachedAttention>(
      heads, std::make_shared<KvCache>(NextCacheShape(arguments))))};
}

// cached_attention.forward(cached attention, weights, layer, x, left_pad)
// -> [B, T, C]
Values ForwardLayer(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  CachedAttention& attention =
      objects.Get<CachedAttention>(arguments.Next<Handle>());
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  const std::size_t layer = arguments.NextSize();
  const Tensor3 x = arguments.NextTensor<3>();
  return {ToArray(attention.Forward(layer, x, weights.blocks.at(layer).attn,
                                    arguments.NextSizes()))};
}

// Copies of what a layer's cache holds.
struct HeldTokens {
  Tensor4 keys;
  Tensor4 values;
};

// cached_attention.held(cached attention, layer) -> held tokens
Values Held(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const CachedAttention& attention =
      objects.Get<CachedAttention>(arguments.Next<Handle>());
  const LayerCache& cache = attention.Cache()->Layer(arguments.NextSize());
  return {objects.Keep(std::make_shared<HeldTokens>(
      HeldTokens{.keys = cache.Keys(), .values = cache.Values()}))};
}

// cached_attention.attend(held tokens, queries) -> [B, H, T, D]: module 1's
// attention over them, and not one instruction of a cache
Values Attend(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const HeldTokens& held = objects.Get<HeldTokens>(arguments.Next<Handle>());
  const Tensor4 queries = arguments.NextTensor<4>();
  return {ToArray(
      CausalAttention(queries, View(held.keys), View(held.values), {}))};
}

// cached_attention.past_len(cached attention) -> tokens held
Values AttentionPastLen(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {static_cast<std::int64_t>(
      objects.Get<CachedAttention>(arguments.Next<Handle>()).PastLen())};
}

// model.with_cache(weights, batch, max_seq_len) -> model whose attention is a
// CachedAttention, plugged in without EnableKvCache
Values NewModelWithCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const auto weights = objects.Share<Gpt2Weights>(arguments.Next<Handle>());
  const Gpt2Config& config = weights->config;
  CacheShape shape = {.num_layers = config.num_layers,
                      .num_kv_heads = config.num_heads,
                      .head_dim = config.HeadDim()};
  shape.batch = arguments.NextSize();
  shape.max_seq_len = arguments.NextSize();
  auto model = std::make_shared<Gpt2>(weights);
  model->ReplaceAttention(std::make_unique<CachedAttention>(
      config.num_heads, std::make_shared<KvCache>(shape)));
  return {objects.Keep(std::move(model))};
}

// cached.enable(model, batch, max_seq_len) -> handle
Values Enable(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  std::shared_ptr<Gpt2> model = objects.Share<Gpt2>(arguments.Next<Handle>());
  const std::size_t batch = arguments.NextSize();
  const std::size_t max_seq_len = arguments.NextSize();
  return {objects.Keep(std::make_shared<Enabled>(
      Enabled{model, EnableKvCache(*model, batch, max_seq_len)}))};
}

// cached.disable(handle)
Values Disable(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  NextHandle(objects, arguments).Disable();
  return {};
}

// cached.state(handle) -> [enabled, past_len, bytes, address of the cache]
Values State(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  KvCacheHandle& handle = NextHandle(objects, arguments);
  const KvCache& cache = handle.Cache();
  return {Integers{
      handle.Enabled() ? 1 : 0, static_cast<std::int64_t>(cache.PastLen()),
      static_cast<std::int64_t>(cache.Bytes()),
      static_cast<std::int64_t>(std::bit_cast<std::uintptr_t>(&cache))}};
}

// cached.shape(handle) -> [batch, max_seq_len, layers, kv_heads, head_dim]
Values Shape(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const CacheShape& shape = NextHandle(objects, arguments).Cache().Shape();
  return {ToIntegers(
      std::vector<std::size_t>{shape.batch, shape.max_seq_len, shape.num_layers,
                               shape.num_kv_heads, shape.head_dim})};
}

// cached.read(handle, layer) -> as ReadLayer
Values Read(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const KvCache& cache = NextHandle(objects, arguments).Cache();
  return ReadLayer(cache.Layer(arguments.NextSize()));
}

// cached.places(handle, layer, [row, head, position, row, head, position, ...])
// -> keys and values there, [places, head_dim]
Values Places(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const KvCache& cache = NextHandle(objects, arguments).Cache();
  const LayerCache& layer = cache.Layer(arguments.NextSize());
  return ReadPlaces(layer, arguments.NextSizes());
}

// cached.truncate(handle, past_len)
Values Truncate(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  KvCache& cache = NextHandle(objects, arguments).Cache();
  cache.Truncate(arguments.NextSize());
  return {};
}

// cached.reset(handle)
Values Reset(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  NextHandle(objects, arguments).Cache().Reset();
  return {};
}

// generate.cached: see generating.h
Values Cached(ObjectStore& objects, const Values& values) {
  return RunGeneration(GenerateCached, objects, values);
}

const RegisterOperation kNew("cached_attention.new", NewAttention);
const RegisterOperation kForward("cached_attention.forward", ForwardLayer);
const RegisterOperation kHeld("cached_attention.held", Held);
const RegisterOperation kAttend("cached_attention.attend", Attend);
const RegisterOperation kPastLen("cached_attention.past_len", AttentionPastLen);
const RegisterOperation kWithCache("model.with_cache", NewModelWithCache);
const RegisterOperation kEnable("cached.enable", Enable);
const RegisterOperation kDisable("cached.disable", Disable);
const RegisterOperation kState("cached.state", State);
const RegisterOperation kShape("cached.shape", Shape);
const RegisterOperation kRead("cached.read", Read);
const RegisterOperation kPlaces("cached.places", Places);
const RegisterOperation kTruncate("cached.truncate", Truncate);
const RegisterOperation kReset("cached.reset", Reset);
const RegisterOperation kCached("generate.cached", Cached);

}  // namespace
}  // namespace kvlab::grading
