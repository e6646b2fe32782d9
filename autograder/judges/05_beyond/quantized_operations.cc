// Module 5's cache in eight bits as operations.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "modules/05_beyond/quantized_cache.h"

namespace kvlab::grading {
namespace {

// [batch, max_seq_len, kv_heads, head_dim, group]
QuantizedShape NextShape(Arguments& arguments) {
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {.batch = sizes.at(0),
          .max_seq_len = sizes.at(1),
          .num_kv_heads = sizes.at(2),
          .head_dim = sizes.at(3),
          .group = sizes.at(4)};
}

// int8.fit(numbers) -> [zero, scale]
Values Fit(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor1 numbers = arguments.NextTensor<1>();
  const CodeRange range = FitRange({numbers.data(), numbers.size()});
  return {Array{.shape = {2}, .values = {range.zero, range.scale}}};
}

// int8.encode(numbers, [zero, scale]) -> codes
Values EncodeAll(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor1 numbers = arguments.NextTensor<1>();
  const Tensor1 ends = arguments.NextTensor<1>();
  Integers codes;
  for (const float number : numbers) {
    codes.push_back(Encode(number, {.zero = ends(0), .scale = ends(1)}));
  }
  return {codes};
}

// int8.bytes(sizes) -> bytes
Values Bytes(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  return {static_cast<std::int64_t>(QuantizedBytes(NextShape(arguments)))};
}

// int8.cache(sizes) -> cache
Values NewCache(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {objects.Keep(
      std::make_shared<QuantizedLayerCache>(NextShape(arguments)))};
}

// int8.append(cache, keys, values) -> tokens held
Values AppendTokens(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  auto& cache = objects.Get<QuantizedLayerCache>(arguments.Next<Handle>());
  const Tensor4 keys = arguments.NextTensor<4>();
  cache.Append(keys, arguments.NextTensor<4>());
  return {static_cast<std::int64_t>(cache.PastLen())};
}

// int8.fill(cache, seed, tokens of a call) -> tokens held. Fills the cache with
// random tokens.
Values Fill(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  auto& cache = objects.Get<QuantizedLayerCache>(arguments.Next<Handle>());
  Random random(static_cast<std::uint64_t>(arguments.Next<std::int64_t>()));
  const std::size_t most = arguments.NextSize();
  const QuantizedShape& shape = cache.Shape();
  while (cache.PastLen() < shape.max_seq_len) {
    const std::array<std::size_t, 4> sizes = {
        shape.batch, shape.num_kv_heads,
        std::min(most, shape.max_seq_len - cache.PastLen()), shape.head_dim};
    const Tensor4 keys = RandomTensor4(random, sizes);
    cache.Append(keys, RandomTensor4(random, sizes));
  }
  return {static_cast<std::int64_t>(cache.PastLen())};
}

// int8.read(cache) -> keys, values [B, G, S, D] as they are held; S
Values Read(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const auto& cache =
      objects.Get<QuantizedLayerCache>(arguments.Next<Handle>());
  const QuantizedShape& shape = cache.Shape();
  Tensor4 keys = Tensor4::from_shape(
      {shape.batch, shape.num_kv_heads, cache.PastLen(), shape.head_dim});
  Tensor4 vals = Tensor4::from_shape(keys.shape());
  for (std::size_t b = 0; b < shape.batch; ++b) {
    for (std::size_t g = 0; g < shape.num_kv_heads; ++g) {
      cache.DecodeKeys({.row = b, .kv_head = g}, 0, HeadMatrix(keys, b, g));
      cache.DecodeValues({.row = b, .kv_head = g}, 0, HeadMatrix(vals, b, g));
    }
  }
  return {ToArray(keys), ToArray(vals),
          static_cast<std::int64_t>(cache.PastLen())};
}

// int8.attend(cache, queries, left_pad) -> [B, H, T, D]
Values AttendTo(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const auto& cache =
      objects.Get<QuantizedLayerCache>(arguments.Next<Handle>());
  const Tensor4 queries = arguments.NextTensor<4>();
  return {ToArray(cache.Attend(queries, arguments.NextSizes()))};
}

// int8.bounds(cache, queries, left_pad) -> [B, H, T]
Values Bounds(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const auto& cache =
      objects.Get<QuantizedLayerCache>(arguments.Next<Handle>());
  const Tensor4 queries = arguments.NextTensor<4>();
  return {ToArray(cache.ErrorBounds(queries, arguments.NextSizes()))};
}

const RegisterOperation kFit("int8.fit", Fit);
const RegisterOperation kEncode("int8.encode", EncodeAll);
const RegisterOperation kBytes("int8.bytes", Bytes);
const RegisterOperation kCache("int8.cache", NewCache);
const RegisterOperation kAppend("int8.append", AppendTokens);
const RegisterOperation kFill("int8.fill", Fill);
const RegisterOperation kRead("int8.read", Read);
const RegisterOperation kAttend("int8.attend", AttendTo);
const RegisterOperation kBounds("int8.bounds", Bounds);

}  // namespace
}  // namespace kvlab::grading
