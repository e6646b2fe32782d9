// What checks of every module need from the kit: weights, and counts of work.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/kernels/instruction_set.h"
#include "kit/math/work.h"
#include "kit/model/checkpoint.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/tensor/copy.h"

namespace kvlab::grading {
namespace {

std::shared_ptr<Gpt2Weights> Shared(Gpt2Weights weights) {
  return std::make_shared<Gpt2Weights>(std::move(weights));
}

// The same map, all zeros.
WeightMatrix Zeros(const WeightMatrix& like) {
  const std::vector<float> zeros(like.In() * like.Out(), 0.0F);
  return WeightMatrix::FromFloats(zeros, like.Layout(), like.In(), like.Out());
}

// The same map, every weight times `factor`.
WeightMatrix Scaled(const WeightMatrix& matrix, float factor) {
  std::vector<float> values;  // row-major [in, out]
  for (std::size_t in = 0; in < matrix.In(); ++in) {
    for (std::size_t out = 0; out < matrix.Out(); ++out) {
      values.push_back(factor * matrix.At(in, out));
    }
  }
  return WeightMatrix::FromFloats(values, WeightLayout::kInOut, matrix.In(),
                                  matrix.Out());
}

// The same numbers in the opposite order.
WeightMatrix Reversed(const WeightMatrix& matrix) {
  std::vector<float> values;  // row-major [in, out]
  for (std::size_t in = matrix.In(); in-- > 0;) {
    for (std::size_t out = matrix.Out(); out-- > 0;) {
      values.push_back(matrix.At(in, out));
    }
  }
  return WeightMatrix::FromFloats(values, WeightLayout::kInOut, matrix.In(),
                                  matrix.Out());
}

// Shifts GELU's input to where GELU(x) is x, and takes the shift out again
// behind c_proj.
void MakeLinear(MlpWeights& mlp) {
  constexpr float kShift = 16;  // GELU(x) = x in float32 from x = 6 on
  for (float& bias : mlp.c_fc.bias) bias += kShift;
  for (std::size_t out = 0; out < mlp.c_proj.weight.Out(); ++out) {
    for (std::size_t in = 0; in < mlp.c_proj.weight.In(); ++in) {
      mlp.c_proj.bias(out) -= kShift * mlp.c_proj.weight.At(in, out);
    }
  }
}

// Changes weights so that each error shows, and only in one check. Words of
// `variant`:
//   "no_positions"      all positions look alike
//   "no_attention"      attention adds nothing
//   "strong_attention"  what came before decides more than the last token does
//   "linear_mlp"        GELU returns its input as it is
//   "untied"            the head is a matrix of its own, not wte
void Simplify(Gpt2Weights& weights, const std::string& variant) {
  const auto wanted = [&](const char* word) {
    return variant.find(word) != std::string::npos;
  };
  if (wanted("no_positions")) weights.wpe = Zeros(weights.wpe);
  // wte from its last entry to its first: as large, and nothing in its place
  if (wanted("untied")) weights.lm_head = Reversed(weights.lm_head);
  for (BlockWeights& block : weights.blocks) {
    if (wanted("no_attention")) {
      block.attn.c_proj.weight = Zeros(block.attn.c_proj.weight);
      block.attn.c_proj.bias.fill(0.0F);
    }
    if (wanted("strong_attention")) {
      block.attn.c_proj.weight = Scaled(block.attn.c_proj.weight, 4.0F);
    }
    if (wanted("linear_mlp")) MakeLinear(block.mlp);
  }
}

// weights.random(seed, [layers, heads, d_model, d_mlp, max_positions,
// vocab_size], variant [, epsilon of layer norm]) -> weights
Values RandomWeights(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  Random random(static_cast<std::uint64_t>(arguments.Next<std::int64_t>()));
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  const Gpt2Config config = {.num_layers = sizes.at(0),
                             .num_heads = sizes.at(1),
                             .d_model = sizes.at(2),
                             .d_mlp = sizes.at(3),
                             .max_positions = sizes.at(4),
                             .vocab_size = sizes.at(5)};
  Gpt2Weights weights = RandomGpt2Weights(random, config);
  Simplify(weights, arguments.Next<std::string>());
  if (!arguments.Done()) {
    weights.config.layer_norm_epsilon = arguments.NextFloat();
  }
  return {objects.Keep(Shared(std::move(weights)))};
}

// weights.with_epsilon(weights, epsilon) -> the same weights, another epsilon
Values WithEpsilon(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  Gpt2Weights weights = objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  weights.config.layer_norm_epsilon = arguments.NextFloat();
  return {objects.Keep(Shared(std::move(weights)))};
}

// weights.tied(weights) -> the same weights with wte as the head
Values Tied(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  Gpt2Weights weights = objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  weights.lm_head = weights.wte;
  return {objects.Keep(Shared(std::move(weights)))};
}

// weights.load(directory) -> weights
Values LoadWeights(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {objects.Keep(Shared(LoadGpt2(arguments.Next<std::string>())))};
}

// work.counted() -> MACs of this process so far by category, then bytes copied
Values CountedSoFar(ObjectStore& /*objects*/, const Values& /*values*/) {
  Integers counts = ToIntegers(CountedWork().macs);
  counts.push_back(static_cast<std::int64_t>(CopiedBytes()));
  return {counts};
}

// kernels.use(name of an instruction set): from now on, in this process
Values UseKernels(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const bool wide = arguments.Next<std::string>() ==
                    InstructionSetName(InstructionSet::kAvx512);
  UseInstructionSet(wide ? InstructionSet::kAvx512 : InstructionSet::kAvx2);
  return {};
}

// object.drop(handle): lets go of any object
Values Drop(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  objects.Drop(arguments.Next<Handle>());
  return {};
}

const RegisterOperation kRandom("weights.random", RandomWeights);
const RegisterOperation kWithEpsilon("weights.with_epsilon", WithEpsilon);
const RegisterOperation kTied("weights.tied", Tied);
const RegisterOperation kLoad("weights.load", LoadWeights);
const RegisterOperation kCounted("work.counted", CountedSoFar);
const RegisterOperation kUseKernels("kernels.use", UseKernels);
const RegisterOperation kDrop("object.drop", Drop);

}  // namespace
}  // namespace kvlab::grading
