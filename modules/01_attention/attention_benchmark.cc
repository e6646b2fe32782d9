// How fast attention is: as a product of many rows (the full pass), of some
// (a chunk) and of one (a decode step), with the heads of the shipped model.
#include <cstddef>
#include <cstdint>

#include "benchmark/benchmark.h"
#include "kit/measure/benchmarking.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"

namespace kvlab {
namespace {

constexpr std::uint64_t kSeed = 1;
constexpr std::size_t kHeads = 4;
constexpr std::size_t kHeadDim = 64;
constexpr std::size_t kModelDim = kHeads * kHeadDim;

// Attention of new_len queries over past_len + new_len keys and values.
void MeasureAttention(benchmark::State& state, std::size_t past_len,
                      std::size_t new_len) {
  Random random(kSeed);
  const std::size_t total_len = past_len + new_len;
  const Tensor4 queries = RandomTensor4(random, {1, kHeads, new_len, kHeadDim});
  const Tensor4 keys = RandomTensor4(random, {1, kHeads, total_len, kHeadDim});
  const Tensor4 values =
      RandomTensor4(random, {1, kHeads, total_len, kHeadDim});
  // A single query reads more than it computes.
  const std::size_t bytes =
      new_len == 1 ? (keys.size() + values.size()) * sizeof(float) : 0;
  MeasureLoop(state, {.tokens = new_len, .bytes = bytes}, [&] {
    benchmark::DoNotOptimize(
        CausalAttention(queries, View(keys), View(values), {}));
  });
}

// All tokens at once.
void FullPass(benchmark::State& state) {
  MeasureAttention(state, 0, static_cast<std::size_t>(state.range(0)));
}
BENCHMARK(FullPass)->ArgName("tokens")->Arg(64)->Arg(250)->Arg(500);

// 64 tokens after the others.
void Chunk(benchmark::State& state) {
  MeasureAttention(state, static_cast<std::size_t>(state.range(0)), 64);
}
BENCHMARK(Chunk)->ArgName("past")->Arg(64)->Arg(436)->Arg(936);

// One token after the others: the attention of a cached decode step.
void Step(benchmark::State& state) {
  MeasureAttention(state, static_cast<std::size_t>(state.range(0)), 1);
}
BENCHMARK(Step)->ArgName("past")->Arg(50)->Arg(200)->Arg(500)->Arg(1000);

// The softmax of a full pass of 500 tokens, one head.
void Softmax(benchmark::State& state) {
  Random random(kSeed);
  constexpr std::size_t kTokens = 500;
  Tensor2 scores = RandomTensor2(random, {kTokens, kTokens});
  MeasureLoop(state, {.tokens = kTokens}, [&] {
    SoftmaxRows(Rows(scores));
    benchmark::ClobberMemory();
  });
}
BENCHMARK(Softmax);

// With the projections before and after.
void MultiHead(benchmark::State& state) {
  Random random(kSeed);
  const Gpt2Config config = {.num_layers = 1,
                             .num_heads = kHeads,
                             .d_model = kModelDim,
                             .d_mlp = kModelDim,
                             .max_positions = 1,
                             .vocab_size = 1};
  const Gpt2Weights weights = RandomGpt2Weights(random, config);
  const auto tokens = static_cast<std::size_t>(state.range(0));
  const Tensor3 x = RandomTensor3(random, {1, tokens, kModelDim});
  const AttentionWeights& attention = weights.blocks.front().attn;
  const std::size_t bytes = tokens == 1 ? attention.c_attn.weight.Bytes() +
                                              attention.c_proj.weight.Bytes()
                                        : 0;
  MeasureLoop(state, {.tokens = tokens, .bytes = bytes}, [&] {
    benchmark::DoNotOptimize(MultiHeadAttention(x, attention, kHeads, {}));
  });
}
BENCHMARK(MultiHead)->ArgName("tokens")->Arg(1)->Arg(64)->Arg(500);

}  // namespace
}  // namespace kvlab
