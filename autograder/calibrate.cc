// Measures the reference on this machine: whether the rubric's thresholds leave
// enough margin, and how near it comes to the machine's limits. ./kvlab
// calibrate
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "autograder/exam/check.h"
#include "autograder/judges/03_memoization/speed_trial.h"
#include "autograder/machine/architecture/architecture.h"
#include "autograder/machine/building/build_workers.h"
#include "autograder/machine/building/staged_kit.h"
#include "autograder/machine/checker/local_endpoint.h"
#include "autograder/machine/checker/worker_endpoint.h"
#include "autograder/machine/protocol/channel.h"
#include "autograder/machine/runfiles/runfile.h"
#include "autograder/machine/sandbox/isolation.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/submission/submission.h"
#include "autograder/machine_figures.h"
#include "autograder/machine_speed.h"
#include "autograder/scoring/rubric.h"
#include "fmt/format.h"
#include "kit/kernels/instruction_set.h"
#include "kit/measure/paired_ratios.h"
#include "kit/measure/roofline.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

// Allowance for noise, another compiler or another clock rate.
constexpr double kWantedMargin = 1.5;

struct CommandLine {
  std::string rubric;
  std::size_t equal = 0;   // pairs of equal workers
  std::string submission;  // in the student's place; "": the reference
  std::size_t rounds = 5;  // of the machine's limits
  bool record = false;
  fs::path machines = "docs/machines.md";
};

CommandLine Parse(int argc, char** argv) {
  CommandLine line;
  CLI::App app(
      "Measures the reference here: whether the rubric's thresholds suit this "
      "machine, and which targets of speed hold.",
      "kvlab calibrate");
  app.add_option("--rubric", line.rubric, "another rubric.toml");
  app.add_option("--equal", line.equal,
                 "time this many pairs of cached generations of 500 tokens, by "
                 "the reference in the student's place and in its own: they "
                 "must be equal");
  app.add_option("--submission", line.submission,
                 "a submission in the student's place, such as solutions");
  app.add_option("--rounds", line.rounds,
                 "how often to measure the machine's limits; 0: not at all")
      ->capture_default_str();
  app.add_flag("--record", line.record,
               "add this machine's line to the table of machines");
  app.add_option("--machines", line.machines, "the page that has the table")
      ->capture_default_str();
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

MachineFigures MeasureRoofsHere() {
  constexpr std::size_t kWeights = std::size_t{7} << 20U;
  constexpr std::size_t kFromMemory = std::size_t{256} << 20U;
  constexpr double kGiga = 1e9;
  MachineFigures figures = DescribeMachine();
  figures.read_weights_per_s = MeasureReadBandwidth(kWeights);
  figures.read_memory_per_s = MeasureReadBandwidth(kFromMemory);
  figures.flop_per_s = MeasureFlopPeak();
  std::cout << fmt::format(
      "{}, {} processors, load {:.1f}; one thread reads {:.0f} GB/s from a "
      "working set of 7 MiB\n(the shipped model's weights), {:.0f} GB/s from "
      "one of 256 MiB, and does {:.0f} GFLOP/s at\nmost\n\n",
      figures.processor, figures.cores, figures.load,
      figures.read_weights_per_s / kGiga, figures.read_memory_per_s / kGiga,
      figures.flop_per_s / kGiga);
  return figures;
}

// The reference in the student's place.
class Calibration {
 public:
  Calibration(const CommandLine& line, SandboxHost host)
      : host_(std::move(host)),
        rubric_(LoadRubric(line.rubric.empty()
                               ? Runfile("autograder/rubric.toml")
                               : fs::path(line.rubric),
                           AllChecks(), Runfile("autograder"))),
        kit_(Runfile("autograder/worker_kit/worker_kit"), Model(), host_),
        build_(line.submission.empty() ? SubmissionBuild()
                                       : Build(line.submission)),
        as_student_(line.submission.empty() ? Options() : StudentOptions()),
        as_baseline_(Options()) {}

  // Whether two equal workers are equally fast in the turns of a speed check.
  bool RunEqual(std::size_t pairs) {
    constexpr std::size_t kNewTokens = 500;
    constexpr double kPatience = 60;
    constexpr double kWanted = 0.02;
    Exam exam = ExamFor(*SpeedCheck().check);
    SpeedTrial trial(exam);
    PairedRatios wall;
    PairedRatios processor;
    for (std::size_t pair = 0; pair < pairs; ++pair) {
      const auto [student, reference] =
          trial.WithCache(trial.FreshPrompt(), kNewTokens, kPatience);
      wall.Add(student.seconds / reference.seconds);
      processor.Add(student.seconds * student.cpu_share /
                    (reference.seconds * reference.cpu_share));
    }
    const auto tell = [](const char* what, const PairedRatios& ratios) {
      const auto [low, high] = ratios.Interval();
      std::cout << fmt::format(
          "{:<16} student's turn / reference's: median {:.3f}, interval {:.3f} "
          "to {:.3f}, {} pairs\n",
          what, ratios.Median(), low, high, ratios.Count());
    };
    tell("wall time", wall);
    tell("processor time", processor);
    return std::abs(wall.Median() - 1) <= kWanted;
  }

  // Whether every threshold leaves enough margin.
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

  // The reference's speedup over that for full points, by new tokens.
  const std::map<std::size_t, double>& Margins() const { return margins_; }

 private:
  static fs::path Model() { return Runfile("models/shakespeare-gpt2"); }

  WorkerOptions Options() const {
    WorkerOptions options;
    options.program = kit_.ReferenceWorker();
    options.model = kit_.KeptModel();
    options.host = kit_.KeeperHost();
    options.limits.cpu_seconds = 3600;  // for all checks together
    return options;
  }

  SubmissionBuild Build(const std::string& path) const {
    return BuildWorkers(kit_, ReadSubmission(path, kit_.Modules()));
  }

  WorkerOptions StudentOptions() const {
    const WorkerBuild& worker = build_.workers.at(SpeedCheck().part->module);
    if (!worker.Built()) throw GraderError(worker.problem);
    WorkerOptions options = Options();
    options.program = worker.program;
    options.model = kit_.Model();
    options.host = host_;
    return options;
  }

  struct Placed {
    const RubricPart* part = nullptr;
    const RubricCheck* check = nullptr;
  };

  // The first of them.
  Placed SpeedCheck() const {
    for (const RubricPart& part : rubric_.parts) {
      for (const RubricTask& task : part.tasks) {
        for (const RubricCheck& check : task.checks) {
          if (check.run == "speed.cached_generation") return {&part, &check};
        }
      }
    }
    throw GraderError("the rubric has no speed check");
  }

  Exam ExamFor(const RubricCheck& check) {
    Answerers answerers;
    answerers.student = &as_student_;
    answerers.baseline = &as_baseline_;
    answerers.reference = &reference_;
    return {answerers,
            {.in_worker = kModelFolder, .here = Model().string()},
            check.settings,
            std::random_device()(),
            rubric_.limits.call,
            check.tiers};
  }

  // Whether the check's threshold leaves enough margin.
  bool RunCheck(const RubricCheck& check) {
    Exam exam = ExamFor(check);
    const Speedups speedups = MeasureSpeedups(exam);
    const PairedRatios& ratios = speedups.student;
    const auto tokens = static_cast<double>(exam.SettingSize("new_tokens"));
    const auto [low, high] = ratios.Interval();
    const double full = check.tiers.front().at_least;
    const double margin = ratios.Median() / full;
    margins_[exam.SettingSize("new_tokens")] = margin;
    std::cout << fmt::format(
        "{:<12}{:>12.0f}{:>12.0f}{:>9.1f}x{:>19}{:>10g}x{:>7.1f}x\n",
        check.name, tokens / speedups.baseline_seconds,
        tokens / speedups.student_seconds, ratios.Median(),
        fmt::format("{:.1f}x to {:.1f}x", low, high), full, margin);
    if (margin >= kWantedMargin) return true;
    std::cout << fmt::format(
        "  WARNING: less than {:g}x. Correct code may miss the points on "
        "this "
        "machine:\n  at_least = {:.2g} would leave this margin.\n",
        kWantedMargin, ratios.Median() / kWantedMargin);
    return false;
  }

  SandboxHost host_;
  Rubric rubric_;
  StagedKit kit_;
  SubmissionBuild build_;
  LocalEndpoint reference_;
  WorkerEndpoint as_student_;
  WorkerEndpoint as_baseline_;
  std::map<std::size_t, double> margins_;
};

std::string ContentOf(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void RecordMachine(const MachineFigures& figures, const fs::path& page) {
  const std::string with_machine =
      WithMachine(ContentOf(page), MachineLine(figures));
  std::ofstream out(page);
  out << with_machine << std::flush;
  if (!out) throw GraderError(page.string() + " cannot be written");
  std::cout << "\nadded to " << page.string() << ":\n"
            << MachineLine(figures)
            << "Measure again, and keep one of the lines, if the machine was "
               "not idle.\n";
}

// Whether all thresholds suit this machine.
bool Calibrate(const CommandLine& line) {
  std::cerr << ArchitectureNotice(ThisArchitecture()) << std::flush;
  const SandboxHost host = ChooseSandboxHost();
  std::cout << "isolation: " << ProbeIsolation(host).Text() << "\n\n";
  MachineFigures figures = MeasureRoofsHere();
  Calibration calibration(line, host);
  if (line.equal > 0) {
    const bool equal = calibration.RunEqual(line.equal);
    std::cout
        << (equal ? "Equal within 2 %.\n"
                  : "NOT equal within 2 %: grade elsewhere, or find out what "
                    "makes one turn slower.\n");
    return equal;
  }
  std::cout << (calibration.Run()
                    ? "\nEvery threshold leaves the reference enough margin.\n"
                    : "\nEdit the thresholds (autograder/rubric.toml, or a "
                      "copy for --rubric), or grade elsewhere.\n");
  figures.margins = calibration.Margins();
  if (line.rounds > 0) {
    std::cout << "\nTargets, on a model of DistilGPT2's shape in "
              << InstructionSetName(BestInstructionSet())
              << "; the worst length counts:\n"
              << std::flush;
    figures.shares = MeasureShares(line.rounds);
  }
  std::cout << TargetsText(figures)
            << "Against llama.cpp, onnxruntime and PyTorch: ./kvlab compare; "
               "with AVX-512 over the\ncourse's table: ./kvlab demo\n";
  if (line.record) RecordMachine(figures, line.machines);
  return true;
}

}  // namespace
}  // namespace kvlab::grading

int main(int argc, char** argv) {
  try {
    constexpr int kNotEqual = 4;
    return kvlab::grading::Calibrate(kvlab::grading::Parse(argc, argv))
               ? 0
               : kNotEqual;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\nthe grader failed: %s\n", error.what());
    return 1;
  }
}
