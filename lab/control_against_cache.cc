// Experiment: generation without a cache (the control) against one with it.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "kit/model/caching.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "lab/experiments.h"
#include "lab/lab_json.h"
#include "modules/02_transformer/generate.h"
#include "modules/04_profiling/comparison.h"
#include "modules/04_profiling/cost.h"
#include "modules/04_profiling/measurement.h"
#include "modules/04_profiling/power_law.h"

namespace kvlab {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kPromptLen = 8;
constexpr double kConfidence = 0.95;

GenerationShape Shape(std::size_t new_tokens) {
  return {.prompt_len = kPromptLen, .new_tokens = new_tokens};
}

double Macs(const Gpt2Config& config, std::size_t new_tokens, Caching caching) {
  return static_cast<double>(
      GenerationWork(config, Shape(new_tokens), caching).Total());
}

double PairMacs(const Gpt2Config& config, std::size_t new_tokens) {
  return Macs(config, new_tokens, Caching::kOff) +
         Macs(config, new_tokens, Caching::kOn);
}

struct PlannedLength {
  std::size_t new_tokens = 0;
  std::size_t trials = 0;  // pairs that count
  std::size_t warm_up = 0;
};

// A model of published size takes minutes for one pair at 1,000 tokens: it gets
// fewer pairs, and no warm-up, so that the run ends.
PlannedLength PlanLength(const LabSubject& subject, std::size_t new_tokens,
                         bool quick) {
  const double pair_s = 2 * PairMacs(subject.weights->config, new_tokens) /
                        subject.machine.flop_per_s;
  const double budget_s = quick ? 10 : 120;
  const double most = quick ? 3 : 5;
  constexpr double kShort = 10;
  return {.new_tokens = new_tokens,
          .trials = static_cast<std::size_t>(
              std::clamp(std::floor(budget_s / pair_s), 1.0, most)),
          .warm_up = pair_s < kShort ? std::size_t{1} : std::size_t{0}};
}

// The lengths that the model has positions for.
std::vector<PlannedLength> PlanFor(const LabSubject& subject, bool quick) {
  const std::vector<std::size_t> wanted =
      quick ? std::vector<std::size_t>{10, 25, 50, 100, 200}
            : std::vector<std::size_t>{10, 50, 100, 500, 1000};
  std::vector<PlannedLength> plan;
  for (const std::size_t length : wanted) {
    if (kPromptLen + length <= subject.weights->config.max_positions) {
      plan.push_back(PlanLength(subject, length, quick));
    }
  }
  return plan;
}

const char* Name(Caching caching) {
  return caching == Caching::kOff ? "uncached" : "cached";
}

ordered_json RunJson(const GenerationMeasurement& run) {
  return {{"total_s", run.total_s},
          {"first_token_s", run.first_token_s},
          {"peak_memory_bytes", run.peak_memory_bytes}};
}

ordered_json SummaryJson(const TrialSummary& summary) {
  return {{"total_s", SpreadJson(summary.total_s)},
          {"prefill_s", SpreadJson(summary.prefill_s)},
          {"decode_s", SpreadJson(summary.decode_s)},
          {"per_token_s", SpreadJson(summary.per_token_s)},
          {"peak_memory_bytes", summary.peak_memory_bytes}};
}

// Seconds of each step of a generation, by the position that it computes.
using StepTimes = std::map<std::size_t, std::vector<double>>;

class Control {
 public:
  Control(const LabSubject& subject, LabRun& run)
      : run_(run),
        model_(subject.weights),
        plan_(PlanFor(subject, run.Quick())) {
    Random random(run.Seed());
    prompt_ =
        SingleRow(RandomTokens(random, kPromptLen, model_.Config().vocab_size));
    section_ = {{"prompt_len", kPromptLen},
                {"lengths", ordered_json::array()},
                {"steps", ordered_json::array()},
                {"fits", ordered_json::array()}};
  }

  void Measure() {
    for (const PlannedLength& planned : plan_) {
      MeasureLength(planned);
      section_["steps"] = Steps();
      section_["fits"] = Fits();
      run_.Keep("control_against_cache", section_);
    }
  }

 private:
  void MeasureLength(const PlannedLength& planned) {
    const std::size_t length = planned.new_tokens;
    std::vector<std::pair<Caching, GenerationMeasurement>> seen;
    const Trial trial = [&](Caching caching, std::size_t new_tokens) {
      const std::size_t pair = seen.size() / 2;
      run_.Step(fmt::format("{} tokens, {}, {}", new_tokens, Name(caching),
                            pair < planned.warm_up
                                ? "to warm up"
                                : fmt::format("pair {} of {}",
                                              pair - planned.warm_up + 1,
                                              planned.trials)),
                Macs(model_.Config(), new_tokens, caching) / kWorkUnit);
      GenerationMeasurement measured = MeasureOnce(caching, new_tokens);
      seen.emplace_back(caching, measured);
      return measured;
    };
    const LengthComparison comparison =
        CompareGeneration(trial, {.lengths = {length},
                                  .trials = planned.trials,
                                  .warm_up = planned.warm_up})
            .front();
    ordered_json trials = ordered_json::array();
    for (std::size_t i = 2 * planned.warm_up; i + 1 < seen.size(); i += 2) {
      const bool uncached_first = seen[i].first == Caching::kOff;
      const GenerationMeasurement& uncached =
          seen[uncached_first ? i : i + 1].second;
      const GenerationMeasurement& cached =
          seen[uncached_first ? i + 1 : i].second;
      trials.push_back(
          {{"uncached", RunJson(uncached)},
           {"cached", RunJson(cached)},
           {"same_tokens", uncached.generated == cached.generated}});
    }
    section_["lengths"].push_back(
        {{"new_tokens", length},
         {"trials", trials},
         {"uncached", SummaryJson(comparison.uncached)},
         {"cached", SummaryJson(comparison.cached)},
         {"speedup", SpreadJson(comparison.speedup)},
         {"work_ratio", Macs(model_.Config(), length, Caching::kOff) /
                            Macs(model_.Config(), length, Caching::kOn)},
         {"differing_pairs", comparison.differing_pairs}});
    lengths_.push_back(static_cast<double>(length));
    medians_[Caching::kOff].push_back(comparison.uncached.total_s.median);
    medians_[Caching::kOn].push_back(comparison.cached.total_s.median);
  }

  // With the times of its steps, which module 4 does not report.
  GenerationMeasurement MeasureOnce(Caching caching, std::size_t new_tokens) {
    double last = 0;
    std::size_t position = kPromptLen;
    const GenerateOptions options = {
        .new_tokens = new_tokens,
        .seed = run_.Seed(),
        .on_tokens = [&](std::span<const TokenId>) {
          run_.ExpectGoingOn();
          const double now = run_.Clock().now_s();
          if (last > 0) steps_[caching][position].push_back(now - last);
          ++position;
          last = run_.Clock().now_s();
        }};
    return BenchmarkGeneration(model_, prompt_, options, caching, run_.Clock());
  }

  ordered_json Steps() const {
    ordered_json steps = ordered_json::array();
    for (const auto& [caching, times] : steps_) {
      for (const auto& [position, seconds] : times) {
        steps.push_back({{"caching", Name(caching)},
                         {"position", position},
                         {"seconds", Summarise(seconds).median}});
      }
    }
    return steps;
  }

  ordered_json Fits() const {
    ordered_json fits = ordered_json::array();
    constexpr std::size_t kFewest = 3;
    if (lengths_.size() < kFewest) return fits;
    for (const Caching caching : {Caching::kOff, Caching::kOn}) {
      std::vector<double> work;
      for (const double length : lengths_) {
        work.push_back(
            Macs(model_.Config(), static_cast<std::size_t>(length), caching));
      }
      const PowerLaw of_work = FitPowerLaw(lengths_, work, kConfidence);
      const PowerLaw of_time =
          FitPowerLaw(lengths_, medians_.at(caching), kConfidence);
      fits.push_back(FitJson("total time", caching, of_time, of_work));
      fits.push_back(FitJson("work", caching, of_work, of_work));
    }
    return fits;
  }

  static ordered_json FitJson(const char* quantity, Caching caching,
                              const PowerLaw& law, const PowerLaw& of_work) {
    return {{"quantity", quantity},
            {"caching", Name(caching)},
            {"exponent", law.exponent},
            {"exponent_low", law.exponent_low},
            {"exponent_high", law.exponent_high},
            {"factor", law.factor},
            {"predicted", of_work.exponent}};
  }

  LabRun& run_;
  Gpt2 model_;
  std::vector<PlannedLength> plan_;
  TokenBatch prompt_;
  ordered_json section_;
  std::map<Caching, StepTimes> steps_;
  std::vector<double> lengths_;  // measured so far
  std::map<Caching, std::vector<double>> medians_;
};

double WorkOf(const LabSubject& subject, bool quick) {
  double macs = 0;
  for (const PlannedLength& planned : PlanFor(subject, quick)) {
    macs += static_cast<double>(planned.trials + planned.warm_up) *
            PairMacs(subject.weights->config, planned.new_tokens);
  }
  return macs / kWorkUnit;
}

}  // namespace

Experiment ControlAgainstCache() {
  return {.section = "control_against_cache",
          .title = "Control against cache",
          .work = WorkOf,
          .measure = [](const LabSubject& subject, LabRun& run) {
            Control(subject, run).Measure();
          }};
}

}  // namespace kvlab
