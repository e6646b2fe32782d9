// Module 5's rolling cache as operations.
#include <array>
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
#include "modules/01_attention/attention.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/05_beyond/forgetful_model.h"
#include "modules/05_beyond/recomputed_attention.h"
#include "modules/05_beyond/rolling_cache.h"

namespace kvlab::grading {
namespace {

// Two arguments: the newest tokens that a token sees, and the sinks.
Window NextWindow(Arguments& arguments) {
  Window window = {.newest = arguments.NextSize()};
  window.sinks = arguments.NextSize();
  return window;
}

RollingLayer& NextLayer(ObjectStore& objects, Arguments& arguments) {
  return objects.Get<RollingLayer>(arguments.Next<Handle>());
}

// rolling.slot(newest, sinks, position) -> slot
Values Slot(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Window window = NextWindow(arguments);
  return {static_cast<std::int64_t>(SlotOf(window, arguments.NextSize()))};
}

// rolling.new([batch, kv_heads, head_dim], newest, sinks) -> layer
Values NewLayer(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {objects.Keep(std::make_shared<RollingLayer>(
      RollingShape{.batch = sizes.at(0),
                   .num_kv_heads = sizes.at(1),
                   .head_dim = sizes.at(2),
                   .window = NextWindow(arguments)}))};
}

// rolling.attend(layer, queries, keys, values, left_pad) -> attended, PastLen()
Values Attend(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  RollingLayer& layer = NextLayer(objects, arguments);
  Qkv tokens = {.queries = arguments.NextTensor<4>(), .keys = {}, .values = {}};
  tokens.keys = arguments.NextTensor<4>();
  tokens.values = arguments.NextTensor<4>();
  const Tensor4 attended = layer.Attend(tokens, arguments.NextSizes());
  return {ToArray(attended), static_cast<std::int64_t>(layer.PastLen())};
}

// The first `slots` slots of a row, [kv_heads, slots, head_dim].
Array FirstSlots(const ConstView4& all, std::size_t row, std::size_t slots) {
  Array first = {.shape = {all.shape(1), slots, all.shape(3)}, .values = {}};
  for (std::size_t g = 0; g < all.shape(1); ++g) {
    for (std::size_t slot = 0; slot < slots; ++slot) {
      for (std::size_t d = 0; d < all.shape(3); ++d) {
        first.values.push_back(all(row, g, slot, d));
      }
    }
  }
  return first;
}

// rolling.held(layer, row, slots) -> keys, values
Values Held(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const RollingLayer& layer = NextLayer(objects, arguments);
  const std::size_t row = arguments.NextSize();
  const std::size_t slots = arguments.NextSize();
  return {FirstSlots(layer.Keys(), row, slots),
          FirstSlots(layer.Values(), row, slots)};
}

// rolling.reset(layer)
Values Reset(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  NextLayer(objects, arguments).Reset();
  return {};
}

// rolling.bytes(layer) -> bytes
Values Bytes(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {static_cast<std::int64_t>(NextLayer(objects, arguments).Bytes())};
}

// rolling.stream(layer, seed, calls, tokens of a call, query heads) -> the
// attended tokens of the last call. Its tokens are made call by call, so they
// take no memory.
Values Stream(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  RollingLayer& layer = NextLayer(objects, arguments);
  Random random(static_cast<std::uint64_t>(arguments.Next<std::int64_t>()));
  const std::size_t calls = arguments.NextSize();
  const std::size_t new_len = arguments.NextSize();
  const std::size_t heads = arguments.NextSize();
  const ConstView4 slots = layer.Keys();
  const std::array<std::size_t, 4> kv = {slots.shape(0), slots.shape(1),
                                         new_len, slots.shape(3)};
  Tensor4 attended;
  for (std::size_t call = 0; call < calls; ++call) {
    const Qkv tokens = {
        .queries = RandomTensor4(random, {kv[0], heads, new_len, kv[3]}),
        .keys = RandomTensor4(random, kv),
        .values = RandomTensor4(random, kv)};
    attended = layer.Attend(tokens, {});
  }
  return {ToArray(attended)};
}

// rolling.model(weights, newest, sinks, batch) -> model with such a cache
Values NewModel(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const auto weights = objects.Share<Gpt2Weights>(arguments.Next<Handle>());
  const Window window = NextWindow(arguments);
  const RollingLayer layer({.batch = arguments.NextSize(),
                            .num_kv_heads = weights->config.num_heads,
                            .head_dim = weights->config.HeadDim(),
                            .window = window});
  auto model = std::make_shared<Gpt2>(weights);
  model->ReplaceAttention(std::make_unique<RollingAttention>(
      weights->config.num_heads,
      std::vector<RollingLayer>(weights->config.num_layers, layer)));
  return {objects.Keep(std::move(model))};
}

// rolling.masked_model(weights, newest, sinks) -> model that recomputes all
// tokens of a call under the mask of the window
Values NewMaskedModel(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const auto weights = objects.Share<Gpt2Weights>(arguments.Next<Handle>());
  const Window window = NextWindow(arguments);
  auto model = std::make_shared<Gpt2>(weights);
  model->ReplaceAttention(std::make_unique<RecomputedAttention>(
      weights->config.num_heads, WindowRule({window.newest, window.sinks})));
  return {objects.Keep(std::move(model))};
}

const RegisterOperation kSlot("rolling.slot", Slot);
const RegisterOperation kNew("rolling.new", NewLayer);
const RegisterOperation kAttend("rolling.attend", Attend);
const RegisterOperation kHeld("rolling.held", Held);
const RegisterOperation kReset("rolling.reset", Reset);
const RegisterOperation kBytes("rolling.bytes", Bytes);
const RegisterOperation kStream("rolling.stream", Stream);
const RegisterOperation kModel("rolling.model", NewModel);
const RegisterOperation kMasked("rolling.masked_model", NewMaskedModel);

}  // namespace
}  // namespace kvlab::grading
