// What the reference reaches on this machine, and whether the rubric's
// thresholds leave it room. ./kvlab calibrate
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <thread>
#include <utility>

#include "CLI/CLI.hpp"
#include "autograder/checker/local_endpoint.h"
#include "autograder/checker/worker_endpoint.h"
#include "autograder/checks/check.h"
#include "autograder/checks/speed_trial.h"
#include "autograder/protocol/channel.h"
#include "autograder/rubric/rubric.h"
#include "autograder/sandbox/isolation.h"
#include "autograder/sandbox/sandbox_host.h"
#include "autograder/worker_kit/staged_kit.h"
#include "fmt/format.h"
#include "kit/roofline.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

// What noise, another compiler or another step of the clock may take.
constexpr double kWantedMargin = 1.5;

struct CommandLine {
  std::string rubric;
};

CommandLine Parse(int argc, char** argv) {
  CommandLine line;
  CLI::App app(
      "Measures the reference here and looks whether the rubric's thresholds "
      "suit this machine.",
      "kvlab calibrate");
  app.add_option("--rubric", line.rubric, "another rubric.toml");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  } catch (const CLI::ParseError& error) {
    std::cerr << "kvlab calibrate: " << error.what() << '\n';
    std::exit(2);
  }
  return line;
}

fs::path Runfile(const std::string& name) {
  return fs::read_symlink("/proc/self/exe").string() + ".runfiles/kvlab/" +
         name;
}

void PrintMachine() {
  constexpr std::size_t kWeights = std::size_t{7} << 20U;
  constexpr std::size_t kFromMemory = std::size_t{256} << 20U;
  constexpr double kGiga = 1e9;
  std::cout << fmt::format(
      "{} processors; one thread reads {:.0f} GB/s from a working set of 7 MiB "
      "(the shipped\nmodel's weights), {:.0f} GB/s from one of 256 MiB, and "
      "does {:.0f} GFLOP/s at most\n\n",
      std::thread::hardware_concurrency(),
      MeasureReadBandwidth(kWeights) / kGiga,
      MeasureReadBandwidth(kFromMemory) / kGiga, MeasureFlopPeak() / kGiga);
}

// The reference in the student's place.
class Calibration {
 public:
  Calibration(const CommandLine& line, SandboxHost host)
      : host_(std::move(host)),
        rubric_(LoadRubric(line.rubric.empty()
                               ? Runfile("autograder/rubric.toml")
                               : fs::path(line.rubric),
                           AllChecks())),
        kit_(Runfile("autograder/worker_kit/worker_kit"), Model(), host_),
        as_student_(Options()),
        as_baseline_(Options()) {}

  // Whether every threshold leaves the margin.
  bool Run() {
    std::cout << fmt::format("{:<12}{:>12}{:>12}{:>10}{:>19}{:>11}{:>8}\n",
                             "tokens/s of:", "baseline", "cached", "speedup",
                             "interval", "full from", "margin");
    bool enough = true;
    for (const RubricPart& part : rubric_.parts) {
      for (const RubricTask& task : part.tasks) {
        for (const RubricCheck& check : task.checks) {
          if (check.run == "speed.cached_generation") enough &= RunCheck(check);
        }
      }
    }
    return enough;
  }

 private:
  static fs::path Model() { return Runfile("models/shakespeare-gpt2"); }

  WorkerOptions Options() const {
    WorkerOptions options;
    options.program = kit_.ReferenceWorker();
    options.model = kit_.Model();
    options.host = host_;
    options.limits.cpu_seconds = 3600;  // for all checks together
    return options;
  }

  bool RunCheck(const RubricCheck& check) {
    Parties parties;
    parties.student = &as_student_;
    parties.baseline = &as_baseline_;
    parties.reference = &reference_;
    Exam exam(parties, {.in_worker = kModelFolder, .here = Model().string()},
              check.settings, std::random_device()(), rubric_.limits.call,
              check.tiers);
    const Speedups speedups = MeasureSpeedups(exam);
    const PairedRatios& ratios = speedups.student;
    const auto tokens = static_cast<double>(exam.SettingSize("new_tokens"));
    const auto [low, high] = ratios.Interval();
    const double full = check.tiers.front().at_least;
    const double margin = ratios.Median() / full;
    std::cout << fmt::format(
        "{:<12}{:>12.0f}{:>12.0f}{:>9.1f}x{:>19}{:>10g}x{:>7.1f}x\n",
        check.name, tokens / speedups.baseline_seconds,
        tokens / speedups.student_seconds, ratios.Median(),
        fmt::format("{:.1f}x to {:.1f}x", low, high), full, margin);
    if (margin >= kWantedMargin) return true;
    std::cout << fmt::format(
        "  WARNING: less than {:g}x. A right answer may miss the points on "
        "this "
        "machine:\n  at_least = {:.2g} would leave that much.\n",
        kWantedMargin, ratios.Median() / kWantedMargin);
    return false;
  }

  SandboxHost host_;
  Rubric rubric_;
  StagedKit kit_;
  LocalEndpoint reference_;
  WorkerEndpoint as_student_;
  WorkerEndpoint as_baseline_;
};

void Calibrate(const CommandLine& line) {
  const SandboxHost host = ChooseSandboxHost();
  std::cout << "isolation: " << ProbeIsolation(host).Text() << "\n\n";
  PrintMachine();
  Calibration calibration(line, host);
  std::cout << (calibration.Run()
                    ? "\nEvery threshold leaves the reference room.\n"
                    : "\nEdit the thresholds (autograder/rubric.toml, or a "
                      "copy for --rubric), or grade elsewhere.\n");
}

}  // namespace
}  // namespace kvlab::grading

int main(int argc, char** argv) {
  try {
    kvlab::grading::Calibrate(kvlab::grading::Parse(argc, argv));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\nthe grader failed: %s\n", error.what());
    return 1;
  }
}
