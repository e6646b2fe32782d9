// What checks of every module need from the kit: weights, and counts of work.
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograder/operations/arguments.h"
#include "autograder/protocol/operation.h"
#include "autograder/protocol/value.h"
#include "kit/copy.h"
#include "kit/gpt2_weights.h"
#include "kit/random.h"
#include "kit/work.h"

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

// weights.random(seed, [layers, heads, d_model, d_mlp, max_positions,
// vocab_size], variant) -> weights
// Variants: "full"; "no positions": all positions look alike, so that an error
// in positions cannot show; "no attention": attention adds nothing, so that
// only an error in positions can show.
Values RandomWeights(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  Random random(static_cast<std::uint64_t>(arguments.Next<std::int64_t>()));
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  const std::string& variant = arguments.Next<std::string>();
  const Gpt2Config config = {.num_layers = sizes.at(0),
                             .num_heads = sizes.at(1),
                             .d_model = sizes.at(2),
                             .d_mlp = sizes.at(3),
                             .max_positions = sizes.at(4),
                             .vocab_size = sizes.at(5)};
  Gpt2Weights weights = RandomGpt2Weights(random, config);
  if (variant == "no positions") weights.wpe = Zeros(weights.wpe);
  if (variant == "no attention") {
    for (BlockWeights& block : weights.blocks) {
      block.attn.c_proj.weight = Zeros(block.attn.c_proj.weight);
      block.attn.c_proj.bias.fill(0.0F);
    }
  }
  return {objects.Keep(Shared(std::move(weights)))};
}

// work.counted() -> MACs of this process so far by category, then bytes copied
Values CountedSoFar(ObjectStore& /*objects*/, const Values& /*values*/) {
  Integers counts = ToIntegers(CountedWork().macs);
  counts.push_back(static_cast<std::int64_t>(CopiedBytes()));
  return {counts};
}

// object.drop(handle): lets go of any object
Values Drop(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  objects.Drop(arguments.Next<Handle>());
  return {};
}

const RegisterOperation kRandom("weights.random", RandomWeights);
const RegisterOperation kCounted("work.counted", CountedSoFar);
const RegisterOperation kDrop("object.drop", Drop);

}  // namespace
}  // namespace kvlab::grading
