// ./kvlab lab: runs the experiments and saves their results in results.json.
// Exit status 0; 130 after Ctrl-C, keeping the results so far; 2 for wrong
// options or files.
#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "cli/progress_line.h"
#include "fmt/chrono.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "kit/measure/instruments.h"
#include "lab/experiments.h"
#include "lab/lab_run.h"
#include "lab/lab_subject.h"

namespace kvlab {
namespace {

struct CommandLine {
  std::filesystem::path model = "models/shakespeare-gpt2";
  std::filesystem::path text = "kit/testdata/tinyshakespeare/input.txt";
  std::string shape;
  std::filesystem::path out = "report";
  std::uint64_t seed = 1;
  bool quick = false;
};

// "[######..............] 3 min 20 s left"; without the time while it is
// unknown.
std::string Bar(double share, double seconds_left) {
  constexpr std::size_t kCells = 20;
  const auto full = std::min(
      kCells, static_cast<std::size_t>(share * static_cast<double>(kCells)));
  const std::string bar =
      "[" + std::string(full, '#') + std::string(kCells - full, '.') + "]";
  if (seconds_left < 0) return bar;
  constexpr long kMinute = 60;
  const long whole = std::lround(seconds_left);
  return whole < kMinute ? fmt::format("{} {} s left", bar, whole)
                         : fmt::format("{} {} min {} s left", bar,
                                       whole / kMinute, whole % kMinute);
}

volatile std::sig_atomic_t stop_asked = 0;

// A second Ctrl-C has its usual effect.
void AskToStop(int signal) {
  stop_asked = 1;
  std::signal(signal, SIG_DFL);
}

void Declare(CLI::App& app, CommandLine& line) {
  app.add_flag("--quick", line.quick,
               "fewer lengths, trials and texts: a minute");
  app.add_option("--model", line.model, "a GPT-2 checkpoint folder")
      ->take_last()
      ->check(CLI::ExistingDirectory);
  app.add_option("--text", line.text,
                 "a text whose last 5 % the model was not trained on")
      ->take_last()
      ->check(CLI::ExistingFile);
  app.add_option("--shape", line.shape,
                 "random weights of this shape instead of a checkpoint")
      ->check(CLI::IsMember(KnownShapes()));
  app.add_option("--out", line.out, "folder for the results")
      ->capture_default_str();
  app.add_option("--seed", line.seed, "of prompts and random weights")
      ->capture_default_str();
}

// The command that repeats the run. A folder is named without its path, since
// results are shared.
std::string CommandOf(const CommandLine& line) {
  std::string command = "./kvlab lab";
  if (line.quick) command += " --quick";
  if (!line.shape.empty()) {
    command += " --shape " + line.shape;
  } else if (line.model.filename() != CommandLine().model.filename()) {
    command += " --model " + line.model.filename().string();
  }
  if (line.shape.empty() &&
      line.text.filename() != CommandLine().text.filename()) {
    command += " --text " + line.text.filename().string();
  }
  if (line.seed != CommandLine().seed) {
    command += fmt::format(" --seed {}", line.seed);
  }
  return command;
}

nlohmann::ordered_json Head(const CommandLine& line, const LabSubject& subject,
                            const std::string& command) {
  return {
      {"format", "kvlab lab results"},
      {"version", 1},
      {"complete", false},
      {"quick", line.quick},
      {"command", command},
      {"made_at", fmt::format("{:%FT%TZ}", fmt::gmtime(std::time(nullptr)))},
      {"seed", line.seed},
      {"machine", MachineJson(subject.machine)},
      {"model", ModelJson(subject, !line.shape.empty())}};
}

// Whether all experiments were completed.
bool Measure(const LabSubject& subject, const CommandLine& line,
             const std::string& command) {
  const std::vector<Experiment> experiments = AllExperiments();
  double work = 0;
  for (const Experiment& one : experiments) {
    work += one.work(subject, line.quick);
  }
  ProgressLine progress(WithoutTerminal::kNowAndThen);
  std::string title;
  LabRun run(
      {.file = line.out / "results.json",
       .quick = line.quick,
       .seed = line.seed,
       .instruments = ProcessInstruments(),
       .stop_asked = [] { return stop_asked != 0; },
       .on_progress =
           [&](const std::string& what, double share, double seconds_left) {
             progress.Show(fmt::format("{}  {}: {}", Bar(share, seconds_left),
                                       title, what));
           }},
      Head(line, subject, command), work);
  try {
    for (const Experiment& one : experiments) {
      title = one.title;
      one.measure(subject, run);
    }
  } catch (const Stopped&) {
    progress.Clear();
    fmt::print("stopped; what was measured until then is kept\n");
    return false;
  }
  progress.Clear();
  run.Finish();
  return true;
}

int Run(const CommandLine& line, const std::string& command) {
  LabSubject subject = line.shape.empty()
                           ? SubjectOfFolder(line.model, line.text)
                           : SubjectOfShape(line.shape, line.seed);
  const Gpt2Config& config = subject.weights->config;
  fmt::print("kvlab lab: {}, {} layers, width {}, context {}\n", subject.name,
             config.num_layers, config.d_model, config.max_positions);
  if (!subject.why_no_text.empty()) {
    fmt::print("without Beyond the plain cache, which needs a text: {}\n",
               subject.why_no_text);
  }
  std::fflush(stdout);
  std::filesystem::create_directories(line.out);
  std::signal(SIGINT, AskToStop);
  subject.machine = RoofsOfThisMachine();
  constexpr int kInterrupted = 130;
  return Measure(subject, line, command) ? 0 : kInterrupted;
}

}  // namespace

int Main(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Runs the course's experiments.", "kvlab lab");
  Declare(app, line);
  CLI11_PARSE(app, argc, argv);
  return Run(line, CommandOf(line));
}

}  // namespace kvlab

int main(int argc, char** argv) {
  try {
    return kvlab::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\nkvlab lab: %s\n", error.what());
    return 2;
  }
}
