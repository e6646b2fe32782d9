#include "autograder/class/commands.h"

#include <pwd.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "autograder/class/class_marks.h"
#include "autograder/class/cluster/cluster_grader.h"
#include "autograder/class/cluster/shared_jobs.h"
#include "autograder/class/cluster/slurm.h"
#include "autograder/class/course_folder.h"
#include "autograder/class/export.h"
#include "autograder/class/find_attempts.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/grading.h"
#include "autograder/class/import.h"
#include "autograder/class/page_commands.h"
#include "autograder/class/platform_csv.h"
#include "autograder/class/regrade_command.h"
#include "autograder/class/roster.h"
#include "autograder/class/status.h"
#include "autograder/class/whole_file.h"
#include "autograder/machine/text/count.h"
#include "autograder/machine/text/printable.h"
#include "autograder/scoring/iso_time.h"
#include "autograder/scoring/visibility.h"
#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kProvisional = 3;

struct Options {
  fs::path folder = ".";
  // init
  NewCourse course;
  // import
  std::vector<fs::path> paths;
  std::optional<Origin> origin;
  std::optional<ClockTime> submitted_at;
  fs::path people;
  // grade
  GraderWishes wishes;
  std::size_t jobs = 0;
  std::string on;   // "slurm"; "": this machine
  fs::path shared;  // with the nodes
  fs::path keys;    // on a node
  std::size_t task = 0;
  // regrade
  RegradeOptions regrade;
  // appeal
  AppealOptions appeal;
  // export
  fs::path into;
  fs::path out;
  std::string column;
  fs::path long_csv;
  fs::path gradescope;
  fs::path reports;
  bool anonymous = false;
  Visibility revealed = Visibility::kVisible;
  // override
  Override change;
  // similar
  PageOptions pages;
};

std::string ProblemOfTime(const std::string& text) {
  if (ParseIsoTime(text)) return "";
  return "'" + text +
         "' is not a valid date with time and zone; write "
         "2027-01-15T23:59:00+01:00";
}

CLI::Option* AddTime(CLI::App& command, const std::string& name,
                     std::optional<ClockTime>& time,
                     const std::string& description) {
  return command
      .add_option_function<std::string>(
          name, [&time](const std::string& text) { time = ParseIsoTime(text); },
          description)
      ->check(CLI::Validator(ProblemOfTime, "TIME"));
}

void AddFolder(CLI::App& command, Options& options) {
  command.add_option("--in", options.folder, "the folder of the class")
      ->capture_default_str()
      ->check(CLI::ExistingDirectory);
}

void AddReveal(CLI::App& command, Options& options) {
  const std::map<std::string, Visibility> revealed = {
      {"after_due_date", Visibility::kAfterDueDate},
      {"after_published", Visibility::kAfterPublished}};
  command
      .add_option("--reveal", options.revealed,
                  "also show authors the checks concealed until then")
      ->transform(CLI::CheckedTransformer(revealed));
}

void AddInit(CLI::App& app, Options& options) {
  CLI::App& command = *app.add_subcommand(
      "init", "make the folder of a class: course.toml, roster.csv");
  command.add_option("DIR", options.folder, "the folder")->required();
  command.add_option("--title", options.course.title, "of the course")
      ->capture_default_str();
  AddTime(command, "--due", options.course.due,
          "the due date: 2027-01-15T23:59:00+01:00");
}

void AddImport(CLI::App& app, Options& options) {
  CLI::App& command = *app.add_subcommand(
      "import", "take in what people handed in, as platforms export it");
  AddFolder(command, options);
  command
      .add_option("PATH", options.paths,
                  "a zip of Canvas, Moodle or Gradescope, the folder that one "
                  "unpacks to, a folder of git repositories, or ID.zip")
      ->required()
      ->check(CLI::ExistingPath);
  const std::map<std::string, Origin> origins = {
      {"canvas", Origin::kCanvas},
      {"moodle", Origin::kMoodle},
      {"gradescope", Origin::kGradescope},
      {"git", Origin::kGit},
      {"plain", Origin::kPlain}};
  command
      .add_option_function<std::string>(
          "--from",
          [&options, origins](const std::string& name) {
            options.origin = origins.at(name);
          },
          "what the paths are: canvas, moodle, gradescope, git, plain")
      ->check(CLI::IsMember(origins));
  command
      .add_option("--people", options.people,
                  "the CSV of people that Canvas or Moodle exports, for their "
                  "numbers")
      ->check(CLI::ExistingFile);
  AddTime(command, "--submitted-at", options.submitted_at,
          "the time of attempts that come without one");
}

void AddWishes(CLI::App& command, GraderWishes& wishes) {
  command.add_option("--rubric", wishes.rubric, "another rubric.toml")
      ->check(CLI::ExistingFile);
  command.add_flag("--official", wishes.official,
                   "refuse to grade below the full level of isolation");
  command.add_flag(
      "--submissions-may-read-everything", wishes.may_read_everything,
      "grade even where a submission can access the files and processes of "
      "others, including the solutions");
}

void AddGrade(CLI::App& app, Options& options) {
  CLI::App& command = *app.add_subcommand(
      "grade", "grade what is not yet graded; it may be stopped at any time");
  AddFolder(command, options);
  command
      .add_option("--jobs", options.jobs,
                  "how many submissions at a time, until speed is measured; as "
                  "many as there are processors unless given")
      ->check(CLI::PositiveNumber);
  CLI::Option* on =
      command
          .add_option("--on", options.on,
                      "slurm: judge by jobs of a Slurm cluster; --jobs is then "
                      "how many it has at a time")
          ->check(CLI::IsMember({"slurm"}));
  command
      .add_option("--shared", options.shared,
                  "a folder that all nodes see under this path; in the "
                  "class's folder unless given")
      ->needs(on);
  AddWishes(command, options.wishes);
}

// What a job of --on slurm runs on its node.
void AddJudge(CLI::App& app, Options& options) {
  CLI::App& command = *app.add_subcommand("judge")->group("");
  command.add_option("KEYS", options.keys)->required();
  command.add_option("--task", options.task)
      ->envname("SLURM_ARRAY_TASK_ID")
      ->required();
  AddWishes(command, options.wishes);
}

void AddExport(CLI::App& app, Options& options) {
  CLI::App& command = *app.add_subcommand("export", "write marks and reports");
  AddFolder(command, options);
  CLI::Option* into =
      command
          .add_option("--into", options.into,
                      "the CSV that Canvas or Moodle exported, to be filled in")
          ->check(CLI::ExistingFile);
  CLI::Option* out =
      command.add_option("--out", options.out, "where the filled CSV goes");
  into->needs(out);
  out->needs(into);
  command
      .add_option("--column", options.column,
                  "the column to fill; for Moodle, Grade unless given")
      ->needs(into);
  command.add_option("--long", options.long_csv,
                     "a CSV with a line for each check of each person");
  command.add_option("--gradescope", options.gradescope,
                     "a CSV with the columns of Gradescope's grades");
  command.add_option("--reports", options.reports,
                     "a folder for the reports, in one folder per person");
  command.add_flag("--anonymous", options.anonymous,
                   "pseudonyms in --long and --reports");
  AddReveal(command, options);
}

void AddStatus(CLI::App& app, Options& options) {
  CLI::App& command = *app.add_subcommand(
      "status", "who has what: graded, blocked, missing, late days");
  AddFolder(command, options);
}

void AddOverride(CLI::App& app, Options& options) {
  CLI::App& command = *app.add_subcommand(
      "override", "give a check other points by hand, with the reason");
  AddFolder(command, options);
  command.add_option("ID", options.change.student, "the person")->required();
  command
      .add_option("CHECK", options.change.check,
                  "the check's name, as instructor.txt has it")
      ->required();
  command.add_option("POINTS", options.change.points, "its points from now on")
      ->required()
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--why", options.change.why,
                  "the reason, which the report shows")
      ->required()
      ->check([](const std::string& text) -> std::string {
        return text.find_first_not_of(" \t\n") == std::string::npos
                   ? "a reason must have words"
                   : "";
      });
  command.add_option("--by", options.change.by,
                     "who decides; the user's name unless given");
}

void WriteAndSay(const fs::path& file, const std::string& content) {
  WriteWholeFile(file, content);
  std::cout << "wrote " << PrintableLine(file.string()) << '\n';
}

std::string UserName() {
  const struct passwd* user = ::getpwuid(::getuid());
  return user == nullptr ? std::to_string(::getuid()) : user->pw_name;
}

int Init(const Options& options) {
  MakeCourseFolder(options.folder, options.course);
  std::cout << fmt::format(
      "made {}; next: list the people in its roster.csv, and read its "
      "course.toml\n",
      PrintableLine(options.folder.string()));
  return 0;
}

int ImportAll(const Options& options) {
  const CourseFolder course(options.folder);
  Gradebook book(course.Database());
  ImportOptions import;
  import.origin = options.origin;
  import.submitted_at = options.submitted_at;
  std::optional<PlatformCsv> people;
  if (!options.people.empty()) import.people = &people.emplace(options.people);
  const ImportSummary summary =
      Import(book, course.People(), options.paths, import);
  std::cout << ImportText(summary, book, course.People());
  return 0;
}

// The same program with the same wishes, on a node.
std::string JudgeCommand(const GraderWishes& wishes) {
  std::string command =
      ShellQuoted(fs::read_symlink("/proc/self/exe").string()) + " judge";
  if (wishes.official) command += " --official";
  if (wishes.may_read_everything) {
    command += " --submissions-may-read-everything";
  }
  if (!wishes.rubric.empty()) {
    command += " --rubric " + ShellQuoted(fs::absolute(wishes.rubric).string());
  }
  return command;
}

int Judge(const Options& options, const ClassProgram& program) {
  GraderWishes wishes = options.wishes;
  wishes.compiled = SharedJobs::CompiledBeside(options.keys);
  try {
    program.with_grader(wishes, [&](const ClassGrader& grader) {
      JudgeSharedJob(options.keys, options.task, grader);
    });
  } catch (const std::exception& error) {
    RefuseSharedJob(options.keys, options.task,
                    std::string("its grader fails: ") + error.what());
  }
  return 0;
}

int Grade(const Options& options, const ClassProgram& program) {
  const CourseFolder course(options.folder);
  Gradebook book(course.Database());
  GradingSummary summary;
  std::map<std::string, std::string> unfit;
  GraderWishes wishes = options.wishes;
  wishes.compiled = course.Compiled();
  program.with_grader(wishes, [&](const ClassGrader& grader) {
    GradingPlace place = {.workspace = course.Workspace(),
                          .jobs = options.jobs};
    if (options.on.empty()) {
      summary = GradeClass(book, course.People(), grader, place, program.show);
      return;
    }
    constexpr std::size_t kUsualJobs = 256;
    if (place.jobs == 0) place.jobs = kUsualJobs;
    ClusterGrader cluster(
        grader,
        options.shared.empty() ? options.folder / "cluster" : options.shared,
        JudgeCommand(options.wishes));
    summary = GradeClass(book, course.People(), cluster.Grader(), place,
                         program.show);
    unfit = cluster.Unfit();
  });
  if (program.clear) program.clear();
  for (const auto& [node, why] : unfit) {
    std::cout << PrintableLine(node + " took no part: " + why) << '\n';
  }
  std::cout << Count(summary.graded, "submission") << " graded\n";
  if (summary.elsewhere > 0) {
    std::cout << Count(summary.elsewhere, "submission")
              << " left to another grader that is running\n";
  }
  for (const std::string& failure : summary.failures) {
    std::cout << failure << '\n';
  }
  if (summary.not_now > 0) {
    std::cout << Count(summary.not_now, "submission")
              << " left, since no node may judge them now; the same command "
                 "tries again\n";
  }
  if (summary.blocked > 0) {
    std::cout << fmt::format(
        "PROVISIONAL: {} of them {} checks that could not be judged on this "
        "busy machine; class grade judges those again\n",
        summary.blocked, summary.blocked == 1 ? "has" : "have");
  }
  if (!summary.failures.empty()) return kFailed;
  return summary.blocked + summary.not_now > 0 ? kProvisional : 0;
}

int Export(const Options& options) {
  if (options.into.empty() && options.long_csv.empty() &&
      options.gradescope.empty() && options.reports.empty()) {
    std::cerr << "kvlab class: export what? give --into, --long, --gradescope "
                 "or --reports\n";
    return kUsage;
  }
  const CourseFolder course(options.folder);
  const Gradebook book(course.Database());
  const std::vector<PersonMarks> marks =
      MarksOfClass(course, book, options.revealed);
  const ExportNames names =
      options.anonymous ? ExportNames(book.Secret()) : ExportNames();
  if (!options.into.empty()) {
    const FilledColumn filled = FillColumn(
        PlatformCsv(options.into), options.column, course.People(), marks);
    WriteAndSay(options.out, filled.csv);
    std::cout << fmt::format("{} filled in, {} left as they were\n",
                             Count(filled.filled, "mark"), filled.left.size());
    for (const std::string& line : filled.left) {
      std::cout << "  " << line << '\n';
    }
  }
  if (!options.long_csv.empty()) {
    WriteAndSay(options.long_csv, LongCsv(marks, names));
  }
  if (!options.gradescope.empty()) {
    WriteAndSay(options.gradescope, GradescopeCsv(marks));
  }
  if (!options.reports.empty()) {
    const std::size_t count = WriteClassReports(marks, names, options.reports);
    std::cout << fmt::format("wrote the reports of {} to {}\n",
                             Count(count, "submission"),
                             PrintableLine(options.reports.string()));
  }
  return 0;
}

int PrintStatus(const Options& options) {
  const CourseFolder course(options.folder);
  const Gradebook book(course.Database());
  std::cout << StatusText(MarksOfClass(course, book, Visibility::kHidden));
  return 0;
}

int SetOverride(const Options& options) {
  const CourseFolder course(options.folder);
  Gradebook book(course.Database());
  Override change = options.change;
  const PersonFound found = course.People().Find(change.student);
  if (found.person == nullptr) {
    throw DataError(PrintableLine(change.student) + ": " + found.problem,
                    "marks are of people on the roster",
                    "write the id as the roster does");
  }
  change.student = found.person->id;
  if (change.by.empty()) change.by = UserName();
  for (PersonMarks& marks : MarksOfClass(course, book, Visibility::kHidden)) {
    if (marks.person->id != change.student) continue;
    if (!marks.IsGraded()) {
      throw DataError(PrintableLine(change.student) + ": not graded yet",
                      "an override changes the points of a graded check",
                      "run ./kvlab class grade first");
    }
    const CheckMark& mark = CheckNamed(marks.restored.report, change.check);
    if (change.points > mark.check->points) {
      throw DataError(fmt::format("{} points are more than the check has",
                                  NumberText(change.points)),
                      fmt::format("it has {}", NumberText(mark.check->points)),
                      "give at most these");
    }
    const double before = mark.points;
    book.Atomically([&] { book.Set(change); });
    std::cout << PrintableLine(fmt::format(
                     "{}: {} has {} of {} points, not {}", change.student,
                     change.check, NumberText(change.points),
                     NumberText(mark.check->points), NumberText(before)))
              << '\n';
  }
  return 0;
}

}  // namespace

int RunClass(int argc, char** argv, const ClassProgram& program) {
  Options options;
  CLI::App app("A class: who handed in what, and what came of it.",
               "kvlab class");
  app.require_subcommand(1);
  AddInit(app, options);
  AddImport(app, options);
  AddGrade(app, options);
  AddJudge(app, options);
  AddFolder(AddRegrade(app, options.regrade), options);
  AddFolder(AddAppeal(app, options.appeal), options);
  AddStatus(app, options);
  AddExport(app, options);
  AddOverride(app, options);
  AddPageCommands(app, options.folder, options.pages);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    std::cerr << "kvlab class: " << Printable(error.what()) << '\n';
    return kUsage;
  }
  const std::map<std::string, std::function<int()>> commands = {
      {"init", [&] { return Init(options); }},
      {"import", [&] { return ImportAll(options); }},
      {"grade", [&] { return Grade(options, program); }},
      {"judge", [&] { return Judge(options, program); }},
      {"regrade",
       [&] { return Regrade(options.folder, options.regrade, program); }},
      {"appeal",
       [&] { return AppealMark(options.folder, options.appeal, program); }},
      {"status", [&] { return PrintStatus(options); }},
      {"export", [&] { return Export(options); }},
      {"override", [&] { return SetOverride(options); }},
      {"similar",
       [&] {
         return RunSimilar(options.folder, program.handout,
                           options.pages.similar);
       }},
      {"report",
       [&] { return RunReport(options.folder, options.pages.report); }}};
  try {
    return commands.at(app.get_subcommands().front()->get_name())();
  } catch (const std::exception& error) {
    if (program.clear) program.clear();
    std::cerr << "kvlab class: " << Printable(error.what()) << '\n';
    return kFailed;
  }
}

}  // namespace kvlab::grading
