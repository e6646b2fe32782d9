// Experiment: what caches that keep less cost on held-out text.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "kit/error.h"
#include "kit/measure/mean_interval.h"
#include "kit/model/caching.h"
#include "kit/model/held_out.h"
#include "kit/model/token_batch.h"
#include "lab/experiments.h"
#include "lab/lab_json.h"
#include "lab/requests_over_pages.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/04_profiling/comparison.h"
#include "modules/04_profiling/cost.h"
#include "modules/05_beyond/cache_policy.h"
#include "modules/05_beyond/policy_attention.h"

namespace kvlab {
namespace {

using nlohmann::ordered_json;

// Tokens of a pass, and the steps at the end of a window that are timed.
constexpr std::size_t kChunk = 128;
constexpr std::size_t kTimedSteps = 16;
// A window of text is as long as the model's context, within these.
constexpr std::size_t kLongestWindow = 1024;
constexpr std::size_t kShortestWindow = 128;
constexpr std::size_t kFewestWindows = 2;  // one has no spread
constexpr std::size_t kSinkTokens = 4;
constexpr double kPagesWork = 0.1;

// Of a quarter, a sixteenth and a 64th of a window.
std::vector<std::size_t> Budgets(std::size_t window) {
  std::vector<std::size_t> budgets;
  for (const std::size_t part : {4, 16, 64}) {
    if (window / part > kSinkTokens) budgets.push_back(window / part);
  }
  return budgets;
}

struct Measured {
  std::string name;
  std::size_t budget = 0;  // tokens held; 0 for a policy that keeps all
};

// The full cache first; each window before its rivals of as many slots.
std::vector<Measured> PoliciesFor(std::size_t window) {
  std::vector<Measured> policies = {
      {"full"}, {"paged"}, {"recompute"}, {"int8"}};
  for (const std::size_t budget : Budgets(window)) {
    policies.push_back({fmt::format("window:{}", budget), budget});
    policies.push_back(
        {fmt::format("sinks:{}+{}", kSinkTokens, budget - kSinkTokens),
         budget});
    policies.push_back({fmt::format("evict:{}", budget), budget});
  }
  return policies;
}

// Of all policies over one window. The inputs become keys and values again at
// each pass: of half a window on average, and of a whole one at each step.
double WindowWork(const Gpt2Config& config, std::size_t window) {
  const ForwardPass pass = {.new_len = window, .caching = Caching::kOn};
  const double passes = static_cast<double>(PoliciesFor(window).size()) *
                        static_cast<double>(PassWork(config, pass).Total());
  const std::size_t again =
      window * (window / kChunk / 2 + kTimedSteps);  // tokens
  const double recomputed = 2.0 * static_cast<double>(config.num_layers) *
                            static_cast<double>(config.d_model) *
                            static_cast<double>(config.d_model) *
                            static_cast<double>(again);
  return (passes + recomputed) / kWorkUnit;
}

struct Plan {
  std::size_t window = 0;   // tokens
  std::size_t windows = 0;  // 0 without a text, or in too short a context
};

// As many windows as the text has and the time allows, and shorter ones if it
// does not allow two. Throws DataError if the text is too short for those.
Plan PlanFor(const LabSubject& subject, bool quick) {
  const Gpt2Config& config = subject.weights->config;
  if (subject.held_out.empty() || config.max_positions < kShortestWindow) {
    return {};
  }
  const double seconds = quick ? 10 : 120;
  const auto fit = [&](std::size_t window) {
    constexpr double kFlopOfMac = 2;
    return static_cast<std::size_t>(seconds /
                                    (kFlopOfMac * WindowWork(config, window) *
                                     kWorkUnit / subject.machine.flop_per_s));
  };
  std::size_t window = std::min(config.max_positions, kLongestWindow);
  while (fit(window) < kFewestWindows && window / 2 >= kShortestWindow) {
    window /= 2;
  }
  // The token after the last window is predicted, too.
  const std::size_t all = (subject.held_out.size() - 1) / window;
  if (all < kFewestWindows) {
    throw DataError(
        fmt::format("the held-out end of the text has {} tokens",
                    subject.held_out.size()),
        fmt::format("losses are compared over {} windows of {} and the token "
                    "after them",
                    kFewestWindows, window),
        "give a longer text: --text FILE");
  }
  constexpr std::size_t kQuick = 8;
  return {.window = window,
          .windows = std::clamp(fit(window), kFewestWindows,
                                quick ? std::min(all, kQuick) : all)};
}

double WorkOf(const LabSubject& subject, bool quick) {
  const Plan plan = PlanFor(subject, quick);
  if (plan.windows == 0) return 0;
  return kPagesWork + static_cast<double>(plan.windows) *
                          WindowWork(subject.weights->config, plan.window);
}

ordered_json IntervalJson(const std::vector<double>& numbers) {
  const MeanInterval interval = MeanWithInterval(numbers);
  return {{"mean", interval.mean}, {"plus_or_minus", interval.plus_or_minus}};
}

std::vector<double> Differences(const std::vector<double>& a,
                                const std::vector<double>& b) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.size(); ++i) {
    differences.push_back(a[i] - b[i]);
  }
  return differences;
}

// What one policy has been seen to do.
struct Seen {
  std::vector<double> losses;  // nats per token, of each window
  std::vector<double> seconds;
  double squared_difference = 0;
  double squared_size = 0;
  std::uint64_t cache_bytes = 0;
  bool not_implemented = false;
};

class Beyond {
 public:
  Beyond(const LabSubject& subject, LabRun& run)
      : subject_(subject),
        run_(run),
        plan_(PlanFor(subject, run.Quick())),
        policies_(PoliciesFor(plan_.window)),
        seen_(policies_.size()) {}

  void Measure() {
    if (plan_.windows == 0) return;
    run_.Step("requests with common prompts", kPagesWork);
    section_ = {{"window", plan_.window},
                {"windows", 0},
                {"policies", ordered_json::array()},
                {"not_implemented", ordered_json::array()}};
    try {
      section_["pages"] =
          RequestsOverPages(subject_.weights->config, run_.Seed());
    } catch (const NotImplemented&) {
      // Module 5 is a bonus: the section is of what there is.
    }
    for (std::size_t i = 0; i < plan_.windows; ++i) {
      run_.Step(
          fmt::format("window {} of {} of held-out text", i + 1, plan_.windows),
          WindowWork(subject_.weights->config, plan_.window));
      MeasureWindow(std::span(subject_.held_out)
                        .subspan(i * plan_.window, plan_.window + 1));
      if (i + 1 >= kFewestWindows) Keep(i + 1);
    }
  }

 private:
  // A model with a cache of its own.
  struct Reader {
    std::unique_ptr<Gpt2> model;
    const PolicyAttention* cache = nullptr;
    double loss = 0;  // summed over the window so far
  };

  Reader ReaderWith(const Measured& policy) const {
    std::unique_ptr<PolicyAttention> made = MakePolicyAttention(
        ParseCachePolicy(policy.name), subject_.weights->config,
        {.batch = 1, .max_seq_len = plan_.window});
    Reader reader = {.model = std::make_unique<Gpt2>(subject_.weights),
                     .cache = made.get()};
    reader.model->ReplaceAttention(std::move(made));
    return reader;
  }

  // Calls what measures policy p, unless its task is not done.
  void IfImplemented(std::size_t p, const std::function<void()>& measure) {
    if (seen_[p].not_implemented) return;
    try {
      measure();
    } catch (const NotImplemented&) {
      seen_[p] = {.not_implemented = true};
    }
  }

  // All policies pass over the text together, so that only one chunk of the
  // exact logits is in memory.
  void MeasureWindow(std::span<const TokenId> text) {
    std::vector<Reader> readers(policies_.size());
    for (std::size_t p = 0; p < policies_.size(); ++p) {
      IfImplemented(p, [&] { readers[p] = ReaderWith(policies_[p]); });
    }
    const std::size_t window = plan_.window;
    for (std::size_t begin = 0; begin < window;) {
      run_.ExpectGoingOn();
      const std::size_t chunked = window - kTimedSteps;
      const std::size_t end =
          begin < chunked ? std::min(begin + kChunk, chunked) : begin + 1;
      Tensor3 exact;
      for (std::size_t p = 0; p < policies_.size(); ++p) {
        IfImplemented(p, [&] {
          Read(text.subspan(begin, end - begin + 1), readers[p], seen_[p],
               exact);
        });
      }
      begin = end;
    }
    for (std::size_t p = 0; p < policies_.size(); ++p) {
      if (seen_[p].not_implemented) continue;
      seen_[p].losses.push_back(readers[p].loss / static_cast<double>(window));
      seen_[p].cache_bytes = readers[p].cache->Bytes();
    }
  }

  // All tokens but the last, which is only predicted. The first reader has the
  // full cache: its logits become `exact`.
  void Read(std::span<const TokenId> text, Reader& reader, Seen& seen,
            Tensor3& exact) {
    const TokenBatch batch = SingleRow({text.begin(), text.end() - 1});
    const double start = run_.Clock().now_s();
    Tensor3 logits = reader.model->Forward(batch, LogitsFor::kAllPositions);
    const double seconds = run_.Clock().now_s() - start;
    if (batch.ids.size() == 1) seen.seconds.push_back(seconds);
    reader.loss += SumOfLosses(logits, text.subspan(1));
    if (&seen == &seen_.front()) exact = logits;
    AddError(logits, exact, seen);
  }

  static void AddError(const Tensor3& logits, const Tensor3& exact,
                       Seen& seen) {
    for (std::size_t i = 0; i < exact.size(); ++i) {
      const double right = exact.data()[i];
      const double difference = static_cast<double>(logits.data()[i]) - right;
      seen.squared_difference += difference * difference;
      seen.squared_size += right * right;
    }
  }

  void Keep(std::size_t windows) {
    ordered_json policies = ordered_json::array();
    ordered_json missing = ordered_json::array();
    std::size_t rolling = 0;  // the window of the same budget
    for (std::size_t p = 0; p < policies_.size(); ++p) {
      const Measured& policy = policies_[p];
      const Seen& seen = seen_[p];
      if (policy.name.starts_with("window")) rolling = p;
      if (seen.not_implemented) {
        missing.push_back(policy.name);
        continue;
      }
      ordered_json entry = {
          {"policy", policy.name},
          {"exact", IsExact(ParseCachePolicy(policy.name), plan_.window)},
          {"budget_tokens", policy.budget},
          {"cache_bytes", seen.cache_bytes},
          {"loss", IntervalJson(seen.losses)},
          {"increase",
           IntervalJson(Differences(seen.losses, seen_.front().losses))}};
      if (policy.budget > 0 && p != rolling &&
          !seen_[rolling].not_implemented) {
        entry["over_window"] =
            IntervalJson(Differences(seen.losses, seen_[rolling].losses));
      }
      entry["relative_error"] =
          std::sqrt(seen.squared_difference / seen.squared_size);
      entry["seconds_per_token"] = Summarise(seen.seconds).median;
      policies.push_back(std::move(entry));
    }
    section_["windows"] = windows;
    section_["policies"] = std::move(policies);
    section_["not_implemented"] = std::move(missing);
    run_.Keep("beyond", section_);
  }

  const LabSubject& subject_;
  LabRun& run_;
  Plan plan_;
  std::vector<Measured> policies_;
  std::vector<Seen> seen_;
  ordered_json section_;
};

}  // namespace

Experiment BeyondThePlainCache() {
  return {.section = "beyond",
          .title = "Beyond the plain cache",
          .work = WorkOf,
          .measure = [](const LabSubject& subject, LabRun& run) {
            Beyond(subject, run).Measure();
          }};
}

}  // namespace kvlab
