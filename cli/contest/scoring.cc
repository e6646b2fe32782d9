#include "cli/contest/scoring.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/contest/contest_attention.h"
#include "cli/contest/frames.h"
#include "cli/contest/policy_process.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "kit/model/held_out.h"
#include "kit/model/token_batch.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/05_beyond/cache_policy.h"
#include "modules/05_beyond/policy_attention.h"

namespace kvlab::contest {
namespace {

constexpr std::size_t kFewestWindows = 2;  // one has no spread
constexpr std::size_t kSinkTokens = 4;
constexpr std::size_t kChunk = 128;  // tokens of a pass, where that is allowed

// The tokens of window i and the one after them, which is only predicted.
std::span<const TokenId> WindowOf(const Course& course, std::size_t i) {
  return course.held_out.subspan(i * course.window, course.window + 1);
}

// Nats per token of one window, read `chunk` tokens at a time.
double LossOf(Gpt2& model, std::span<const TokenId> text, std::size_t chunk) {
  const std::size_t window = text.size() - 1;
  double loss = 0;
  for (std::size_t begin = 0; begin < window; begin += chunk) {
    const std::size_t count = std::min(chunk, window - begin);
    const std::span<const TokenId> read = text.subspan(begin, count);
    const Tensor3 logits = model.Forward(SingleRow({read.begin(), read.end()}),
                                         LogitsFor::kAllPositions);
    loss += SumOfLosses(logits, text.subspan(begin + 1, count));
  }
  return loss / static_cast<double>(window);
}

Measured MeasureBar(const Course& course, const std::string& name,
                    const OnWindow& on_window) {
  Measured measured = {.name = name, .losses = {}};
  const CachePolicy policy = ParseCachePolicy(name);
  for (std::size_t i = 0; i < course.windows; ++i) {
    on_window(name, i);
    std::unique_ptr<PolicyAttention> cache =
        MakePolicyAttention(policy, course.weights->config,
                            {.batch = 1, .max_seq_len = course.window});
    const PolicyAttention& held = *cache;
    Gpt2 model(course.weights);
    model.ReplaceAttention(std::move(cache));
    measured.losses.push_back(LossOf(model, WindowOf(course, i), kChunk));
    measured.bytes = std::max(measured.bytes, held.Bytes());
  }
  return measured;
}

std::vector<std::string> BarNames(const Course& course, std::uint64_t bytes) {
  const std::uint64_t token_bytes = FullBytes(course) / course.window;
  const std::uint64_t tokens =
      std::min<std::uint64_t>(bytes / token_bytes, course.window);
  std::vector<std::string> names;
  if (tokens > 0) names.push_back(fmt::format("window:{}", tokens));
  if (tokens > kSinkTokens) {
    names.push_back(
        fmt::format("sinks:{}+{}", kSinkTokens, tokens - kSinkTokens));
  }
  if (tokens > 0) names.push_back(fmt::format("evict:{}", tokens));
  names.emplace_back("int8");
  return names;
}

// Some kernels and emulations of one ignore limits of data. Throws DataError.
void CheckThatLimitsHold(const std::filesystem::path& nothing,
                         const Hello& hello, std::uint64_t needed) {
  try {
    const PolicyProcess process(nothing, hello, {.data_bytes = needed / 2});
  } catch (const PolicyFault&) {
    return;
  }
  throw DataError("this kernel does not limit the memory of a process",
                  "a process with half of the data that it needs has started",
                  "use Linux itself, without the option ignore_rlimit_data");
}

}  // namespace

Course CourseOf(std::shared_ptr<const Gpt2Weights> weights,
                std::span<const TokenId> held_out, std::size_t window,
                std::size_t windows) {
  Course course = {.weights = std::move(weights), .held_out = held_out};
  course.window = std::min(window, course.weights->config.max_positions);
  // The token after the last window is predicted, too.
  const std::size_t all =
      held_out.empty() ? 0 : (held_out.size() - 1) / course.window;
  if (all < kFewestWindows) {
    throw DataError(
        fmt::format("the held-out end of the text has {} tokens",
                    held_out.size()),
        fmt::format("losses are compared over {} windows of {} and the token "
                    "after them",
                    kFewestWindows, course.window),
        "give a longer text: --text FILE");
  }
  course.windows = std::clamp(windows, kFewestWindows, all);
  return course;
}

std::uint64_t FullBytes(const Course& course) {
  const Gpt2Config& config = course.weights->config;
  return std::uint64_t{2} * config.num_layers * course.window * config.d_model *
         sizeof(float);
}

std::vector<Measured> MeasureBars(const Course& course, std::uint64_t bytes,
                                  const OnWindow& on_window) {
  std::vector<Measured> bars = {MeasureBar(course, "full", on_window)};
  for (const std::string& name : BarNames(course, bytes)) {
    try {
      bars.push_back(MeasureBar(course, name, on_window));
    } catch (const NotImplemented&) {
      // Module 5 is a bonus: the bars are of what there is.
    }
  }
  return bars;
}

Measured MeasurePolicy(const Course& course, const PolicyPrograms& programs,
                       const Budget& budget, const OnWindow& on_window) {
  const Gpt2Config& config = course.weights->config;
  const Hello hello = {.layers = config.num_layers,
                       .heads = config.num_heads,
                       .head_dim = config.HeadDim(),
                       .max_tokens = course.window,
                       .budget_bytes = budget.bytes};
  const std::uint64_t before =
      PolicyProcess(programs.nothing, hello, PolicyLimits{}).DataBytes();
  CheckThatLimitsHold(programs.nothing, hello, before);
  constexpr std::uint64_t kPage = 4096;
  const std::uint64_t limit =
      (before + budget.bytes + kAllowance + kPage - 1) / kPage * kPage;
  Measured measured = {.name = "policy", .of_nothing = before, .losses = {}};
  for (std::size_t i = 0; i < course.windows; ++i) {
    on_window("the policy", i);
    PolicyProcess process(
        programs.policy, hello,
        {.data_bytes = limit, .answer_seconds = budget.answer_seconds});
    Gpt2 model(course.weights);
    model.ReplaceAttention(std::make_unique<ContestAttention>(
        config.num_layers, config.num_heads, process));
    measured.losses.push_back(LossOf(model, WindowOf(course, i), 1));
    const std::uint64_t held = process.DataBytes();
    if (held > limit) {
      throw PolicyFault(fmt::format("holds {} bytes, {} more than allowed",
                                    held, held - limit));
    }
    measured.bytes =
        std::max(measured.bytes, held > before ? held - before : 0);
  }
  return measured;
}

}  // namespace kvlab::contest
