// Module 4's formulas as operations: memory, passes, work and traffic.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/math/work.h"
#include "kit/model/caching.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/known_models.h"
#include "modules/04_profiling/cost.h"
#include "modules/04_profiling/memory.h"

namespace kvlab::grading {
namespace {

// [layers, heads, kv_heads, head_dim, max_positions, window]
ModelShape NextModelShape(Arguments& arguments) {
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {.num_layers = sizes.at(0),
          .num_heads = sizes.at(1),
          .num_kv_heads = sizes.at(2),
          .head_dim = sizes.at(3),
          .max_positions = sizes.at(4),
          .window = sizes.at(5)};
}

// [batch, seq_len, bytes_per_element]
CacheUse NextCacheUse(Arguments& arguments) {
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {.batch = sizes.at(0),
          .seq_len = sizes.at(1),
          .bytes_per_element = sizes.at(2)};
}

Caching CachingOf(std::size_t on) {
  return on != 0 ? Caching::kOn : Caching::kOff;
}

// [layers, heads, d_model, d_mlp, max_positions, vocab_size]
Gpt2Config NextConfig(Arguments& arguments) {
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {.num_layers = sizes.at(0),
          .num_heads = sizes.at(1),
          .d_model = sizes.at(2),
          .d_mlp = sizes.at(3),
          .max_positions = sizes.at(4),
          .vocab_size = sizes.at(5)};
}

// [batch, past_len, new_len, caching]
ForwardPass NextPass(Arguments& arguments) {
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {.batch = sizes.at(0),
          .past_len = sizes.at(1),
          .new_len = sizes.at(2),
          .caching = CachingOf(sizes.at(3))};
}

// [batch, prompt_len, new_tokens]
GenerationShape NextGeneration(Arguments& arguments) {
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {.batch = sizes.at(0),
          .prompt_len = sizes.at(1),
          .new_tokens = sizes.at(2)};
}

Integers TrafficIntegers(const Traffic& traffic) {
  return ToIntegers(std::vector<std::uint64_t>{
      traffic.weights, traffic.cache_read, traffic.cache_written});
}

// memory.bytes(shape, use) -> bytes
Values Bytes(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const ModelShape shape = NextModelShape(arguments);
  return {std::bit_cast<std::int64_t>(
      KvCacheBytes(shape, NextCacheUse(arguments)))};
}

// memory.breakdown(shape, use) -> bytes of keys of each layer, of values
Values Breakdown(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const ModelShape shape = NextModelShape(arguments);
  Integers keys;
  Integers of_values;
  for (const LayerBytes& layer :
       KvCacheBreakdown(shape, NextCacheUse(arguments))) {
    keys.push_back(static_cast<std::int64_t>(layer.keys));
    of_values.push_back(static_cast<std::int64_t>(layer.values));
  }
  return {keys, of_values};
}

// memory.longest_context(shape, use, budget) -> tokens
Values Longest(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const ModelShape shape = NextModelShape(arguments);
  const CacheUse use = NextCacheUse(arguments);
  return {static_cast<std::int64_t>(
      LongestContext(shape, use, arguments.NextSize()))};
}

// memory.largest_batch(shape, use, budget) -> rows
Values Largest(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const ModelShape shape = NextModelShape(arguments);
  const CacheUse use = NextCacheUse(arguments);
  return {static_cast<std::int64_t>(
      LargestBatch(shape, use, arguments.NextSize()))};
}

// cost.passes(generation, caching) -> batch, past_len, new_len and caching of
// each pass, one after the other
Values Passes(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const GenerationShape generation = NextGeneration(arguments);
  std::vector<std::size_t> numbers;
  for (const ForwardPass& pass :
       PassesOf(generation, CachingOf(arguments.NextSize()))) {
    const std::size_t caching = pass.caching == Caching::kOn ? 1 : 0;
    numbers.insert(numbers.end(),
                   {pass.batch, pass.past_len, pass.new_len, caching});
  }
  return {ToIntegers(numbers)};
}

// cost.pass_work(config, pass) -> MACs by category
Values WorkOfPass(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Gpt2Config config = NextConfig(arguments);
  return {ToIntegers(PassWork(config, NextPass(arguments)).macs)};
}

// cost.generation_work(config, generation, caching) -> MACs by category
Values WorkOfGeneration(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Gpt2Config config = NextConfig(arguments);
  const GenerationShape generation = NextGeneration(arguments);
  const Caching caching = CachingOf(arguments.NextSize());
  return {ToIntegers(GenerationWork(config, generation, caching).macs)};
}

// cost.pass_traffic(config, pass, bytes_per_weight) -> [weights, cache read,
// cache written]
Values TrafficOfPass(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Gpt2Config config = NextConfig(arguments);
  const ForwardPass pass = NextPass(arguments);
  return {TrafficIntegers(PassTraffic(config, pass, arguments.NextSize()))};
}

// cost.generation_traffic(config, generation, caching, bytes_per_weight) -> the
// same
Values TrafficOfGeneration(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Gpt2Config config = NextConfig(arguments);
  const GenerationShape generation = NextGeneration(arguments);
  const Caching caching = CachingOf(arguments.NextSize());
  return {TrafficIntegers(
      GenerationTraffic(config, generation, caching, arguments.NextSize()))};
}

const RegisterOperation kBytes("memory.bytes", Bytes);
const RegisterOperation kBreakdown("memory.breakdown", Breakdown);
const RegisterOperation kLongest("memory.longest_context", Longest);
const RegisterOperation kLargest("memory.largest_batch", Largest);
const RegisterOperation kPasses("cost.passes", Passes);
const RegisterOperation kPassWork("cost.pass_work", WorkOfPass);
const RegisterOperation kWork("cost.generation_work", WorkOfGeneration);
const RegisterOperation kPassTraffic("cost.pass_traffic", TrafficOfPass);
const RegisterOperation kTraffic("cost.generation_traffic",
                                 TrafficOfGeneration);

}  // namespace
}  // namespace kvlab::grading
