// The grader's own test set: grades every case and compares the marks with what
// they must be. ./kvlab graderlab
#include <fnmatch.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): POSIX names

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "autograder/exam/check.h"
#include "autograder/grade_submission.h"
#include "autograder/machine/building/build_workers.h"
#include "autograder/machine/building/compiled_files.h"
#include "autograder/machine/building/staged_kit.h"
#include "autograder/machine/parallel/parallel.h"
#include "autograder/machine/runfiles/runfile.h"
#include "autograder/machine/sandbox/run.h"
#include "autograder/machine/sandbox/sandbox_error.h"
#include "autograder/machine/sandbox/sandbox_user.h"
#include "autograder/machine/sandbox/staging_folder.h"
#include "autograder/machine/submission/module_files.h"
#include "autograder/machine/submission/submission.h"
#include "autograder/proof/graderlab/campaign.h"
#include "autograder/proof/graderlab/conditions.h"
#include "autograder/proof/graderlab/hogs.h"
#include "autograder/proof/graderlab/judgement.h"
#include "autograder/proof/graderlab/lab_case.h"
#include "autograder/proof/graderlab/leftovers.h"
#include "autograder/proof/graderlab/wider_baseline.h"
#include "autograder/report/text_report.h"
#include "autograder/scoring/rubric.h"
#include "cli/machine.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"
#include "kit/files/temporary_folder.h"
#include "kit/measure/stopwatch.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

struct CommandLine {
  std::vector<std::string> patterns;
  bool list = false;
  fs::path write;
  bool verbose = false;
  bool full = false;
  std::size_t stability = 0;
  std::vector<std::string> conditions;  // shell patterns; all if empty
  std::vector<std::string> parts;       // of the rubric; all if empty
  fs::path record;
  std::vector<fs::path> summarize;
  std::optional<std::uint64_t> seed;
  // How many of each kind; all if not given.
  std::optional<std::size_t> bugs;
  std::optional<std::size_t> exploits;
};

fs::path WorkerKit() { return Runfile("autograder/worker_kit/worker_kit"); }

CommandLine Parse(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Grades the grader's own test set.", "kvlab graderlab");
  app.add_option("CASE", line.patterns,
                 "only these, KIND/NAME, such as 'exploit/*'");
  app.add_flag("--list", line.list, "print the cases and what they are");
  app.add_option("--write", line.write,
                 "write the cases' submissions into this new folder, and grade "
                 "nothing");
  app.add_flag("--verbose", line.verbose, "print each author's whole report");
  app.add_option("--stability", line.stability,
                 "grade six submissions so many times in each condition: do "
                 "marks depend on the machine?");
  app.add_option("--condition", line.conditions,
                 "with --stability: only these, such as 'one-core*'");
  app.add_option("--part", line.parts,
                 "with --stability: only these parts of the rubric, such as "
                 "03_memoization");
  app.add_option("--record", line.record,
                 "with --stability: append each run to this file, and do not "
                 "repeat the runs that it has");
  app.add_option("--summarize", line.summarize,
                 "sum what such files have recorded, and grade nothing");
  app.add_flag("--full", line.full,
               "judge every part in every case, with every speed check at its "
               "own length");
  app.add_option("--seed", line.seed, "repeats a run");
  app.add_option("--bugs", line.bugs,
                 "of the planted bugs only so many, drawn by the seed");
  app.add_option("--exploits", line.exploits, "the same of the exploits");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  } catch (const CLI::ParseError& error) {
    std::cerr << "kvlab graderlab: " << error.what() << '\n';
    std::exit(2);
  }
  return line;
}

std::string FullName(const LabCase& one) { return one.kind + "/" + one.name; }

bool Wanted(const LabCase& one, const std::vector<std::string>& patterns) {
  const std::string name = FullName(one);
  return patterns.empty() ||
         std::ranges::any_of(patterns, [&](const std::string& pattern) {
           return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0 ||
                  pattern == one.name;
         });
}

std::vector<fs::path> TomlFilesBelow(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(
           folder, fs::directory_options::follow_directory_symlink)) {
    if (entry.path().extension() == ".toml") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<LabCase> AllCases() {
  std::vector<LabCase> cases;
  const fs::path here = Runfile("autograder");
  const std::map<std::string, PlantedChanges> changes =
      ReadChanges(here / "proof/graderlab/changes.json");
  const auto changes_of = [&](const fs::path& file) {
    return changes.at("autograder" / file.lexically_relative(here));
  };
  for (const fs::path& file : TomlFilesBelow(here / "proof/graderlab/cases")) {
    cases.push_back(ReadLabCase(file, changes_of(file)));
  }
  for (const ModuleFiles& module : ReadModuleFiles(WorkerKit() / "include")) {
    for (const fs::path& file :
         TomlFilesBelow(here / "judges" / module.folder / "planted_bugs")) {
      cases.push_back(ReadPlantedBug(file, changes_of(file)));
    }
  }
  return cases;
}

void ForEachSpeedCheck(Rubric& rubric,
                       const std::function<void(RubricCheck& check)>& action) {
  for (RubricPart& part : rubric.parts) {
    for (RubricTask& task : part.tasks) {
      for (RubricCheck& check : task.checks) {
        if (check.run == "speed.cached_generation") action(check);
      }
    }
  }
}

// The course's rubric with every speed check at the length of the first: a few
// seconds each instead of up to half a minute.
Rubric ShortRubric(Rubric rubric) {
  const RubricCheck* shortest = nullptr;
  ForEachSpeedCheck(rubric, [&](RubricCheck& check) {
    if (shortest == nullptr) shortest = &check;
    check.settings = shortest->settings;
    check.tiers = shortest->tiers;
  });
  return rubric;
}

// With a table that no program reaches. Shares of the reference's speed are in
// proportion to it, and stay.
Rubric RubricWithoutTable(Rubric rubric) {
  constexpr double kOutOfReach = 1e6;
  ForEachSpeedCheck(rubric, [](RubricCheck& check) {
    for (Tier& tier : check.tiers) tier.at_least *= kOutOfReach;
  });
  return rubric;
}

// With fewer pairs too, for cases that are nowhere near a threshold.
Rubric QuickRubric(const Rubric& rubric) {
  Rubric quick = ShortRubric(rubric);
  ForEachSpeedCheck(quick, [](RubricCheck& check) {
    check.settings["pairs"] = 3;
    check.settings["most_pairs"] = 9;
    check.settings["least_share"] = 0;  // cases run in parallel
  });
  // Cases run in parallel, and some recompute everything or run under valgrind.
  quick.limits.call.seconds = 6;
  quick.limits.check_seconds = 25;
  quick.limits.submission_seconds = 150;
  return quick;
}

// The parts whose programs contain a file that the case changes: those of its
// modules, and end to end. The others would be those of an unchanged
// submission. Empty, which means all parts, if it changes a file that belongs
// to no module.
std::vector<std::string> PartsReached(const LabCase& one,
                                      const std::vector<ModuleFiles>& modules) {
  if (one.changes.files.empty()) return {};
  std::vector<std::string> reached = {kEverything};
  for (const auto& [file, text] : one.changes.files) {
    const std::string folder = file.substr(0, file.find('/'));
    if (std::ranges::find(modules, folder, &ModuleFiles::folder) ==
        modules.end()) {
      return {};
    }
    reached.push_back(folder);
  }
  return reached;
}

struct Result {
  const LabCase* one = nullptr;
  std::string given;
  std::string expected;
  std::string message;
  std::vector<std::string> deviations;
  std::string whole_report;
};

constexpr std::size_t kDeviationColumns = 160;

// The beginning of `text`, in one line.
std::string OneLine(std::string text, std::size_t columns) {
  std::ranges::replace(text, '\n', ' ');
  if (text.size() <= columns) return text;
  return text.substr(0, columns - 3) + "...";
}

// A lab behind half a wall would show nothing about the whole one.
void RequireBubblewrap(const std::optional<SandboxUser>& user) {
  try {
    RequireSandbox({.user = user});
  } catch (const SandboxError& error) {
    throw SandboxError(
        "graderlab needs the full level of isolation: its cases test it",
        error.what(), "./kvlab graderlab where bubblewrap works");
  }
}

class Lab {
 public:
  Lab()
      : user_(ChooseSandboxUser()),
        rubric_(LoadRubric(Runfile("autograder/rubric.toml"), AllChecks())),
        short_rubric_(ShortRubric(rubric_)),
        quick_rubric_(QuickRubric(rubric_)),
        rubric_without_table_(RubricWithoutTable(rubric_)),
        kit_(WorkerKit(), Checkpoint(),
             {.user = user_, .keeper = ChooseKeeper(user_)}),
        quizzes_(LoadQuizzes(Runfile(""), kit_.Modules())),
        compiled_(compiled_folder_.Path(), kit_) {
    RequireBubblewrap(user_);
    ExpectModulesOf(Setup(rubric_, kit_));
    for (const char* base : {"solutions", "modules"}) {
      LabCase unchanged;
      unchanged.base = base;
      Compile(unchanged);
    }
  }

  const std::optional<SandboxUser>& User() const { return user_; }
  const std::vector<ModuleFiles>& Modules() const { return kit_.Modules(); }

  const Rubric& FullRubric() const { return rubric_; }
  const Rubric& Shorter() const { return short_rubric_; }
  const Rubric& Quickest() const { return quick_rubric_; }
  const Rubric& WithoutTable() const { return rubric_without_table_; }

  // `parts`: of the rubric, all if empty.
  Result Run(const LabCase& one, const Rubric& rubric, std::uint64_t seed,
             std::vector<std::string> parts = {}) const {
    GradingOptions options;
    options.seed = seed;
    options.only = std::move(parts);
    Result result;
    result.one = &one;
    const Report report = Grade(one, rubric, options);
    result.given = PointsByPart(report);
    result.expected = ExpectedByPart(one, report);
    result.message = MessageTo(one, report);
    result.deviations = Deviations(one, report);
    if (one.kind == "bug") {
      for (std::string& deviation : CostDeviations(report, TaskOf(one))) {
        result.deviations.push_back(std::move(deviation));
      }
    }
    result.whole_report = FullText(report);
    return result;
  }

  Report Grade(const LabCase& one, const Rubric& rubric,
               GradingOptions options) const {
    const StagingFolder folder(user_);
    WriteSubmission(one, Runfile(""), folder);
    if (!one.student.empty()) options.students = {one.student};
    return GradeSubmission(Setup(rubric, KitFor(one.isolation)), folder.Path(),
                           options);
  }

  // Compiles the files of a case now, and not each time it is graded.
  void Compile(const LabCase& one) {
    const StagingFolder folder(user_);
    WriteSubmission(one, Runfile(""), folder);
    Submission submission = ReadSubmission(folder.Path(), kit_.Modules());
    SubmissionBuild build = BuildWorkers(kit_, submission, {.known = known_});
    known_.push_back({std::move(submission), std::move(build)});
  }

 private:
  GradingSetup Setup(const Rubric& rubric, const StagedKit& kit) const {
    return {.rubric = rubric,
            .kit = kit,
            .quizzes = quizzes_,
            .checkpoint = Checkpoint(),
            .isolation = "",
            .known = known_,
            .compiled = &compiled_};
  }

  // The sandboxes that a case wants; few want others than bubblewrap's.
  const StagedKit& KitFor(Confinement isolation) const {
    if (isolation == Confinement::kBubblewrap) return kit_;
    const std::scoped_lock lock(other_kits_changing_);
    std::unique_ptr<StagedKit>& kit = other_kits_[isolation];
    if (kit == nullptr) {
      SandboxHost host = kit_.Host();
      host.confinement = isolation;
      kit = std::make_unique<StagedKit>(WorkerKit(), Checkpoint(), host);
    }
    return *kit;
  }

  static fs::path Checkpoint() { return Runfile("models/shakespeare-gpt2"); }

  std::optional<SandboxUser> user_;
  Rubric rubric_;
  Rubric short_rubric_;
  Rubric quick_rubric_;
  Rubric rubric_without_table_;
  StagedKit kit_;
  Quizzes quizzes_;
  mutable std::mutex other_kits_changing_;
  mutable std::map<Confinement, std::unique_ptr<StagedKit>> other_kits_;
  // The solutions and the stubs, which most files of the cases are.
  std::vector<KnownBuild> known_;
  // One for all cases: what an exploit left in it would show in the others.
  TemporaryFolder compiled_folder_;
  CompiledFiles compiled_;
};

class Table {
 public:
  explicit Table(bool verbose) : verbose_(verbose) {
    std::cout << fmt::format("{:<46} {:<22} {:<22} {}\n", "case",
                             "points expected", "given",
                             "what the author reads first");
  }

  void Add(const Result& result) {
    const bool good = result.deviations.empty();
    as_expected_ += good ? 1 : 0;
    ++count_;
    std::cout << fmt::format("{:<46} {:<22} {:<22} {}\n", FullName(*result.one),
                             result.expected, result.given,
                             OneLine(result.message, 60));
    for (const std::string& deviation : result.deviations) {
      std::cout << "    NOT AS EXPECTED: "
                << OneLine(deviation, kDeviationColumns) << '\n';
    }
    if (verbose_) std::cout << result.whole_report << '\n';
    std::cout << std::flush;
  }

  bool Close() const {
    std::cout << fmt::format("{} of {} as expected\n", as_expected_, count_);
    return as_expected_ == count_;
  }

 private:
  bool verbose_;
  std::size_t as_expected_ = 0;
  std::size_t count_ = 0;
};

bool RunAll(const std::vector<LabCase>& cases, const CommandLine& line,
            std::uint64_t seed) {
  std::cout << "seed " << seed << '\n';
  const Lab lab;
  Table table(line.verbose);
  const std::set<std::string> before = Traces(lab.User());
  std::vector<const LabCase*> parallel;
  for (const LabCase& one : cases) {
    if (one.speed == LabSpeed::kLeftOut) parallel.push_back(&one);
  }
  std::mutex printing;
  const Rubric& quick = line.full ? lab.FullRubric() : lab.Quickest();
  RunInParallel(parallel.size(), [&](std::size_t i) {
    const LabCase& one = *parallel[i];
    const bool some =
        (one.kind == "bug" || one.kind == "exploit") && !line.full;
    const Result result = lab.Run(
        one, quick, seed,
        some ? PartsReached(one, lab.Modules()) : std::vector<std::string>());
    const std::scoped_lock lock(printing);
    table.Add(result);
  });
  // After the exploits, so that anything they left behind shows here. One at a
  // time, with every speed check as in the course.
  for (const LabCase& one : cases) {
    if (one.speed == LabSpeed::kMeasured) {
      table.Add(lab.Run(one, lab.FullRubric(), seed));
    }
    if (one.speed == LabSpeed::kComparedWithReference) {
      table.Add(lab.Run(one, lab.WithoutTable(), seed));
    }
  }
  const std::set<std::string> left = Added(before, Traces(lab.User()));
  for (const std::string& trace : left) {
    std::cout << "LEFT BEHIND: " << trace << '\n';
  }
  return table.Close() && left.empty();
}

// The submissions whose marks must not depend on the machine.
constexpr std::array kSteadyCases = {
    "baseline/solutions",           "honest/plain_loops",
    "honest/half_as_fast_as_asked", "exploit/recomputes_in_secret",
    "bug/mask_aligned_top_left",    "baseline/stubs"};

std::vector<const LabCase*> SteadyCases(const std::vector<LabCase>& cases) {
  std::vector<const LabCase*> steady;
  for (const char* name : kSteadyCases) {
    const auto found = std::ranges::find(cases, name, FullName);
    if (found != cases.end()) steady.push_back(&*found);
  }
  return steady;
}

// The conditions that the command line asks for and this machine can emulate;
// prints those that it cannot.
std::vector<Condition> ConditionsFor(const CommandLine& line) {
  std::vector<Condition> conditions;
  for (const Condition& condition : AllConditions()) {
    const bool wanted =
        line.conditions.empty() ||
        std::ranges::any_of(line.conditions, [&](const std::string& pattern) {
          return ::fnmatch(pattern.c_str(), condition.name.c_str(), 0) == 0;
        });
    if (!wanted) continue;
    const std::string why = Impossible(condition, AllowedCores().size());
    if (why.empty()) {
      conditions.push_back(condition);
    } else {
      std::cout << fmt::format("{}: left out, {}\n", condition.name, why);
    }
  }
  return conditions;
}

// "speed checks of 50 tokens (5 or 60 %), ...": what marks depend on.
std::string SpeedChecksOf(Rubric rubric) {
  std::vector<std::string> checks;
  ForEachSpeedCheck(rubric, [&](const RubricCheck& check) {
    constexpr double kPercent = 100;
    checks.push_back(fmt::format("{} tokens ({:g} or {:g} %)",
                                 check.settings.at("new_tokens"),
                                 check.tiers.front().at_least,
                                 kPercent * check.settings.at("of_reference")));
  });
  return fmt::format("speed checks of {}", fmt::join(checks, ", "));
}

double LoadAverage() {
  double minute = 0;
  return ::getloadavg(&minute, 1) == 1 ? minute : 0;
}

bool PrintSummaries(std::span<const CampaignRun> runs) {
  bool same = true;
  for (const CampaignSummary& summary : Summarize(runs)) {
    std::cout << '\n' << SummaryText(summary);
    same = same && summary.Changes() == 0;
  }
  return same;
}

struct Setting {
  const Lab& lab;
  const Rubric& rubric;
  const std::vector<std::string>& parts;
  const Condition& condition;
};

// Grades once; `run` says what, and with which seed.
CampaignRun Measure(const Setting& setting, const LabCase& one,
                    CampaignRun run) {
  GradingOptions options;
  options.seed = run.seed;
  options.only = setting.parts;
  if (setting.condition.wide_baseline) {
    options.instead_of_baseline = RecomputingInAvx512;
  }
  run.load = LoadAverage();
  const Stopwatch watch;
  TakeMarks(setting.lab.Grade(one, setting.rubric, options), run);
  run.seconds = watch.Seconds();
  return run;
}

std::string LineOf(const CampaignRun& run) {
  return fmt::format(
      "{:<18}{:<34}{:g} of {:g}, {:.0f} s, load {:.1f}, bandwidth {:.2f}{}{}",
      run.condition, run.submission, run.points, run.judged, run.seconds,
      run.load, run.bandwidth_left, run.blocked.empty() ? "" : ", BLOCKED ",
      fmt::join(run.blocked, ", "));
}

void ExpectParts(const Rubric& rubric, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (std::ranges::find(rubric.parts, name, &RubricPart::Worker) ==
        rubric.parts.end()) {
      throw DataError("the rubric has no part '" + name + "'",
                      "nothing would be judged",
                      "name a module's folder, such as 03_memoization");
    }
  }
}

// Grades each steady case repeatedly in each condition, with new inputs. True
// if no mark ever changed.
bool RunSteadily(const std::vector<LabCase>& cases, const CommandLine& line) {
  std::vector<CampaignRun> runs;
  if (!line.record.empty()) runs = ReadRuns(line.record);
  Lab lab;
  const Rubric& rubric = line.full ? lab.FullRubric() : lab.Shorter();
  ExpectParts(rubric, line.parts);
  const std::vector<const LabCase*> steady = SteadyCases(cases);
  for (const LabCase* one : steady) lab.Compile(*one);
  const std::uint64_t seed = line.seed.value_or(std::random_device()());
  CampaignRun next;
  next.machine = fmt::format("{}, {} cores", CpuModel(), AllowedCores().size());
  next.rubric = fmt::format(
      "{}; {}",
      line.parts.empty() ? "all parts"
                         : fmt::format("{}", fmt::join(line.parts, ", ")),
      SpeedChecksOf(rubric));
  std::cout << fmt::format("{}\n{}\nseed {}\n", next.machine, next.rubric,
                           seed);
  // In turn, so that a run that is stopped early has covered all of them.
  for (std::size_t round = 0; round < line.stability; ++round) {
    for (const Condition& condition : ConditionsFor(line)) {
      next.condition = condition.name;
      std::vector<const LabCase*> missing;
      for (const LabCase* one : steady) {
        next.submission = FullName(*one);
        if (CountLike(runs, next) <= round) missing.push_back(one);
      }
      if (missing.empty()) continue;
      const Emulated emulated(condition);
      next.bandwidth_left = emulated.BandwidthLeft();
      for (const LabCase* one : missing) {
        next.submission = FullName(*one);
        next.seed = seed + round;
        CampaignRun run =
            Measure({lab, rubric, line.parts, condition}, *one, next);
        if (!line.record.empty()) Record(run, line.record);
        std::cout << fmt::format("{:<4}{}", round + 1, LineOf(run))
                  << std::endl;
        runs.push_back(std::move(run));
      }
    }
  }
  return PrintSummaries(runs);
}

bool Sum(const std::vector<fs::path>& files) {
  std::vector<CampaignRun> runs;
  for (const fs::path& file : files) {
    for (CampaignRun& run : ReadRuns(file)) runs.push_back(std::move(run));
  }
  return PrintSummaries(runs);
}

// As FOLDER/KIND/NAME/modules/...: a class to try things with.
void WriteAll(const std::vector<LabCase>& cases, const fs::path& folder) {
  if (!fs::create_directory(folder)) {
    throw DataError(folder.string() + ": exists already",
                    "what is in it would be handed in as well",
                    "name a folder that does not exist");
  }
  for (const LabCase& one : cases) {
    for (const auto& [name, content] : SubmissionOf(one, Runfile(""))) {
      const fs::path file = folder / one.kind / one.name / name;
      fs::create_directories(file.parent_path());
      std::ofstream out(file, std::ios::binary);
      if (!(out << content).flush()) {
        throw DataError(file.string() + ": cannot be written",
                        "a submission would be incomplete",
                        "make room on the disk and begin anew");
      }
    }
  }
}

// Of the cases of one kind; all others stay. The same seed keeps the same.
void KeepSome(std::vector<LabCase>& cases, const std::string& kind,
              std::size_t count, std::uint64_t seed) {
  std::vector<std::string> names;
  for (const LabCase& one : cases) {
    if (one.kind == kind) names.push_back(one.name);
  }
  std::mt19937_64 random(seed);
  std::ranges::shuffle(names, random);
  names.resize(std::min(names.size(), count));
  const std::set<std::string> kept(names.begin(), names.end());
  std::erase_if(cases, [&](const LabCase& one) {
    return one.kind == kind && !kept.contains(one.name);
  });
}

int Main(int argc, char** argv) {
  const CommandLine line = Parse(argc, argv);
  if (!line.summarize.empty()) return Sum(line.summarize) ? 0 : 1;
  const std::uint64_t seed = line.seed.value_or(std::random_device()());
  std::vector<LabCase> cases = AllCases();
  if (line.stability > 0) return RunSteadily(cases, line) ? 0 : 1;
  std::erase_if(
      cases, [&](const LabCase& one) { return !Wanted(one, line.patterns); });
  if (line.bugs) KeepSome(cases, "bug", *line.bugs, seed);
  if (line.exploits) KeepSome(cases, "exploit", *line.exploits, seed);
  if (cases.empty()) {
    std::cerr << "kvlab graderlab: no case has such a name; --list shows all\n";
    return 2;
  }
  if (line.list) {
    for (const LabCase& one : cases) {
      std::cout << fmt::format("{:<46} {}\n", FullName(one), one.title);
    }
    return 0;
  }
  if (!line.write.empty()) {
    WriteAll(cases, line.write);
    return 0;
  }
  return RunAll(cases, line, seed) ? 0 : 1;
}

}  // namespace
}  // namespace kvlab::grading

int main(int argc, char** argv) {
  try {
    return kvlab::grading::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\nthe grader failed: %s\n", error.what());
    return 1;
  }
}
