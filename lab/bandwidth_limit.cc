// Experiment: a cached step reads every weight once, so the memory that holds
// the weights sets its speed; a batch shares each read.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "fmt/format.h"
#include "kit/math/work.h"
#include "kit/measure/roofline.h"
#include "kit/measure/share_of_roof.h"
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
constexpr std::size_t kSteps = 12;  // of a round
constexpr std::size_t kRounds = 5;
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

std::size_t BytesPerWeight(const Gpt2Weights& weights) {
  return DTypeBytes(weights.blocks.front().attn.c_attn.weight.Type());
}

// A cached step of `batch` rows, and how near it is to the shortest time that
// the roofs allow.
struct StepUnderRoof {
  double seconds = 0;
  std::optional<double> share;  // absent if it is not measurable now
};

// The roofs for the very bytes that the step moves, and steps, by turns.
StepUnderRoof MeasureStep(const std::shared_ptr<const Gpt2Weights>& weights,
                          std::size_t batch, const LabRun& run) {
  Gpt2 model(weights);
  KvCacheHandle handle = EnableKvCache(
      model, {.batch = batch, .max_seq_len = kPromptLen + kSteps});
  model.Forward(SameTokens(batch, kPromptLen, 1), LogitsFor::kLastPosition);
  const ForwardPass step = {.batch = batch,
                            .past_len = kPromptLen + kSteps / 2,
                            .new_len = 1,
                            .caching = Caching::kOn};
  const WorkCounts work = PassWork(weights->config, step);
  const Traffic traffic =
      PassTraffic(weights->config, step, BytesPerWeight(*weights));
  // The tests' tiny model moves fewer bytes than can be timed.
  const ReadingRoof reading(
      std::max<std::size_t>(traffic.Total(), ReadingRoof::kSmallestSet));
  const TokenBatch tokens = SameTokens(batch, 1, 2);
  std::vector<double> round_s;
  std::vector<double> shares;
  for (std::size_t round = 0; round < kRounds; ++round) {
    run.ExpectGoingOn();
    const MachineRoofs machine = {
        .bandwidths = {{.working_set_bytes = traffic.Total(),
                        .bytes_per_s = reading.BytesPerSecond()}},
        .flop_per_s = MeasureFlopPeak()};
    handle.Cache().Truncate(kPromptLen);
    std::vector<double> step_s;
    for (std::size_t i = 0; i < kSteps; ++i) {
      const double start = run.Clock().now_s();
      model.Forward(tokens, LogitsFor::kLastPosition);
      step_s.push_back(run.Clock().now_s() - start);
    }
    round_s.push_back(Summarise(step_s).median);
    shares.push_back(PlaceOnRoofline(machine, work, traffic).least_s /
                     round_s.back());
  }
  return {.seconds = Summarise(round_s).median, .share = ShareOfRoof(shares)};
}

// Tokens per second, and how many the roofs allow: null if that is not
// measurable now.
ordered_json Speeds(const StepUnderRoof& step, std::size_t batch) {
  const double tokens_per_s = static_cast<double>(batch) / step.seconds;
  return {
      {"tokens_per_s", tokens_per_s},
      {"roofline_tokens_per_s",
       step.share ? ordered_json(tokens_per_s / *step.share) : ordered_json()}};
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
    ordered_json entry = {{"name", fmt::format("4 layers, width {}", width)},
                          {"weights_bytes", weights->Bytes()}};
    entry.update(Speeds(MeasureStep(weights, 1, run), 1));
    section["models"].push_back(entry);
    run.Keep("bandwidth", section);
  }
  for (const std::size_t batch : Batches(run.Quick())) {
    run.Step(fmt::format("a batch of {}", batch), kStepWork);
    ordered_json entry = {{"batch", batch}};
    entry.update(Speeds(MeasureStep(subject.weights, batch, run), batch));
    section["batches"].push_back(entry);
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
