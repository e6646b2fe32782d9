// Experiment: less memory for more time (part of the cache kept, the rest
// recomputed), and less memory for a different answer (windows that forget).
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "kit/math/work.h"
#include "kit/model/caching.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "lab/experiments.h"
#include "lab/lab_json.h"
#include "lab/windowed_attention.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/04_profiling/comparison.h"
#include "modules/04_profiling/cost.h"

namespace kvlab {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kPositions = 2048;
constexpr std::size_t kConstantWindow = 64;
// The number of tokens measured at the end of each length.
constexpr std::size_t kMeasured = 8;
// A step that recomputes much is measured less often.
constexpr std::size_t kMeasuredRecomputing = 3;
// A MAC of a single token takes this many times as long as one of a chunk.
constexpr double kAlone = 4;

std::vector<std::size_t> Lengths(bool quick) {
  return quick ? std::vector<std::size_t>{512}
               : std::vector<std::size_t>{512, 1024, 2048};
}

Gpt2Config LongConfig(Gpt2Config config) {
  config.max_positions = kPositions;
  return config;
}

std::size_t RootOf(std::size_t tokens) {
  return static_cast<std::size_t>(
      std::ceil(std::sqrt(static_cast<double>(tokens))));
}

// Measurements of the last tokens with one way of keeping, and their logits.
struct Outcome {
  std::vector<Tensor3> logits;
  std::vector<double> seconds;
  double macs_per_token = 0;
  std::uint64_t cache_bytes = 0;
};

double SumOfSquaredDifferences(const Tensor3& a, const Tensor3& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference =
        static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i]);
    sum += difference * difference;
  }
  return sum;
}

// Root mean square of the difference over that of the exact numbers, over the
// last logits that both have.
double RelativeError(const Outcome& outcome, const Outcome& exact) {
  double difference = 0;
  double size = 0;
  const Tensor3 zero = xt::zeros<float>(exact.logits.front().shape());
  for (std::size_t i = 1; i <= outcome.logits.size(); ++i) {
    const Tensor3& right = exact.logits[exact.logits.size() - i];
    difference += SumOfSquaredDifferences(
        outcome.logits[outcome.logits.size() - i], right);
    size += SumOfSquaredDifferences(right, zero);
  }
  return std::sqrt(difference / size);
}

double PrefixWork(const Gpt2Config& config, std::size_t tokens) {
  const ForwardPass pass = {.new_len = tokens, .caching = Caching::kOn};
  return static_cast<double>(PassWork(config, pass).Total()) / kWorkUnit;
}

double RecomputingWork(const Gpt2Config& config, std::size_t tokens) {
  return static_cast<double>(kMeasuredRecomputing) * PrefixWork(config, tokens);
}

double WindowWork(const Gpt2Config& config, std::size_t tokens) {
  return kAlone * static_cast<double>(tokens) * PrefixWork(config, 1);
}

// A way of keeping, as named in results.json, and the work of measuring it.
struct Way {
  const char* name;
  double (*work)(const Gpt2Config& config, std::size_t tokens);
};

constexpr Way kFullCache = {"full cache", PrefixWork};
constexpr Way kRootKept = {"sqrt(n) kept, rest recomputed", RecomputingWork};
constexpr Way kNoCache = {"no cache", RecomputingWork};
constexpr Way kRootWindow = {"window of sqrt(n)", WindowWork};
constexpr Way kConstant = {"window of constant size", WindowWork};

double WorkOf(const LabSubject& subject, bool quick) {
  const Gpt2Config config = LongConfig(subject.weights->config);
  double work = 0;
  for (const std::size_t tokens : Lengths(quick)) {
    for (const Way& way :
         {kFullCache, kRootKept, kNoCache, kRootWindow, kConstant}) {
      work += way.work(config, tokens);
    }
  }
  return work;
}

class Space {
 public:
  Space(const LabSubject& subject, LabRun& run) : run_(run) {
    Random random(run.Seed());
    weights_ = std::make_shared<Gpt2Weights>(
        RandomGpt2Weights(random, LongConfig(subject.weights->config)));
    ids_ = RandomTokens(random, kPositions, weights_->config.vocab_size);
    section_ = {{"max_positions", kPositions}, {"runs", ordered_json::array()}};
  }

  void Measure() {
    for (const std::size_t tokens : Lengths(run_.Quick())) {
      const std::size_t root = RootOf(tokens);
      Announce(kFullCache, tokens);
      const Outcome exact = WithPart(tokens, tokens, kMeasured);
      Add(kFullCache.name, tokens, tokens, exact, exact);
      const auto compare = [&](const Way& way, std::size_t kept,
                               const std::function<Outcome()>& measure) {
        Announce(way, tokens);
        Add(way.name, tokens, kept, measure(), exact);
      };
      compare(kRootKept, root,
              [&] { return WithPart(tokens, root, kMeasuredRecomputing); });
      compare(kNoCache, 0, [&] { return WithoutCache(tokens); });
      compare(kRootWindow, root, [&] { return Windowed(tokens, root); });
      compare(kConstant, kConstantWindow,
              [&] { return Windowed(tokens, kConstantWindow); });
    }
  }

 private:
  // The first `count` tokens but `first`.
  TokenBatch Ids(std::size_t first, std::size_t count) const {
    return SingleRow({ids_.begin() + static_cast<std::ptrdiff_t>(first),
                      ids_.begin() + static_cast<std::ptrdiff_t>(count)});
  }

  // Times `measured` steps, the last one of which computes token `tokens`.
  Outcome LastSteps(std::size_t tokens, std::size_t measured,
                    const std::function<Tensor3(std::size_t tokens)>& step) {
    Outcome outcome;
    const WorkCounts before = CountedWork();
    for (std::size_t t = tokens - measured + 1; t <= tokens; ++t) {
      const double start = run_.Clock().now_s();
      outcome.logits.push_back(step(t));
      outcome.seconds.push_back(run_.Clock().now_s() - start);
    }
    outcome.macs_per_token =
        static_cast<double>((CountedWork() - before).Total()) /
        static_cast<double>(measured);
    return outcome;
  }

  // Keeps the first `kept` tokens' keys and values, and recomputes the others
  // at each step: exact, since by causality a prefix does not depend on what
  // follows.
  Outcome WithPart(std::size_t tokens, std::size_t kept, std::size_t measured) {
    Gpt2 model(weights_);
    KvCacheHandle handle = EnableKvCache(model, 1, tokens);
    const std::size_t before = std::min(kept, tokens - measured);
    model.Forward(Ids(0, before), LogitsFor::kLastPosition);
    Outcome outcome = LastSteps(tokens, measured, [&](std::size_t t) {
      const std::size_t held = std::min(kept, handle.Cache().PastLen());
      handle.Cache().Truncate(held);
      return model.Forward(Ids(held, t), LogitsFor::kLastPosition);
    });
    CacheShape shape = handle.Cache().Shape();
    shape.max_seq_len = kept;
    outcome.cache_bytes = CacheBytes(shape, sizeof(float));
    return outcome;
  }

  Outcome WithoutCache(std::size_t tokens) {
    Gpt2 model(weights_);
    return LastSteps(tokens, kMeasuredRecomputing, [&](std::size_t t) {
      return model.Forward(Ids(0, t), LogitsFor::kLastPosition);
    });
  }

  Outcome Windowed(std::size_t tokens, std::size_t window) {
    Gpt2 model(weights_);
    auto attention =
        std::make_unique<WindowedAttention>(model.Config(), window);
    const std::uint64_t bytes = attention->Bytes();
    model.ReplaceAttention(std::move(attention));
    for (std::size_t t = 0; t < tokens - kMeasured; ++t) {
      model.Forward(Ids(t, t + 1), LogitsFor::kLastPosition);
    }
    Outcome outcome = LastSteps(tokens, kMeasured, [&](std::size_t t) {
      return model.Forward(Ids(t - 1, t), LogitsFor::kLastPosition);
    });
    outcome.cache_bytes = bytes;
    return outcome;
  }

  void Add(const std::string& way, std::size_t tokens, std::size_t kept,
           const Outcome& outcome, const Outcome& exact) {
    const bool forgets = way.starts_with("window");
    section_["runs"].push_back(
        {{"tokens", tokens},
         {"way", way},
         {"exact", !forgets},
         {"kept_tokens", kept},
         {"cache_bytes", outcome.cache_bytes},
         {"macs_per_token", outcome.macs_per_token},
         {"seconds_per_token", Summarise(outcome.seconds).median},
         {"relative_error", RelativeError(outcome, exact)}});
    run_.Keep("space_against_time", section_);
  }

  void Announce(const Way& way, std::size_t tokens) {
    run_.Step(fmt::format("{} at {} tokens", way.name, tokens),
              way.work(weights_->config, tokens));
  }

  LabRun& run_;
  std::shared_ptr<const Gpt2Weights> weights_;
  std::vector<TokenId> ids_;
  ordered_json section_;
};

}  // namespace

Experiment SpaceAgainstTime() {
  return {.section = "space_against_time",
          .title = "Space against time",
          .work = WorkOf,
          .measure = [](const LabSubject& subject, LabRun& run) {
            Space(subject, run).Measure();
          }};
}

}  // namespace kvlab
