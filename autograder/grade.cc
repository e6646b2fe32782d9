// grade PATH...: marks submissions and writes a report for each.
//
// Exit status: 0 for any marks, 1 if the grader itself failed, 2 for a usage
// error, 3 if the machine was too busy to judge some checks: those marks are
// provisional.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "autograder/exam/check.h"
#include "autograder/grade_submission.h"
#include "autograder/machine/architecture/architecture.h"
#include "autograder/machine/building/staged_kit.h"
#include "autograder/machine/runfiles/runfile.h"
#include "autograder/machine/sandbox/isolation.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/sandbox_user.h"
#include "autograder/machine/submission/module_files.h"
#include "autograder/machine/submission/submission_names.h"
#include "autograder/machine/text/printable.h"
#include "autograder/report/authors_view.h"
#include "autograder/report/report.h"
#include "autograder/report/text_report.h"
#include "autograder/report/write_failure.h"
#include "autograder/report/write_reports.h"
#include "autograder/scoring/iso_time.h"
#include "autograder/scoring/rubric.h"
#include "autograder/scoring/visibility.h"
#include "cli/progress_line.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"
#include "quiz/variant.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

// Exit statuses.
constexpr int kGraderFailed = 1;
constexpr int kProvisional = 3;

struct CommandLine {
  std::vector<fs::path> paths;
  fs::path out = "report";
  std::optional<std::uint64_t> seed;
  std::vector<std::string> only;  // folders of modules; empty: all
  std::optional<ClockTime> submitted_at;
  std::vector<std::string> students;
  Visibility revealed = Visibility::kVisible;
  bool official = false;
  bool reduced = false;
  bool may_read_everything = false;
  bool brief = false;
  fs::path rubric;
};

std::uint64_t FreshSeed() {
  std::random_device device;
  return std::uint64_t{device()} << 32U | device();
}

fs::path WorkerKit() { return Runfile("autograder/worker_kit/worker_kit"); }

// From the number of a module to its folder. Throws CLI::ValidationError if
// there is no such module.
std::string FolderOf(const std::string& number) {
  std::vector<int> numbers;
  for (const ModuleFiles& module : ReadModuleFiles(WorkerKit() / "include")) {
    if (std::to_string(module.number) == number) return module.folder;
    numbers.push_back(module.number);
  }
  throw CLI::ValidationError(
      "--module", fmt::format("there is no module {}; the course has {}",
                              number, fmt::join(numbers, ", ")));
}

// Parses the command line, or exits: 0 for --help, 2 for an error.
CommandLine Parse(int argc, char** argv) {
  CommandLine line;
  CLI::App app("Marks submissions: folders or zip files.", "kvlab grade");
  app.add_option("PATH", line.paths, "a submission: folder or zip")
      ->required()
      ->check(CLI::ExistingPath);
  app.add_option("--out", line.out, "where reports go, a folder for each")
      ->capture_default_str();
  app.add_option("--seed", line.seed, "repeats a run (see instructor.txt)");
  app.add_option_function<std::string>(
      "--module",
      [&](const std::string& number) { line.only = {FolderOf(number)}; },
      "judge only this module, given by its number");
  app.add_option_function<std::string>(
         "--submitted-at",
         [&](const std::string& text) {
           line.submitted_at = ParseIsoTime(text);
         },
         "time of submission, for the late policy: "
         "2027-01-15T23:59:00+01:00")
      ->check([](const std::string& text) {
        return ParseIsoTime(text)
                   ? ""
                   : "'" + text +
                         "' is not a valid date with time and zone; "
                         "write 2027-01-15T23:59:00+01:00";
      });
  app.add_option("--student", line.students,
                 "the author's id: concept checks must be answered under it; "
                 "repeat for each member of a group")
      ->allow_extra_args(false)
      ->check([](const std::string& id) -> std::string {
        try {
          StudentId(id);
          return "";
        } catch (const DataError& error) {
          return error.what();
        }
      });
  const std::map<std::string, Visibility> revealed = {
      {"after_due_date", Visibility::kAfterDueDate},
      {"after_published", Visibility::kAfterPublished}};
  app.add_option("--reveal", line.revealed,
                 "also show authors the checks concealed until then")
      ->transform(CLI::CheckedTransformer(revealed));
  app.add_option("--rubric", line.rubric, "another rubric.toml");
  app.add_flag("--official", line.official,
               "refuse to grade below the full level of isolation");
  app.add_flag("--reduced", line.reduced,
               "isolate as on a machine where bubblewrap does not work");
  app.add_flag(
      "--submissions-may-read-everything", line.may_read_everything,
      "grade even where a submission can access the files and processes "
      "of others, including the solutions");
  app.add_flag("--brief", line.brief, "print only lost points and why");
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    std::exit(app.exit(help));
  } catch (const CLI::ParseError& error) {
    std::cerr << "kvlab grade: " << Printable(error.what()) << '\n';
    std::exit(2);
  }
  return line;
}

Grading GradingOf(const CommandLine& line) {
  if (line.official) return Grading::kOfficial;
  return line.may_read_everything ? Grading::kMayReadEverything
                                  : Grading::kUsual;
}

SandboxHost HostFor(const CommandLine& line) {
  if (!line.reduced) return ChooseSandboxHost();
  const std::optional<SandboxUser> user = ChooseSandboxUser();
  return {.user = user,
          .confinement = Confinement::kReduced,
          .keeper = ChooseKeeper(user)};
}

// Reports ids that several submissions used: answers may have been shared.
void TellSharedIds(const std::vector<Report>& reports) {
  std::map<std::string, std::vector<std::string>> names;
  for (const Report& report : reports) {
    if (!report.answered_as.empty()) {
      names[report.answered_as].push_back(report.name);
    }
  }
  for (const auto& [student, submissions] : names) {
    if (submissions.size() < 2) continue;
    std::cout << fmt::format(
        "concept checks answered as {} in more than one submission: {}\n",
        student, fmt::join(submissions, ", "));
  }
}

// The exit status.
int GradeAll(const CommandLine& line) {
  std::cerr << ArchitectureNotice(ThisArchitecture()) << std::flush;
  const Rubric rubric = LoadRubric(
      line.rubric.empty() ? Runfile("autograder/rubric.toml") : line.rubric,
      AllChecks(), Runfile("autograder"));
  const fs::path checkpoint = Runfile("models/shakespeare-gpt2");
  const SandboxHost host = HostFor(line);
  const Isolation isolation = ProbeIsolation(host);
  RequireIsolation(isolation, GradingOf(line));
  std::cerr << isolation.Warning() << std::flush;
  const StagedKit kit(WorkerKit(), checkpoint, host);
  const Quizzes quizzes = LoadQuizzes(Runfile(""), kit.Modules());
  const std::string isolated =
      isolation.Text() +
      (isolation.KeepsFilesApart()
           ? ""
           : "; GRADED ALTHOUGH SUBMISSIONS COULD READ EVERYTHING");
  const GradingSetup setup = {rubric, kit, quizzes, checkpoint, isolated};
  ExpectModulesOf(setup);
  ProgressLine progress(WithoutTerminal::kEveryLine);
  const std::vector<std::string> names = SubmissionNames(line.paths);
  std::vector<Report> reports;
  bool all_graded = true;
  for (std::size_t i = 0; i < line.paths.size(); ++i) {
    const fs::path& path = line.paths[i];
    GradingOptions options;
    options.name = names[i];
    options.seed = line.seed.value_or(FreshSeed());
    options.only = line.only;
    options.submitted_at = line.submitted_at;
    options.students = line.students;
    options.on_progress = [&](const std::string& what) {
      progress.Show(PrintableLine(fmt::format(
          "[{}/{}] {}: {}", i + 1, line.paths.size(), path.string(), what)));
    };
    try {
      reports.push_back(GradeSubmission(setup, path, options));
    } catch (const std::exception& error) {
      // The other submissions are still graded.
      progress.Clear();
      std::cerr << fmt::format("{}: the grader failed: {}\n",
                               PrintableLine(path.string()),
                               Printable(error.what()));
      WriteFailure(names[i], error.what(), NewFolder(line.out, names[i]));
      all_graded = false;
      continue;
    }
    progress.Clear();
    reports.back().revealed = line.revealed;
    const fs::path folder = NewFolder(line.out, names[i]);
    WriteReports(reports.back(), folder);
    // Text concealed from the author is only in instructor.txt: a platform may
    // show this output.
    const AuthorsView author(reports.back());
    std::cout << (line.brief ? BriefText(author.Visible())
                             : FullText(author.Visible()))
              << "\nreports in " << PrintableLine(folder.string()) << "\n\n"
              << std::flush;
  }
  if (reports.size() > 1) std::cout << SummaryTable(reports);
  if (!line.brief) TellSharedIds(reports);
  if (!all_graded) return kGraderFailed;
  return std::ranges::any_of(reports,
                             [](const Report& report) {
                               return report.marks.BlockedPoints() > 0;
                             })
             ? kProvisional
             : 0;
}

}  // namespace
}  // namespace kvlab::grading

int main(int argc, char** argv) {
  try {
    return kvlab::grading::GradeAll(kvlab::grading::Parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "\nthe grader failed: %s\n",
                 kvlab::grading::Printable(error.what()).c_str());
    return kvlab::grading::kGraderFailed;
  }
}
