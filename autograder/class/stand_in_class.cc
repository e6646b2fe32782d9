// ./kvlab class with a grader that only pretends, for tests of everything
// around it. The first word of a submission decides:
//   full     all points
//   blocked  a check that could not be judged, unless it is judged again
//   broken   the grader fails
//   some N   each check with a chance of N percent, by the seed
//   other    1.5 points of 6, by the seed
// STAND_IN_HANDOUT names the folder with what everybody was given.
// STAND_IN_CHECKS is a number of further checks, of a point each.
// STAND_IN_LOG names a file that gets a line for each grading that begins, and
// STAND_IN_MS is how long one takes.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "autograder/class/commands.h"
#include "autograder/class/grading.h"
#include "autograder/class/similarity/handout.h"
#include "autograder/report/report.h"
#include "autograder/scoring/rubric.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

RubricCheck Check(const std::string& name, double points) {
  RubricCheck check;
  check.name = name;
  check.run = name;
  check.title = "The " + name + " check";
  check.points = points;
  check.asked = "What was asked.";
  check.why = "Why it matters.";
  check.where = "header.h";
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
    task.checks.push_back(Check(fmt::format("cost.{}", i), 1));
  }
}

constexpr std::string_view kSome = "some ";

Rubric SmallRubric() {
  Rubric rubric;
  rubric.parts = {
      {.title = "Module 1: attention",
       .judged = Judged::kModule,
       .module = "01_attention",
       .tasks = {{.id = "1.1",
                  .title = "Softmax",
                  .checks = {Check("sum", 1.1), Check("mask", 2.2)}}}},
      {.title = "Module 3: memoization",
       .judged = Judged::kModule,
       .module = "03_memoization",
       .tasks = {
           {.id = "3.1", .title = "Speed", .checks = {Check("speed", 2.7)}}}}};
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

void LogStart(const GradingJob& job) {
  const std::string file = Environment("STAND_IN_LOG");
  if (file.empty()) return;
  std::ofstream(file, std::ios::app) << job.student + '\n' << std::flush;
}

Report Pretend(const Rubric& rubric, const GradingJob& job) {
  LogStart(job);
  const std::string wait = Environment("STAND_IN_MS");
  std::this_thread::sleep_for(
      std::chrono::milliseconds(wait.empty() ? 0 : std::stoi(wait)));
  std::ifstream stream(job.archive, std::ios::binary);
  const std::string content{std::istreambuf_iterator<char>(stream),
                            std::istreambuf_iterator<char>()};
  if (content.starts_with("broken")) {
    throw std::runtime_error("the disk is full");
  }
  Report report;
  report.seed = job.seed;
  report.isolation = "none: nothing runs";
  report.graded_at = "2027-01-16T12:00:00";
  report.notices = {"read from " + job.archive.string()};
  for (const RubricPart& part : rubric.parts) {
    if (!job.only.empty() && job.only.front() != part.Worker()) continue;
    PartMark& mark = report.marks.parts.emplace_back();
    mark.part = &part;
    for (const RubricTask& task : part.tasks) {
      TaskMark& of_task = mark.tasks.emplace_back();
      of_task.task = &task;
      for (const RubricCheck& check : task.checks) {
        CheckMark& judged = of_task.checks.emplace_back();
        judged.check = &check;
        judged.run = true;
        const bool is_full =
            content.starts_with("full") || content.starts_with("blocked") ||
            (content.starts_with(kSome) &&
             Passes(check, job.seed, std::stoi(content.substr(kSome.size()))));
        judged.points = is_full ? check.points : 0.5;
        judged.measured = fmt::format("{}", job.seed % 1000);
        judged.came_back = is_full ? "" : "too little";
        judged.blocked = check.name == "speed" && job.only.empty() &&
                         content.starts_with("blocked");
        if (judged.blocked) judged.points = 0;
      }
    }
  }
  return report;
}

Handout SmallHandout() {
  const std::filesystem::path folder = Environment("STAND_IN_HANDOUT");
  return {.course = folder, .given = {folder / "modules"}};
}

void WithStandIn(const GraderWishes& /*wishes*/,
                 const std::function<void(const ClassGrader&)>& use) {
  const Rubric rubric = SmallRubric();
  use({.rubric = rubric,
       .course_version = "2027.1",
       .machine = "a stand-in",
       .grade = [&](const GradingJob& job, const OnStep& on_step) {
         on_step("pretending");
         return Pretend(rubric, job);
       }});
}

}  // namespace
}  // namespace kvlab::grading

int main(int argc, char** argv) {
  return kvlab::grading::RunClass(argc, argv,
                                  {.with_grader = kvlab::grading::WithStandIn,
                                   .handout = kvlab::grading::SmallHandout});
}
