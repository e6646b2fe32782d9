// Module 2 as operations: layers, the model, sampling, the baseline.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/judges/02_transformer/generating.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/attention_seam.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/02_transformer/layers.h"

namespace kvlab::grading {
namespace {

// Stands in for attention where a block alone is judged: writes down how it
// was called, and answers with its input at half size, tokens reversed.
class NotedAttention final : public Attention {
 public:
  std::size_t PastLen() const override { return 0; }

  Tensor3 Forward(std::size_t layer, const Tensor3& x,
                  const AttentionWeights& /*weights*/,
                  std::span<const std::size_t> left_pad) override {
    layers.push_back(static_cast<std::int64_t>(layer));
    left_pads = ToIntegers(left_pad);
    input = x;
    output = Tensor3::from_shape(x.shape());
    for (std::size_t b = 0; b < x.shape(0); ++b) {
      for (std::size_t t = 0; t < x.shape(1); ++t) {
        for (std::size_t c = 0; c < x.shape(2); ++c) {
          output(b, t, c) = 0.5F * x(b, x.shape(1) - 1 - t, c);
        }
      }
    }
    return output;
  }

  Integers layers;
  Integers left_pads;
  Tensor3 input;
  Tensor3 output;
};

// transformer.layer_norm(x [B, T, C], weight [C], bias [C], epsilon)
Values Norm(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor3 x = arguments.NextTensor<3>();
  const LayerNormWeights weights = {.weight = arguments.NextTensor<1>(),
                                    .bias = arguments.NextTensor<1>()};
  return {ToArray(LayerNorm(x, weights, arguments.NextFloat()))};
}

// transformer.gelu(values [n]) -> [n]
Values Gelu(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  Tensor1 x = arguments.NextTensor<1>();
  GeluInPlace({x.data(), x.size()});
  return {ToArray(x)};
}

// transformer.mlp(weights, layer, x [B, T, C]) -> [B, T, C]
Values MlpOfLayer(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  const BlockWeights& block = weights.blocks.at(arguments.NextSize());
  return {ToArray(Mlp(arguments.NextTensor<3>(), block.mlp))};
}

// transformer.block(weights, layer, x [B, T, C], left_pad) -> [B, T, C], what
// attention was given, the layers it was asked for, the left_pad it was given,
// what it answered
Values OneBlock(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  const std::size_t layer = arguments.NextSize();
  const Tensor3 x = arguments.NextTensor<3>();
  NotedAttention attention;
  const std::vector<std::size_t> left_pad = arguments.NextSizes();
  const Tensor3 out =
      Block(x, weights.blocks.at(layer), weights.config.layer_norm_epsilon,
            {.attention = attention, .layer = layer, .left_pad = left_pad});
  return {ToArray(out), ToArray(attention.input), attention.layers,
          attention.left_pads, ToArray(attention.output)};
}

// transformer.mlp_branch(weights, layer, x [B, T, C]) -> [B, T, C]: what a
// block's second branch makes of x
Values MlpBranch(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2Weights& weights =
      objects.Get<Gpt2Weights>(arguments.Next<Handle>());
  const BlockWeights& block = weights.blocks.at(arguments.NextSize());
  return {ToArray(Mlp(LayerNorm(arguments.NextTensor<3>(), block.ln_2,
                                weights.config.layer_norm_epsilon),
                      block.mlp))};
}

// Stands in for attention that remembers and has seen `past_len` tokens, where
// positions alone are judged: it adds nothing.
class PastAttention final : public Attention {
 public:
  explicit PastAttention(std::size_t past_len) : past_len_(past_len) {}

  std::size_t PastLen() const override { return past_len_; }
  bool Remembers() const override { return true; }

  Tensor3 Forward(std::size_t /*layer*/, const Tensor3& x,
                  const AttentionWeights& /*weights*/,
                  std::span<const std::size_t> /*left_pad*/) override {
    Tensor3 nothing = Tensor3::from_shape(x.shape());
    nothing.fill(0.0F);
    return nothing;
  }

 private:
  std::size_t past_len_;
};

// model.with_past(weights, past_len) -> model whose attention adds nothing and
// has seen past_len tokens
Values NewModelWithPast(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  auto model = std::make_shared<Gpt2>(
      objects.Share<Gpt2Weights>(arguments.Next<Handle>()));
  model->ReplaceAttention(
      std::make_unique<PastAttention>(arguments.NextSize()));
  return {objects.Keep(std::move(model))};
}

// model.new(weights) -> model
Values NewModel(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  return {objects.Keep(std::make_shared<Gpt2>(
      objects.Share<Gpt2Weights>(arguments.Next<Handle>())))};
}

// model.forward(model, ids, batch, left_pad, last_only) -> logits
Values Forward(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  Gpt2& model = objects.Get<Gpt2>(arguments.Next<Handle>());
  const TokenBatch tokens = arguments.NextTokenBatch();
  return {ToArray(model.Forward(tokens, arguments.NextSize() != 0
                                            ? LogitsFor::kLastPosition
                                            : LogitsFor::kAllPositions))};
}

// model.layers_asked(weights, ids, batch, left_pad) -> the layers that one
// pass asks attention for, in order, and the left_pad that it was given
Values LayersAsked(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  Gpt2 model(objects.Share<Gpt2Weights>(arguments.Next<Handle>()));
  auto attention = std::make_unique<NotedAttention>();
  const NotedAttention& noted = *attention;
  model.ReplaceAttention(std::move(attention));
  model.Forward(arguments.NextTokenBatch(), LogitsFor::kAllPositions);
  return {noted.layers, noted.left_pads};
}

// model.past_len(model) -> tokens that its attention remembers
Values PastLen(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const Gpt2& model = objects.Get<Gpt2>(arguments.Next<Handle>());
  return {static_cast<std::int64_t>(model.CurrentAttention().PastLen())};
}

// sampling.greedy(logits [n]) -> id
Values ChooseGreedy(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor1 logits = arguments.NextTensor<1>();
  return {static_cast<std::int64_t>(Greedy({logits.data(), logits.size()}))};
}

// sampling.sample(logits [n], temperature, top_k, uniforms [m]) -> m ids
Values DrawSamples(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor1 logits = arguments.NextTensor<1>();
  const SamplingOptions options = {.temperature = arguments.NextFloat(),
                                   .top_k = arguments.NextSize()};
  Integers ids;
  for (const float uniform : arguments.NextTensor<1>()) {
    ids.push_back(Sample({logits.data(), logits.size()}, options, uniform));
  }
  return {ids};
}

// sampling.next_tokens(logits [B, 1, V], temperature, top_k, seed) -> B ids,
// and what the random numbers go on with
Values ChooseNext(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor3 logits = arguments.NextTensor<3>();
  const SamplingOptions options = {.temperature = arguments.NextFloat(),
                                   .top_k = arguments.NextSize()};
  Random random(static_cast<std::uint64_t>(arguments.Next<std::int64_t>()));
  const Integers ids = ToIntegers(NextTokens(logits, options, random));
  return {ids, static_cast<double>(random.NextUniform())};
}

// generate.baseline: see generating.h
Values Baseline(ObjectStore& objects, const Values& values) {
  return RunGeneration(Generate, objects, values);
}

const RegisterOperation kNorm("transformer.layer_norm", Norm);
const RegisterOperation kGelu("transformer.gelu", Gelu);
const RegisterOperation kMlp("transformer.mlp", MlpOfLayer);
const RegisterOperation kBlock("transformer.block", OneBlock);
const RegisterOperation kMlpBranch("transformer.mlp_branch", MlpBranch);
const RegisterOperation kNew("model.new", NewModel);
const RegisterOperation kWithPast("model.with_past", NewModelWithPast);
const RegisterOperation kForward("model.forward", Forward);
const RegisterOperation kAsked("model.layers_asked", LayersAsked);
const RegisterOperation kPastLen("model.past_len", PastLen);
const RegisterOperation kGreedy("sampling.greedy", ChooseGreedy);
const RegisterOperation kSample("sampling.sample", DrawSamples);
const RegisterOperation kNext("sampling.next_tokens", ChooseNext);
const RegisterOperation kBaseline("generate.baseline", Baseline);

}  // namespace
}  // namespace kvlab::grading
