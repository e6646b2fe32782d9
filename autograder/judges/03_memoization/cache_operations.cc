// Module 3's caches as operations.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/judges/03_memoization/cache_values.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/growing_cache.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab::grading {
namespace {

// cache.formula(shape, bytes_per_element) -> bytes, as the bits of an integer
Values Formula(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const CacheShape shape = NextCacheShape(arguments);
  return {std::bit_cast<std::int64_t>(CacheBytes(shape, arguments.NextSize()))};
}

// layer_cache.new(shape) -> layer cache
Values NewLayer(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {
      objects.Keep(std::make_shared<LayerCache>(NextCacheShape(arguments)))};
}

// layer_cache.append(layer cache, keys, values)
Values AppendToLayer(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  LayerCache& cache = objects.Get<LayerCache>(arguments.Next<Handle>());
  const Tensor4 keys = arguments.NextTensor<4>();
  cache.Append(keys, arguments.NextTensor<4>());
  return {};
}

// layer_cache.read(layer cache) -> as ReadLayer
Values ReadLayerCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return ReadLayer(objects.Get<LayerCache>(arguments.Next<Handle>()));
}

// layer_cache.storage(layer cache) -> where keys and values lie: address and
// strides of each
Values Storage(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const LayerCache& cache = objects.Get<LayerCache>(arguments.Next<Handle>());
  Integers places;
  for (const ConstView4& view : {cache.Keys(), cache.Values()}) {
    places.push_back(static_cast<std::int64_t>(
        std::bit_cast<std::uintptr_t>(&view(0, 0, 0, 0))));
    for (const std::ptrdiff_t stride : view.strides()) places.push_back(stride);
  }
  return {places};
}

// layer_cache.truncate(layer cache, past_len)
Values TruncateLayer(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  LayerCache& cache = objects.Get<LayerCache>(arguments.Next<Handle>());
  cache.Truncate(arguments.NextSize());
  return {};
}

// kv_cache.new(shape) -> cache
Values NewCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {objects.Keep(std::make_shared<KvCache>(NextCacheShape(arguments)))};
}

// kv_cache.append(cache, layer, keys, values)
Values AppendToCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  KvCache& cache = objects.Get<KvCache>(arguments.Next<Handle>());
  LayerCache& layer = cache.Layer(arguments.NextSize());
  const Tensor4 keys = arguments.NextTensor<4>();
  layer.Append(keys, arguments.NextTensor<4>());
  return {};
}

// kv_cache.layer(cache, layer) -> nothing: a layer that may be changed is there
Values LayerOfCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  KvCache& cache = objects.Get<KvCache>(arguments.Next<Handle>());
  static_cast<void>(cache.Layer(arguments.NextSize()));
  return {};
}

// kv_cache.read(cache, layer) -> as ReadLayer
Values ReadCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const KvCache& cache = objects.Get<KvCache>(arguments.Next<Handle>());
  return ReadLayer(cache.Layer(arguments.NextSize()));
}

// kv_cache.state(cache) -> [past_len, bytes]
Values StateOfCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const KvCache& cache = objects.Get<KvCache>(arguments.Next<Handle>());
  return {Integers{static_cast<std::int64_t>(cache.PastLen()),
                   static_cast<std::int64_t>(cache.Bytes())}};
}

// kv_cache.truncate(cache, past_len)
Values TruncateCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  KvCache& cache = objects.Get<KvCache>(arguments.Next<Handle>());
  cache.Truncate(arguments.NextSize());
  return {};
}

// kv_cache.reset(cache)
Values ResetCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  objects.Get<KvCache>(arguments.Next<Handle>()).Reset();
  return {};
}

// growing.new(batch, heads, head_dim) -> growing cache
Values NewGrowing(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const std::size_t batch = arguments.NextSize();
  const std::size_t heads = arguments.NextSize();
  return {objects.Keep(
      std::make_shared<GrowingCache>(batch, heads, arguments.NextSize()))};
}

// growing.append(growing cache, keys, values)
Values AppendToGrowing(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  GrowingCache& cache = objects.Get<GrowingCache>(arguments.Next<Handle>());
  const Tensor4 keys = arguments.NextTensor<4>();
  cache.Append(keys, arguments.NextTensor<4>());
  return {};
}

// growing.read(growing cache) -> keys, values, [past_len, bytes written]
Values ReadGrowing(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const GrowingCache& cache =
      objects.Get<GrowingCache>(arguments.Next<Handle>());
  return {ToArray(cache.Keys()), ToArray(cache.Values()),
          Integers{static_cast<std::int64_t>(cache.PastLen()),
                   static_cast<std::int64_t>(cache.BytesWritten())}};
}

const RegisterOperation kFormula("cache.formula", Formula);
const RegisterOperation kNewLayer("layer_cache.new", NewLayer);
const RegisterOperation kAppendLayer("layer_cache.append", AppendToLayer);
const RegisterOperation kReadLayer("layer_cache.read", ReadLayerCache);
const RegisterOperation kStorage("layer_cache.storage", Storage);
const RegisterOperation kTruncateLayer("layer_cache.truncate", TruncateLayer);
const RegisterOperation kNewCache("kv_cache.new", NewCache);
const RegisterOperation kAppendCache("kv_cache.append", AppendToCache);
const RegisterOperation kLayerOfCache("kv_cache.layer", LayerOfCache);
const RegisterOperation kReadCache("kv_cache.read", ReadCache);
const RegisterOperation kState("kv_cache.state", StateOfCache);
const RegisterOperation kTruncateCache("kv_cache.truncate", TruncateCache);
const RegisterOperation kReset("kv_cache.reset", ResetCache);
const RegisterOperation kNewGrowing("growing.new", NewGrowing);
const RegisterOperation kAppendGrowing("growing.append", AppendToGrowing);
const RegisterOperation kReadGrowing("growing.read", ReadGrowing);

}  // namespace
}  // namespace kvlab::grading
