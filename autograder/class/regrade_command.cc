#include "autograder/class/regrade_command.h"

#include <cstddef>
#include <filesystem>
#include <iostream>
#include <string>

#include "CLI/CLI.hpp"
#include "autograder/class/appeal.h"
#include "autograder/class/commands.h"
#include "autograder/class/course_folder.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/grading.h"
#include "autograder/class/regrading.h"
#include "autograder/machine/text/count.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr int kFailed = 1;
constexpr int kProvisional = 3;

void PrintFailures(const GradingSummary& summary) {
  if (summary.elsewhere > 0) {
    std::cout << Count(summary.elsewhere, "submission")
              << " left to another grader that is running\n";
  }
  for (const std::string& failure : summary.failures) {
    std::cout << failure << '\n';
  }
}

void AddWishes(CLI::App& command, GraderWishes& wishes) {
  command
      .add_option("--rubric", wishes.rubric,
                  "the rubric.toml to go by, in place of the course's")
      ->check(CLI::ExistingFile);
  command.add_flag("--official", wishes.official,
                   "refuse to grade below the full level of isolation");
  command.add_flag(
      "--submissions-may-read-everything", wishes.may_read_everything,
      "grade even where a submission can access the files and processes of "
      "others, including the solutions");
}

std::string Outcome(const MarkChanges& changes, bool is_published) {
  const std::size_t all = changes.before.size();
  if (all == 0) return "no mark can change";
  const std::string marks =
      fmt::format("{} of {}", changes.marks, Count(all, "mark"));
  return is_published ? "published: " + marks + " changed"
                      : marks + (changes.marks == 1 ? " changes" : " change") +
                            "; nothing is published yet: the same command with "
                            "--publish does that";
}

}  // namespace

CLI::App& AddRegrade(CLI::App& app, RegradeOptions& options) {
  CLI::App& command = *app.add_subcommand(
      "regrade", "judge again what a change touches, and show what changes");
  CLI::Option* check =
      command
          .add_option("--check", options.again.checks,
                      "only this check, whose code has changed; may be given "
                      "several times")
          ->allow_extra_args(false);
  CLI::Option* part =
      command
          .add_option("--part", options.again.parts,
                      "only this part: a module's number or folder, a part's "
                      "title, or everything")
          ->allow_extra_args(false);
  part->excludes(check);
  command.add_flag("--publish", options.publish, "make the results the marks");
  AddWishes(command, options.wishes);
  return command;
}

int Regrade(const std::filesystem::path& folder, const RegradeOptions& options,
            const ClassProgram& program) {
  const CourseFolder course(folder);
  Gradebook book(course.Database());
  GraderWishes wishes = options.wishes;
  wishes.compiled = course.Compiled();
  int status = 0;
  program.with_grader(wishes, [&](const ClassGrader& grader) {
    Regrading regrading(course, book, grader, options.again);
    const GradingSummary summary = regrading.Run(program.show);
    if (program.clear) program.clear();
    const MarkChanges changes = regrading.Changes();
    std::cout << ChangesText(changes);
    PrintFailures(summary);
    if (options.publish) regrading.Publish();
    std::cout << Outcome(changes, options.publish) << '\n';
    if (!summary.failures.empty()) {
      status = kFailed;
    } else if (!changes.undecided.empty()) {
      status = kProvisional;
    }
  });
  return status;
}

CLI::App& AddAppeal(CLI::App& app, AppealOptions& options) {
  CLI::App& command = *app.add_subcommand(
      "appeal", "judge one attempt four times: does its mark stand?");
  command.add_option("ID", options.student, "the person")->required();
  AddWishes(command, options.wishes);
  return command;
}

int AppealMark(const std::filesystem::path& folder,
               const AppealOptions& options, const ClassProgram& program) {
  const CourseFolder course(folder);
  Gradebook book(course.Database());
  GraderWishes wishes = options.wishes;
  wishes.compiled = course.Compiled();
  int status = 0;
  program.with_grader(wishes, [&](const ClassGrader& grader) {
    const AppealOutcome outcome =
        Appeal(course, book, grader, options.student, program.show);
    if (program.clear) program.clear();
    std::cout << AppealText(outcome);
    if (outcome.Verdict() == AppealVerdict::kOpen) status = kProvisional;
  });
  return status;
}

}  // namespace kvlab::grading
