// Module 5's cache of inputs as operations.
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
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/05_beyond/recomputing_cache.h"

namespace kvlab::grading {
namespace {

// [batch, max_seq_len, layers, d_model]
InputShape NextShape(Arguments& arguments) {
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {.batch = sizes.at(0),
          .max_seq_len = sizes.at(1),
          .num_layers = sizes.at(2),
          .d_model = sizes.at(3)};
}

// inputs.bytes(sizes) -> bytes
Values Bytes(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  return {static_cast<std::int64_t>(InputBytes(NextShape(arguments)))};
}

// inputs.chunks([tokens ...]) -> [tokens of a chunk ...]
Values Chunks(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  std::vector<std::size_t> lengths;
  for (const std::size_t total_len : arguments.NextSizes()) {
    lengths.push_back(ChunkLength(total_len));
  }
  return {ToIntegers(lengths)};
}

// inputs.macs([batch, past_len, d_model], left_pad) -> multiply-accumulates
Values Macs(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {static_cast<std::int64_t>(RecomputedMacs(
      {.batch = sizes.at(0), .past_len = sizes.at(1), .d_model = sizes.at(2)},
      arguments.NextSizes()))};
}

// inputs.attention(sizes, heads) -> attention with an empty cache
Values NewAttention(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  auto cache = std::make_shared<InputCache>(NextShape(arguments));
  return {objects.Keep(std::make_shared<RecomputingAttention>(
      arguments.NextSize(), std::move(cache)))};
}

// inputs.append(attention, layer, x) -> tokens held by the layer, by all
Values AppendTokens(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  InputCache& cache =
      *objects.Get<RecomputingAttention>(arguments.Next<Handle>()).Cache();
  const std::size_t layer = arguments.NextSize();
  cache.Append(layer, arguments.NextTensor<3>());
  return {static_cast<std::int64_t>(cache.PastLen(layer)),
          static_cast<std::int64_t>(cache.PastLen())};
}

// inputs.fill(attention, seed, tokens of a call, tokens in all): random tokens
// in every layer
Values Fill(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  InputCache& cache =
      *objects.Get<RecomputingAttention>(arguments.Next<Handle>()).Cache();
  Random random(static_cast<std::uint64_t>(arguments.Next<std::int64_t>()));
  const std::size_t most = arguments.NextSize();
  const std::size_t total_len = arguments.NextSize();
  const InputShape& shape = cache.Shape();
  for (std::size_t layer = 0; layer < shape.num_layers; ++layer) {
    while (cache.PastLen(layer) < total_len) {
      cache.Append(
          layer, RandomTensor3(
                     random, {shape.batch,
                              std::min(most, total_len - cache.PastLen(layer)),
                              shape.d_model}));
    }
  }
  return {};
}

// inputs.read(attention, layer) -> [B, S, C] as it is held
Values Read(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const InputCache& cache =
      *objects.Get<RecomputingAttention>(arguments.Next<Handle>()).Cache();
  const std::size_t layer = arguments.NextSize();
  const InputShape& shape = cache.Shape();
  Tensor3 held =
      Tensor3::from_shape({shape.batch, cache.PastLen(layer), shape.d_model});
  float* to = held.data();
  for (std::size_t b = 0; b < shape.batch; ++b) {
    const ConstMatrix inputs = cache.Inputs(layer, b);
    for (std::size_t s = 0; s < inputs.rows; ++s) {
      to = std::ranges::copy(inputs.Row(s), to).out;
    }
  }
  return {ToArray(held)};
}

// inputs.forward(attention, weights, layer, x, left_pad) -> [B, T, C]
Values ForwardLayer(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  auto& attention = objects.Get<RecomputingAttention>(arguments.Next<Handle>());
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

// inputs.past_len(attention) -> tokens held
Values AttentionPastLen(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {static_cast<std::int64_t>(
      objects.Get<RecomputingAttention>(arguments.Next<Handle>()).PastLen())};
}

// inputs.model(weights, batch, max_seq_len) -> model that recomputes
Values MakeModel(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const auto weights = objects.Share<Gpt2Weights>(arguments.Next<Handle>());
  const Gpt2Config& config = weights->config;
  InputShape shape = {.batch = arguments.NextSize(),
                      .num_layers = config.num_layers,
                      .d_model = config.d_model};
  shape.max_seq_len = arguments.NextSize();
  auto model = std::make_shared<Gpt2>(weights);
  model->ReplaceAttention(std::make_unique<RecomputingAttention>(
      config.num_heads, std::make_shared<InputCache>(shape)));
  return {objects.Keep(std::move(model))};
}

const RegisterOperation kBytes("inputs.bytes", Bytes);
const RegisterOperation kChunks("inputs.chunks", Chunks);
const RegisterOperation kMacs("inputs.macs", Macs);
const RegisterOperation kAttention("inputs.attention", NewAttention);
const RegisterOperation kAppend("inputs.append", AppendTokens);
const RegisterOperation kFill("inputs.fill", Fill);
const RegisterOperation kRead("inputs.read", Read);
const RegisterOperation kForward("inputs.forward", ForwardLayer);
const RegisterOperation kPastLen("inputs.past_len", AttentionPastLen);
const RegisterOperation kModel("inputs.model", MakeModel);

}  // namespace
}  // namespace kvlab::grading
