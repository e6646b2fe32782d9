// How fast the transformer is without a cache, on the shipped model. Each token
// costs a pass over the whole prefix, so tokens per second fall as the prefix
// grows.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "benchmark/benchmark.h"
#include "kit/measure/benchmarking.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/attention_seam.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/02_transformer/layers.h"

namespace kvlab {
namespace {

constexpr std::uint64_t kSeed = 2;

std::size_t Length(const benchmark::State& state) {
  return static_cast<std::size_t>(state.range(0));
}

TokenBatch RandomPrompt(std::size_t tokens, const Gpt2Config& config) {
  Random random(kSeed);
  return SingleRow(RandomTokens(random, tokens, config.vocab_size));
}

// One block of the model over all tokens at once.
void OneBlock(benchmark::State& state) {
  Succeeds(state, [&] {
    const std::shared_ptr<const Gpt2Weights> weights = BenchmarkModel();
    Random random(kSeed);
    const Tensor3 x =
        RandomTensor3(random, {1, Length(state), weights->config.d_model});
    FullAttention attention(weights->config.num_heads);
    MeasureLoop(state, {.tokens = Length(state)}, [&] {
      benchmark::DoNotOptimize(Block(x, weights->blocks.front(),
                                     weights->config.layer_norm_epsilon,
                                     {.attention = attention}));
    });
  });
}
BENCHMARK(OneBlock)->ArgName("tokens")->Arg(1)->Arg(50)->Arg(500);

// The element-wise part of a block's MLP.
void Gelu(benchmark::State& state) {
  Random random(kSeed);
  constexpr std::size_t kTokens = 500;
  constexpr std::size_t kFeatures = 1024;
  const Tensor2 x = RandomTensor2(random, {kTokens, kFeatures});
  MeasureLoop(state, {.tokens = kTokens}, [&] {
    Tensor2 y = x;
    GeluInPlace({y.data(), y.size()});
    benchmark::DoNotOptimize(y.data());
  });
}
BENCHMARK(Gelu);

// The whole model over a prompt, logits of the last position: the cost of a
// step of the baseline when the prefix has this many tokens.
void RecomputedStep(benchmark::State& state) {
  Succeeds(state, [&] {
    Gpt2 model(BenchmarkModel());
    const TokenBatch prompt = RandomPrompt(Length(state), model.Config());
    MeasureLoop(state, {.tokens = 1}, [&] {
      benchmark::DoNotOptimize(model.Forward(prompt, LogitsFor::kLastPosition));
    });
  });
}
BENCHMARK(RecomputedStep)
    ->ArgName("prefix")
    ->Arg(1)
    ->Arg(50)
    ->Arg(200)
    ->Arg(500);

// From a prompt of 10 tokens.
void GenerateWithoutCache(benchmark::State& state) {
  Succeeds(state, [&] {
    Gpt2 model(BenchmarkModel());
    const TokenBatch prompt = RandomPrompt(10, model.Config());
    const GenerateOptions options = {.new_tokens = Length(state)};
    MeasureLoop(state, {.tokens = Length(state)}, [&] {
      benchmark::DoNotOptimize(Generate(model, prompt, options));
    });
  });
}
BENCHMARK(GenerateWithoutCache)->ArgName("tokens")->Arg(25)->Arg(50)->Arg(100);

}  // namespace
}  // namespace kvlab
