// Seeded randomness: the same numbers on every machine and compiler.
#ifndef KVLAB_KIT_MODEL_RANDOM_H_
#define KVLAB_KIT_MODEL_RANDOM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string_view>
#include <vector>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// The standard library fixes std::mt19937_64's output but not that of its
// distributions, so these are spelled out.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  // Uniform in [0, 1), 24 random bits.
  float NextUniform();
  // Uniform in [low, high).
  float NextUniform(float low, float high);
  // Uniform in [0, bound). Throws ContractError if bound is 0.
  std::size_t NextBelow(std::size_t bound);

 private:
  std::mt19937_64 engine_;
};

// A seed for what has this name, so that each named thing draws numbers of its
// own (64-bit FNV-1a of the name, begun at its offset XOR `seed`).
std::uint64_t SeedFrom(std::uint64_t seed, std::string_view name);

// Tensors of independent numbers, uniform in [-1, 1).
Tensor1 RandomTensor1(Random& random, std::size_t size);
Tensor2 RandomTensor2(Random& random, const std::array<std::size_t, 2>& shape);
Tensor3 RandomTensor3(Random& random, const std::array<std::size_t, 3>& shape);
Tensor4 RandomTensor4(Random& random, const std::array<std::size_t, 4>& shape);

// `count` token ids below vocab_size. Throws ContractError if that is 0.
std::vector<TokenId> RandomTokens(Random& random, std::size_t count,
                                  std::size_t vocab_size);

// A model of the given shape with random float32 weights, scaled so that
// logits differ between positions, layers and heads; biases are not zero.
// The head is tied.
Gpt2Weights RandomGpt2Weights(Random& random, const Gpt2Config& config);

}  // namespace kvlab

#endif  // KVLAB_KIT_MODEL_RANDOM_H_
