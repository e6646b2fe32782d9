// Module 4 as the lecture writes it: the formulas of the header, term by term.
#include "modules/04_profiling/cost.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/caching.h"
#include "kit/model/gpt2_weights.h"
#include "modules/04_profiling/exact.h"

namespace kvlab {
namespace {

// Given. Throws if the pass follows tokens but has no cache.
void CheckPass(const std::string& who, const ForwardPass& pass) {
  if (pass.caching == Caching::kOff && pass.past_len > 0) {
    throw ContractError(who + ": there is a past, but no cache",
                        "past_len is " + std::to_string(pass.past_len) +
                            ", and without a cache nothing is kept",
                        "count the earlier tokens as new, or use a cache");
  }
}

// Given. The MACs of a pass by category.
struct PassMacs {
  Exact qkv;
  Exact attention;
  Exact projection;
  Exact mlp;
  Exact head;
};

// Given. Throws if a category does not fit 64 bits.
WorkCounts Macs(const PassMacs& macs) {
  return {{macs.qkv.Value(), macs.attention.Value(), macs.projection.Value(),
           macs.mlp.Value(), macs.head.Value()}};
}

// Given. Throws if the sum of the three does not fit 64 bits.
Traffic MakeTraffic(Exact weights, Exact cache_read, Exact cache_written) {
  static_cast<void>((weights + cache_read + cache_written).Value());  // throws
  return {.weights = weights.Value(),
          .cache_read = cache_read.Value(),
          .cache_written = cache_written.Value()};
}

}  // namespace

std::vector<ForwardPass> PassesOf(const GenerationShape& generation,
                                  Caching caching) {
  const std::size_t prompt_len = generation.prompt_len;
  if (prompt_len == 0) {
    throw ContractError("PassesOf: there is no prompt",
                        "a forward pass computes at least one position",
                        "begin with at least one token per row");
  }
  std::vector<ForwardPass> passes;
  for (std::size_t step = 0; step < generation.new_tokens; ++step) {
    const std::size_t so_far = (Exact(prompt_len) + Exact(step)).Value();
    ForwardPass pass;
    pass.batch = generation.batch;
    pass.caching = caching;
    if (caching == Caching::kOff) {
      pass.past_len = 0;
      pass.new_len = so_far;  // everything, again
    } else if (step == 0) {
      pass.past_len = 0;
      pass.new_len = prompt_len;
    } else {
      pass.past_len = so_far - 1;
      pass.new_len = 1;  // the token of the step before
    }
    passes.push_back(pass);
  }
  return passes;
}

WorkCounts PassWork(const Gpt2Config& config, const ForwardPass& pass) {
  CheckPass("PassWork", pass);
  const Exact batch(pass.batch);
  const Exact layers(config.num_layers);
  const Exact d(config.d_model);
  const Exact new_len(pass.new_len);
  const Exact total_len = Exact(pass.past_len) + new_len;
  return Macs({.qkv = batch * layers * new_len * 3 * d * d,
               .attention = batch * layers * 2 * new_len * total_len * d,
               .projection = batch * layers * new_len * d * d,
               .mlp = batch * layers * new_len * 2 * d * Exact(config.d_mlp),
               .head = batch * d * Exact(config.vocab_size)});
}

WorkCounts GenerationWork(const Gpt2Config& config,
                          const GenerationShape& generation, Caching caching) {
  WorkCounts sum;
  for (const ForwardPass& pass : PassesOf(generation, caching)) {
    sum = sum + PassWork(config, pass);
  }
  return sum;
}

Traffic PassTraffic(const Gpt2Config& config, const ForwardPass& pass,
                    std::size_t bytes_per_weight) {
  CheckPass("PassTraffic", pass);
  constexpr std::uint64_t kFloat = sizeof(float);
  const Exact batch(pass.batch);
  const Exact layers(config.num_layers);
  const Exact d(config.d_model);
  const Exact d_mlp(config.d_mlp);

  const Exact qkv = d * d * 3;
  const Exact projection = d * d;
  const Exact mlp = d * d_mlp * 2;
  const Exact head = d * Exact(config.vocab_size);
  const Exact biases = d * 5 + d_mlp;
  const Exact norms = d * 4;
  const Exact weights =
      (layers * (qkv + projection + mlp) + head) * bytes_per_weight +
      (layers * (biases + norms) + d * 2) * kFloat;
  if (pass.caching == Caching::kOff) {
    return MakeTraffic(weights, Exact(0), Exact(0));
  }
  const Exact new_len(pass.new_len);
  const Exact total_len = Exact(pass.past_len) + new_len;
  return MakeTraffic(weights, batch * layers * 2 * total_len * d * kFloat,
                     batch * layers * 2 * new_len * d * kFloat);
}

Traffic GenerationTraffic(const Gpt2Config& config,
                          const GenerationShape& generation, Caching caching,
                          std::size_t bytes_per_weight) {
  Traffic sum;
  for (const ForwardPass& pass : PassesOf(generation, caching)) {
    const Traffic more = PassTraffic(config, pass, bytes_per_weight);
    sum = MakeTraffic(Exact(sum.weights) + Exact(more.weights),
                      Exact(sum.cache_read) + Exact(more.cache_read),
                      Exact(sum.cache_written) + Exact(more.cache_written));
  }
  return sum;
}

}  // namespace kvlab
