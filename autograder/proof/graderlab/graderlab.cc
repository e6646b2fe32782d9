// The grader's own test set: grades every case and compares the marks with what
// they must be. ./kvlab graderlab
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "autograder/exam/check.h"
#include "autograder/grade_submission.h"
#include "autograder/machine/building/build_workers.h"
#include "autograder/machine/building/staged_kit.h"
#include "autograder/machine/parallel/parallel.h"
#include "autograder/machine/runfiles/runfile.h"
#include "autograder/machine/sandbox/run.h"
#include "autograder/machine/sandbox/sandbox_error.h"
#include "autograder/machine/sandbox/sandbox_user.h"
#include "autograder/machine/sandbox/staging_folder.h"
#include "autograder/machine/submission/module_files.h"
#include "autograder/machine/submission/submission.h"
#include "autograder/proof/graderlab/judgement.h"
#include "autograder/proof/graderlab/lab_case.h"
#include "autograder/proof/graderlab/leftovers.h"
#include "autograder/proof/graderlab/stability.h"
#include "autograder/report/text_report.h"
#include "autograder/scoring/rubric.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

struct CommandLine {
  std::vector<std::string> patterns;
  bool list = false;
  bool verbose = false;
  bool full = false;
  std::size_t stability = 0;
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
  app.add_flag("--verbose", line.verbose, "print each author's whole report");
  app.add_option("--stability", line.stability,
                 "grade the steady cases so many times on a busy machine");
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
        quizzes_(LoadQuizzes(Runfile(""), kit_.Modules())) {
    RequireBubblewrap(user_);
    ExpectModulesOf(Setup(rubric_, kit_));
    for (const char* base : {"solutions", "modules"}) {
      const StagingFolder folder(user_);
      LabCase unchanged;
      unchanged.base = base;
      WriteSubmission(unchanged, Runfile(""), folder);
      Submission submission = ReadSubmission(folder.Path(), kit_.Modules());
      SubmissionBuild build = BuildWorkers(kit_, submission);
      known_.push_back({std::move(submission), std::move(build)});
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
    Result result;
    result.one = &one;
    const StagingFolder folder(user_);
    WriteSubmission(one, Runfile(""), folder);
    GradingOptions options;
    options.seed = seed;
    options.only = std::move(parts);
    if (!one.student.empty()) options.students = {one.student};
    const Report report = GradeSubmission(Setup(rubric, KitFor(one.isolation)),
                                          folder.Path(), options);
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

 private:
  GradingSetup Setup(const Rubric& rubric, const StagedKit& kit) const {
    return {rubric, kit, quizzes_, Checkpoint(), "", known_};
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

// Cases far from any threshold, whose marks must be the same each time.
constexpr std::array kSteadyCases = {"baseline/solutions",
                                     "honest/half_as_fast_as_asked",
                                     "bug/mask_aligned_top_left"};

// The count of the most frequent mark.
std::size_t Commonest(const std::map<std::string, std::size_t>& marks) {
  std::size_t most = 0;
  for (const auto& [given, times] : marks) most = std::max(most, times);
  return most;
}

// Grades each steady case repeatedly, with new inputs, while every core is
// busy. True if no mark ever changed.
bool RunSteadily(const std::vector<LabCase>& cases, const CommandLine& line) {
  const std::uint64_t seed = line.seed.value_or(std::random_device()());
  std::cout << "seed " << seed << ", every core busy; speed checks "
            << (line.full ? "as in the rubric" : "all at the first length")
            << '\n';
  std::size_t changes = 0;
  const Lab lab;
  const Rubric& rubric = line.full ? lab.FullRubric() : lab.Shorter();
  const BusyCores busy;
  std::vector<const LabCase*> steady;
  for (const LabCase& one : cases) {
    if (std::ranges::find(kSteadyCases, FullName(one)) != kSteadyCases.end()) {
      steady.push_back(&one);
    }
  }
  // In turn, so that a run that is stopped early has covered all of them.
  std::map<std::string, std::map<std::string, std::size_t>> marks;
  std::mutex counting;
  RunInParallel(line.stability * steady.size(), [&](std::size_t i) {
    const LabCase& one = *steady[i % steady.size()];
    const std::size_t run = i / steady.size();
    const Result result = lab.Run(one, rubric, seed + run);
    const std::scoped_lock lock(counting);
    ++marks[FullName(one)][result.given];
    std::cout << fmt::format("{:<4}{:<42}{}\n", run + 1, FullName(one),
                             result.given);
    for (const std::string& deviation : result.deviations) {
      std::cout << "    seed " << seed + run << ": "
                << OneLine(deviation, kDeviationColumns) << '\n';
    }
    std::cout << std::flush;
  });
  for (const auto& [name, given] : marks) {
    for (const auto& [points, times] : given) {
      std::cout << fmt::format("{:<46}{:<18}{} of {}\n", name, points, times,
                               line.stability);
    }
    changes += line.stability - Commonest(given);
  }
  std::cout << fmt::format("{} changes of a mark\n", changes);
  return changes == 0;
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
