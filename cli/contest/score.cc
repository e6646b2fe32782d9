// What ./kvlab contest measures with: the losses of module 5's caches, and of a
// policy that building.py has compiled, as JSON. Exit status 0; 1 if the policy
// breaks a rule or the linked modules are not finished; 2 for wrong options or
// files.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "cli/checkpoint_folder.h"
#include "cli/contest/policy_process.h"
#include "cli/contest/scoring.h"
#include "cli/program.h"
#include "cli/progress_line.h"
#include "fmt/format.h"
#include "kit/math/kept_memory.h"
#include "kit/math/threads.h"
#include "kit/measure/mean_interval.h"
#include "kit/model/held_out.h"
#include "nlohmann/json.hpp"

namespace kvlab::contest {
namespace {

using nlohmann::ordered_json;

constexpr const char* kProgram = "kvlab contest";

struct Options {
  std::filesystem::path model;
  std::filesystem::path text;
  std::uint64_t bytes = 0;
  PolicyPrograms programs;
  bool quick = false;
  double answer_seconds = 10;  // tests wait for less
};

void Declare(CLI::App& app, Options& options) {
  app.add_option("--model", options.model)->required();
  app.add_option("--text", options.text)->required();
  app.add_option("--bytes", options.bytes)->required();
  app.add_option("--policy", options.programs.policy);
  app.add_option("--nothing", options.programs.nothing);
  app.add_flag("--quick", options.quick);
  app.add_option("--answer-seconds", options.answer_seconds);
}

ordered_json IntervalJson(const std::vector<double>& numbers) {
  const MeanInterval interval = MeanWithInterval(numbers);
  return {{"mean", interval.mean}, {"plus_or_minus", interval.plus_or_minus}};
}

// Of the same windows: what they differ by varies less than they do.
ordered_json DifferenceJson(const Measured& a, const Measured& b) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < a.losses.size(); ++i) {
    differences.push_back(a.losses[i] - b.losses[i]);
  }
  return IntervalJson(differences);
}

ordered_json MeasuredJson(const Measured& measured, const Measured& full) {
  return {{"name", measured.name},
          {"bytes", measured.bytes},
          {"loss", IntervalJson(measured.losses)},
          {"more_than_full", DifferenceJson(measured, full)}};
}

int Run(const Options& options) {
  const std::string missing = MissingFile(options.model);
  if (!missing.empty()) return Refuse(kProgram, "there is no " + missing);
  const CheckpointFolder checkpoint = LoadCheckpointFolder(options.model);
  // And the kernels that are the same on every machine, not the fastest here.
  SetThreads(1);
  KeepFreedMemory();
  const std::vector<TokenId> held_out =
      HeldOutTokens(options.text, checkpoint.tokenizer);
  const Course course = options.quick
                            ? CourseOf(checkpoint.weights, held_out, 256, 4)
                            : CourseOf(checkpoint.weights, held_out, 512, 24);

  ProgressLine progress(WithoutTerminal::kNothing);
  const OnWindow on_window = [&](std::string_view name, std::size_t window) {
    progress.Show(
        fmt::format("{}: window {} of {}", name, window + 1, course.windows));
  };
  ordered_json result = {{"window", course.window},
                         {"windows", course.windows},
                         {"budget_bytes", options.bytes},
                         {"full_bytes", FullBytes(course)},
                         {"bars", ordered_json::array()}};
  Measured policy;
  if (!options.programs.policy.empty()) {
    // First, since it may fail.
    try {
      policy = MeasurePolicy(
          course, options.programs,
          {.bytes = options.bytes, .answer_seconds = options.answer_seconds},
          on_window);
    } catch (const PolicyFault& fault) {
      progress.Clear();
      fmt::print(stderr, "{}: the policy {}\n", kProgram, fault.what());
      return 1;
    }
  }
  const std::vector<Measured> bars =
      MeasureBars(course, options.bytes, on_window);
  progress.Clear();
  for (const Measured& bar : bars) {
    ordered_json entry = MeasuredJson(bar, bars.front());
    if (!policy.losses.empty()) {
      entry["policy_is_above_by"] = DifferenceJson(policy, bar);
    }
    result["bars"].push_back(std::move(entry));
  }
  if (!policy.losses.empty()) {
    result["policy"] = MeasuredJson(policy, bars.front());
    result["policy"]["bytes_of_nothing"] = policy.of_nothing;
  }
  fmt::print("{}\n", result.dump(2));
  return 0;
}

}  // namespace
}  // namespace kvlab::contest

int main(int argc, char** argv) {
  return kvlab::RunProgram("Scores a cache policy on held-out text.",
                           kvlab::contest::kProgram, argc, argv,
                           kvlab::contest::Declare, kvlab::contest::Run);
}
