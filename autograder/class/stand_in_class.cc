// ./kvlab class with a grader that only pretends, for tests of everything
// around it. The first word of a submission decides:
//   full     all points
//   blocked  a check that could not be judged, unless it is judged again
//   timed    all points, the speed in a second step
//   lucky    all points but for the sum, which depends on the seed
//   broken   the grader fails
//   crash    the grader's process ends
//   some N   each check with a chance of N percent, by the seed
//   other    half a point for each check
// STAND_IN_HANDOUT names the folder with what everybody was given.
// STAND_IN_CHECKS is a number of further checks, of a point each.
// STAND_IN_LOG names a file that gets a line for each grading that begins,
// STAND_IN_RUNS one that gets a line for each check that is run, and
// STAND_IN_MS is how long a grading takes. A check that STAND_IN_GENEROUS names
// gives everybody all points, as another program would; one that STAND_IN_BUSY
// names cannot be judged. Nodes that STAND_IN_SLOW names must not time; on
// those that STAND_IN_ABSENT names the grader does not start. With
// STAND_IN_SHOW each step is shown. A rubric has a line for each check: its
// name, its points, and the setting that makes it generous as well.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "autograder/class/commands.h"
#include "autograder/class/grading.h"
#include "autograder/class/similarity/handout.h"
#include "autograder/exam/check.h"
#include "autograder/exam/exam.h"
#include "autograder/report/report.h"
#include "autograder/scoring/rubric.h"
#include "autograder/scoring/scoring.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr const char* kGenerous = "generous";
constexpr const char* kTimedLater = "to be timed later";

RubricCheck Rule(const std::string& name, double points, double generous) {
  RubricCheck check;
  check.name = name;
  check.run = name;
  check.title = "The " + name + " check";
  check.points = points;
  check.asked = "What was asked.";
  check.why = "Why it matters.";
  check.where = "header.h";
  check.settings[kGenerous] = generous;
  return check;
}

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// A part of STAND_IN_CHECKS checks, if there are to be any.
void AddChecks(Rubric& rubric) {
  const std::string count = Environment("STAND_IN_CHECKS");
  if (count.empty()) return;
  RubricPart& part = rubric.parts.emplace_back();
  part.title = "Module 4: profiling";
  part.judged = Judged::kModule;
  part.module = "04_profiling";
  RubricTask& task = part.tasks.emplace_back();
  task.id = "4.1";
  task.title = "Cost";
  for (int i = 1; i <= std::stoi(count); ++i) {
    task.checks.push_back(Rule(fmt::format("cost.{}", i), 1, 0));
  }
}

constexpr std::string_view kSome = "some ";

// "speed" is of module 3, all others are of module 1.
Rubric SmallRubric(std::istream& lines) {
  Rubric rubric;
  rubric.parts = {{.title = "Module 1: attention",
                   .judged = Judged::kModule,
                   .module = "01_attention",
                   .tasks = {{.id = "1.1", .title = "Softmax", .checks = {}}}},
                  {.title = "Module 3: memoization",
                   .judged = Judged::kModule,
                   .module = "03_memoization",
                   .tasks = {{.id = "3.1", .title = "Speed", .checks = {}}}}};
  std::string name;
  double points = 0;
  double generous = 0;
  while (lines >> name >> points >> generous) {
    rubric.parts.at(name == "speed" ? 1 : 0)
        .tasks.front()
        .checks.push_back(Rule(name, points, generous));
  }
  AddChecks(rubric);
  return rubric;
}

// Whether a check passes for which the chance is `percent`: the same for the
// same seed.
bool Passes(const RubricCheck& check, std::uint64_t seed, int percent) {
  const std::size_t hash =
      std::hash<std::string>{}(fmt::format("{} {}", check.name, seed));
  constexpr std::size_t kPercent = 100;
  return hash % kPercent < static_cast<std::size_t>(percent);
}

void Log(const char* variable, const std::string& line) {
  const std::string file = Environment(variable);
  if (file.empty()) return;
  std::ofstream(file, std::ios::app) << line + '\n' << std::flush;
}

// Of the points of a check.
double Share(const RubricCheck& rule, const GradingJob& job,
             const std::string& content, bool is_generous) {
  constexpr double kLittle = 0.5;
  constexpr std::uint64_t kChances = 1000;
  if (content.starts_with("lucky") && rule.name == "sum") {
    return static_cast<double>(job.seed % kChances) / kChances;
  }
  if (content.starts_with(kSome)) {
    const int percent = std::stoi(content.substr(kSome.size()));
    return Passes(rule, job.seed, percent) ? 1 : kLittle / rule.points;
  }
  for (const char* word : {"full", "blocked", "timed", "lucky"}) {
    if (content.starts_with(word)) return 1;
  }
  return is_generous ? 1 : kLittle / rule.points;
}

// What a submission answers to a check.
Check Pretending(const RubricCheck& rule, const GradingJob& job,
                 const std::string& content) {
  const auto run = [&rule, &job, content](Exam& exam) {
    if (content.starts_with("timed") && rule.name == "speed" &&
        job.timed == TimedChecks::kDeferred) {
      throw CheckBlocked{kTimedLater};
    }
    Log("STAND_IN_RUNS", job.student + ' ' + rule.name);
    const bool is_busy = content.starts_with("blocked") &&
                         rule.name == "speed" && job.earlier == nullptr;
    if (is_busy || Environment("STAND_IN_BUSY") == rule.name) {
      throw CheckBlocked{"too busy"};
    }
    const bool is_generous = exam.Setting(kGenerous) > 0 ||
                             Environment("STAND_IN_GENEROUS") == rule.name;
    const double share = Share(rule, job, content, is_generous);
    return Verdict{.share = share,
                   .came_back = share < 1 ? "too little" : "",
                   .measured = fmt::format("{}", job.seed % 1000)};
  };
  return {rule.run, {kGenerous}, run};
}

Report Pretend(const Rubric& rubric, const GradingJob& job) {
  Log("STAND_IN_LOG", job.student);
  const std::string wait = Environment("STAND_IN_MS");
  std::this_thread::sleep_for(
      std::chrono::milliseconds(wait.empty() ? 0 : std::stoi(wait)));
  std::ifstream stream(job.archive, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(stream),
                            std::istreambuf_iterator<char>()};
  if (content.starts_with("broken")) {
    throw std::runtime_error("the disk is full");
  }
  if (content.starts_with("crash")) std::abort();
  Checks known;
  for (const RubricPart& part : rubric.parts) {
    for (const RubricCheck& rule : part.tasks.front().checks) {
      known.push_back(Pretending(rule, job, content));
    }
  }
  Report report;
  report.seed = job.seed;
  report.isolation = "none: nothing runs";
  report.graded_at = "2027-01-16T12:00:00";
  report.notices = {"read from " + job.archive.string()};
  ScoringOptions scoring;
  scoring.seed = job.seed;
  scoring.earlier = job.earlier;
  scoring.set_up_part = [](const RubricPart&) { return PartSetup{}; };
  report.marks = Score(rubric, known, scoring);
  for (PartMark& part : report.marks.parts) {
    for (CheckMark& mark : part.tasks.front().checks) {
      // Of a real clock, which a test cannot compare.
      mark.seconds = 0;
    }
  }
  return report;
}

// Whether this node is one of "n1,n2".
bool IsNodeIn(const char* variable) {
  const std::string node = Environment("SLURMD_NODENAME");
  return !node.empty() && Environment(variable).find(node) != std::string::npos;
}

std::string Unfit() { return IsNodeIn("STAND_IN_SLOW") ? "it is slow" : ""; }

Handout SmallHandout() {
  const std::filesystem::path folder = Environment("STAND_IN_HANDOUT");
  return {.course = folder, .given = {folder / "modules"}};
}

void WithStandIn(const GraderWishes& wishes,
                 const std::function<void(const ClassGrader&)>& use) {
  if (IsNodeIn("STAND_IN_ABSENT")) throw std::runtime_error("no sandbox");
  std::istringstream usual("sum 1.1 0\nmask 2.2 0\nspeed 2.7 0\n");
  std::ifstream other(wishes.rubric);
  const Rubric rubric = SmallRubric(
      wishes.rubric.empty() ? static_cast<std::istream&>(usual) : other);
  use({.rubric = rubric,
       .course_version = "2027.1",
       .machine = "a stand-in",
       .program = Environment("STAND_IN_GENEROUS"),
       .deferred = kTimedLater,
       .unfit = Unfit,
       .grade = [&](const GradingJob& job, const OnStep& on_step) {
         on_step("pretending");
         Report report = Pretend(rubric, job);
         on_step("done");
         return report;
       }});
}

}  // namespace
}  // namespace kvlab::grading

int main(int argc, char** argv) try {
  return kvlab::grading::RunClass(
      argc, argv,
      {.with_grader = kvlab::grading::WithStandIn,
       .show =
           [](const std::string& step) {
             if (!kvlab::grading::Environment("STAND_IN_SHOW").empty()) {
               std::cerr << step << '\n';
             }
           },
       .handout = kvlab::grading::SmallHandout});
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
