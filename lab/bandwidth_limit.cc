// Experiment: a cached step reads every weight once, so the memory that holds
// the weights sets its speed; a batch shares each read.
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "kit/model/caching.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "lab/experiments.h"
#include "lab/lab_json.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/04_profiling/comparison.h"
#include "modules/04_profiling/cost.h"
#include "modules/04_profiling/roofline.h"

namespace kvlab {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kPromptLen = 8;
constexpr std::size_t kSteps = 24;
constexpr double kStepWork = 4;

std::vector<std::size_t> Widths(bool quick) {
  return quick ? std::vector<std::size_t>{64, 128, 256, 512}
               : std::vector<std::size_t>{64, 128, 256, 512, 768, 1024, 1536};
}

std::vector<std::size_t> Batches(bool quick) {
  return quick ? std::vector<std::size_t>{1, 4, 16}
               : std::vector<std::size_t>{1, 2, 4, 8, 16, 32};
}

Gpt2Config ConfigOf(std::size_t width) {
  constexpr std::size_t kHeadDim = 64;
  return {.num_layers = 4,
          .num_heads = width / kHeadDim,
          .d_model = width,
          .d_mlp = 4 * width,
          .max_positions = kPromptLen + kSteps,
          .vocab_size = 1024};
}

TokenBatch SameTokens(std::size_t batch, std::size_t seq_len, TokenId id) {
  TokenBatch tokens;
  tokens.ids = Tokens::from_shape({batch, seq_len});
  tokens.ids.fill(id);
  return tokens;
}

// Median seconds of a cached step of `batch` rows.
double StepSeconds(const std::shared_ptr<const Gpt2Weights>& weights,
                   std::size_t batch, const LabRun& run) {
  Gpt2 model(weights);
  const KvCacheHandle handle = EnableKvCache(model, batch, kPromptLen + kSteps);
  model.Forward(SameTokens(batch, kPromptLen, 1), LogitsFor::kLastPosition);
  std::vector<double> seconds;
  for (std::size_t step = 0; step < kSteps; ++step) {
    const TokenBatch tokens = SameTokens(batch, 1, 2);
    const double start = run.Clock().now_s();
    model.Forward(tokens, LogitsFor::kLastPosition);
    seconds.push_back(run.Clock().now_s() - start);
  }
  return Summarise(seconds).median;
}

std::size_t BytesPerWeight(const Gpt2Weights& weights) {
  return DTypeBytes(weights.blocks.front().attn.c_attn.weight.Type());
}

// The shortest time of a step that the roofs allow.
double RooflineSeconds(const LabSubject& subject, const Gpt2Weights& weights,
                       std::size_t batch) {
  const ForwardPass step = {.batch = batch,
                            .past_len = kPromptLen + kSteps / 2,
                            .new_len = 1,
                            .caching = Caching::kOn};
  return PlaceOnRoofline(
             subject.machine, PassWork(weights.config, step),
             PassTraffic(weights.config, step, BytesPerWeight(weights)))
      .least_s;
}

ordered_json Recompute(const LabSubject& subject) {
  const Gpt2Weights& weights = *subject.weights;
  const double bandwidth = BandwidthFor(subject.machine, weights.Bytes());
  const double ridge = subject.machine.flop_per_s / bandwidth;
  const ForwardPass token = {.new_len = 1, .caching = Caching::kOn};
  const WorkCounts work = PassWork(weights.config, token);
  const Traffic traffic = PassTraffic(weights.config, token, sizeof(float));
  const double block_flop =
      2 * static_cast<double>(work.Total() - work[Work::kHead]);
  return {
      {"ridge_flop_per_byte", ridge},
      {"bytes_per_weight", BytesPerWeight(weights)},
      {"free_tokens", ridge * static_cast<double>(BytesPerWeight(weights)) / 2},
      {"wins_above_flop_per_byte",
       block_flop / static_cast<double>(traffic.cache_written)}};
}

void Measure(const LabSubject& subject, LabRun& run) {
  ordered_json section = {{"models", ordered_json::array()},
                          {"batches", ordered_json::array()},
                          {"recompute", Recompute(subject)}};
  for (const std::size_t width : Widths(run.Quick())) {
    run.Step(fmt::format("a model of width {}", width), kStepWork);
    Random random(run.Seed());
    const auto weights = std::make_shared<const Gpt2Weights>(
        RandomGpt2Weights(random, ConfigOf(width)));
    section["models"].push_back(
        {{"name", fmt::format("4 layers, width {}", width)},
         {"weights_bytes", weights->Bytes()},
         {"tokens_per_s", 1 / StepSeconds(weights, 1, run)},
         {"roofline_tokens_per_s", 1 / RooflineSeconds(subject, *weights, 1)}});
    run.Keep("bandwidth", section);
  }
  for (const std::size_t batch : Batches(run.Quick())) {
    run.Step(fmt::format("a batch of {}", batch), kStepWork);
    const auto rows = static_cast<double>(batch);
    section["batches"].push_back(
        {{"batch", batch},
         {"tokens_per_s", rows / StepSeconds(subject.weights, batch, run)},
         {"roofline_tokens_per_s",
          rows / RooflineSeconds(subject, *subject.weights, batch)}});
    run.Keep("bandwidth", section);
  }
}

}  // namespace

Experiment BandwidthLimit() {
  return {.section = "bandwidth",
          .title = "Bandwidth",
          .work =
              [](const LabSubject&, bool quick) {
                return kStepWork * static_cast<double>(Widths(quick).size() +
                                                       Batches(quick).size());
              },
          .measure = Measure};
}

}  // namespace kvlab
