#include "kit/model/random.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "kit/error.h"

namespace kvlab {
namespace {

template <typename Tensor>
Tensor Filled(Random& random, const typename Tensor::shape_type& shape) {
  Tensor tensor = Tensor::from_shape(shape);
  for (float& value : tensor) value = random.NextUniform(-1.0F, 1.0F);
  return tensor;
}

// Uniform in [center - spread, center + spread).
Tensor1 Around(Random& random, std::size_t size, float center, float spread) {
  Tensor1 tensor = Tensor1::from_shape({size});
  for (float& value : tensor) {
    value = random.NextUniform(center - spread, center + spread);
  }
  return tensor;
}

WeightMatrix RandomMatrix(Random& random, WeightLayout layout, std::size_t in,
                          std::size_t out, float spread) {
  const Tensor1 values = Around(random, in * out, 0.0F, spread);
  return WeightMatrix::FromFloats({values.data(), values.size()}, layout, in,
                                  out);
}

// Variance 1/in keeps activations near unit size: uniform in +-sqrt(3 / in).
LinearWeights RandomLinear(Random& random, std::size_t in, std::size_t out) {
  const float spread = std::sqrt(3.0F / static_cast<float>(in));
  return {RandomMatrix(random, WeightLayout::kInOut, in, out, spread),
          Around(random, out, 0.0F, 0.2F)};
}

LayerNormWeights RandomNorm(Random& random, std::size_t size) {
  return {Around(random, size, 1.0F, 0.3F), Around(random, size, 0.0F, 0.2F)};
}

}  // namespace

float Random::NextUniform() {
  return static_cast<float>(engine_() >> 40U) * 0x1p-24F;
}

float Random::NextUniform(float low, float high) {
  return low + (high - low) * NextUniform();
}

std::size_t Random::NextBelow(std::size_t bound) {
  if (bound == 0) {
    throw ContractError("Random::NextBelow: the bound is 0",
                        "there is no number below 0", "pass at least 1");
  }
  return engine_() % bound;
}

std::uint64_t SeedFrom(std::uint64_t seed, std::string_view name) {
  constexpr std::uint64_t kOffset = 0xCBF29CE484222325U;
  constexpr std::uint64_t kPrime = 0x100000001B3U;
  std::uint64_t hash = kOffset ^ seed;
  for (const char letter : name) {
    hash ^= static_cast<unsigned char>(letter);
    hash *= kPrime;
  }
  return hash;
}

Tensor1 RandomTensor1(Random& random, std::size_t size) {
  return Filled<Tensor1>(random, {size});
}

Tensor2 RandomTensor2(Random& random, const std::array<std::size_t, 2>& shape) {
  return Filled<Tensor2>(random, shape);
}

Tensor3 RandomTensor3(Random& random, const std::array<std::size_t, 3>& shape) {
  return Filled<Tensor3>(random, shape);
}

Tensor4 RandomTensor4(Random& random, const std::array<std::size_t, 4>& shape) {
  return Filled<Tensor4>(random, shape);
}

std::vector<TokenId> RandomTokens(Random& random, std::size_t count,
                                  std::size_t vocab_size) {
  std::vector<TokenId> ids(count);
  for (TokenId& id : ids) {
    id = static_cast<TokenId>(random.NextBelow(vocab_size));
  }
  return ids;
}

Gpt2Weights RandomGpt2Weights(Random& random, const Gpt2Config& config) {
  const std::size_t d_model = config.d_model;
  Gpt2Weights weights;
  weights.config = config;
  weights.wte = RandomMatrix(random, WeightLayout::kOutIn, d_model,
                             config.vocab_size, 0.5F);
  weights.wpe = RandomMatrix(random, WeightLayout::kOutIn, d_model,
                             config.max_positions, 0.5F);
  for (std::size_t layer = 0; layer < config.num_layers; ++layer) {
    BlockWeights block;
    block.ln_1 = RandomNorm(random, d_model);
    block.attn.c_attn = RandomLinear(random, d_model, 3 * d_model);
    block.attn.c_proj = RandomLinear(random, d_model, d_model);
    block.ln_2 = RandomNorm(random, d_model);
    block.mlp.c_fc = RandomLinear(random, d_model, config.d_mlp);
    block.mlp.c_proj = RandomLinear(random, config.d_mlp, d_model);
    weights.blocks.push_back(block);
  }
  weights.ln_f = RandomNorm(random, d_model);
  weights.lm_head = weights.wte;
  return weights;
}

}  // namespace kvlab
