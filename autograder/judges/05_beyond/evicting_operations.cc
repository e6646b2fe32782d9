// Module 5's cache under a budget, and what eviction loses, as operations.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
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
#include "modules/05_beyond/evicting_cache.h"

namespace kvlab::grading {
namespace {

// Two arguments: the tokens of the budget, and the newest among them.
EvictionBudget NextBudget(Arguments& arguments) {
  EvictionBudget budget = {.tokens = arguments.NextSize()};
  budget.newest = arguments.NextSize();
  return budget;
}

EvictingLayer& NextLayer(ObjectStore& objects, Arguments& arguments) {
  return objects.Get<EvictingLayer>(arguments.Next<Handle>());
}

// evicting.victim(positions, probabilities [n], newest) -> index
Values Victim(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  std::vector<HeldToken> held;
  for (const std::size_t position : arguments.NextSizes()) {
    held.push_back({.position = position});
  }
  const Tensor1 probabilities = arguments.NextTensor<1>();
  for (std::size_t i = 0; i < held.size(); ++i) {
    held[i].probability = probabilities(i);
  }
  return {static_cast<std::int64_t>(TokenToEvict(held, arguments.NextSize()))};
}

// evicting.new([batch, kv_heads, head_dim], tokens, newest) -> layer
Values NewLayer(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {objects.Keep(std::make_shared<EvictingLayer>(
      EvictingShape{.batch = sizes.at(0),
                    .num_kv_heads = sizes.at(1),
                    .head_dim = sizes.at(2),
                    .budget = NextBudget(arguments)}))};
}

// evicting.attend(layer, queries, keys, values, left_pad) -> attended,
// PastLen()
Values Attend(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  EvictingLayer& layer = NextLayer(objects, arguments);
  Qkv tokens = {.queries = arguments.NextTensor<4>(), .keys = {}, .values = {}};
  tokens.keys = arguments.NextTensor<4>();
  tokens.values = arguments.NextTensor<4>();
  const Tensor4 attended = layer.Attend(tokens, arguments.NextSizes());
  return {ToArray(attended), static_cast<std::int64_t>(layer.PastLen())};
}

// One slot of a head, as a list of numbers.
void AddSlot(const ConstView4& all, const std::array<std::size_t, 3>& slot,
             std::vector<float>& values) {
  for (std::size_t d = 0; d < all.shape(3); ++d) {
    values.push_back(all(slot[0], slot[1], slot[2], d));
  }
}

// evicting.held(layer, row, kv_head) -> positions in order, probabilities [n],
// keys, values [n, head_dim] of their slots
Values Held(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const EvictingLayer& layer = NextLayer(objects, arguments);
  const std::size_t b = arguments.NextSize();
  const std::size_t g = arguments.NextSize();
  const std::span<const HeldToken> held = layer.Held(b, g);
  std::vector<std::size_t> slots(held.size());
  for (std::size_t i = 0; i < slots.size(); ++i) slots[i] = i;
  std::ranges::sort(slots, {},
                    [&](std::size_t slot) { return held[slot].position; });
  Integers positions;
  Array probabilities = {.shape = {held.size()}, .values = {}};
  Array keys = {.shape = {held.size(), layer.Keys().shape(3)}, .values = {}};
  Array vals = keys;
  for (const std::size_t slot : slots) {
    positions.push_back(static_cast<std::int64_t>(held[slot].position));
    probabilities.values.push_back(held[slot].probability);
    // More tokens than slots are a fault that the positions show.
    if (slot >= layer.Keys().shape(2)) continue;
    AddSlot(layer.Keys(), {b, g, slot}, keys.values);
    AddSlot(layer.Values(), {b, g, slot}, vals.values);
  }
  keys.shape[0] = vals.shape[0] = keys.values.size() / keys.shape[1];
  return {positions, probabilities, keys, vals};
}

// evicting.reset(layer)
Values Reset(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  NextLayer(objects, arguments).Reset();
  return {};
}

// evicting.bytes(layer) -> bytes
Values Bytes(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {static_cast<std::int64_t>(NextLayer(objects, arguments).Bytes())};
}

// evicting.stream(layer, seed, calls, tokens of a call, query heads) -> the
// attended tokens of the last call. Its tokens are made call by call, so they
// take no memory.
Values Stream(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  EvictingLayer& layer = NextLayer(objects, arguments);
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

// evicting.model(weights, tokens, newest, batch) -> model with such a cache
Values NewModel(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const auto weights = objects.Share<Gpt2Weights>(arguments.Next<Handle>());
  const EvictionBudget budget = NextBudget(arguments);
  const EvictingLayer layer({.batch = arguments.NextSize(),
                             .num_kv_heads = weights->config.num_heads,
                             .head_dim = weights->config.HeadDim(),
                             .budget = budget});
  auto model = std::make_shared<Gpt2>(weights);
  model->ReplaceAttention(std::make_unique<EvictingAttention>(
      weights->config.num_heads,
      std::vector<EvictingLayer>(weights->config.num_layers, layer)));
  return {objects.Keep(std::move(model))};
}

// evicting.loss(query [D], keys [S, D], values [S, D], kept) -> mass, bound,
// mean [D]
Values Loss(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor1 query = arguments.NextTensor<1>();
  const Tensor2 keys = arguments.NextTensor<2>();
  const Tensor2 vals = arguments.NextTensor<2>();
  const EvictionLoss loss =
      LossOfEviction({.query = {query.data(), query.size()},
                      .keys = Rows(keys),
                      .values = Rows(vals)},
                     arguments.NextSizes());
  return {loss.mass, loss.bound, ToArray(loss.mean)};
}

const RegisterOperation kVictim("evicting.victim", Victim);
const RegisterOperation kNew("evicting.new", NewLayer);
const RegisterOperation kAttend("evicting.attend", Attend);
const RegisterOperation kHeld("evicting.held", Held);
const RegisterOperation kReset("evicting.reset", Reset);
const RegisterOperation kBytes("evicting.bytes", Bytes);
const RegisterOperation kStream("evicting.stream", Stream);
const RegisterOperation kModel("evicting.model", NewModel);
const RegisterOperation kLoss("evicting.loss", Loss);

}  // namespace
}  // namespace kvlab::grading
