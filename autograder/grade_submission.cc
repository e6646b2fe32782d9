#include "autograder/grade_submission.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/quiz_paper.h"
#include "autograder/machine/building/build_workers.h"
#include "autograder/machine/checker/counting_endpoint.h"
#include "autograder/machine/checker/discreet_endpoint.h"
#include "autograder/machine/checker/endpoint.h"
#include "autograder/machine/checker/local_endpoint.h"
#include "autograder/machine/checker/worker_endpoint.h"
#include "autograder/machine/protocol/channel.h"
#include "autograder/machine/submission/submission.h"
#include "autograder/machine/submission/submission_names.h"
#include "autograder/machine/text/printable.h"
#include "autograder/scoring/scoring.h"
#include "fmt/chrono.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"
#include "kit/measure/stopwatch.h"
#include "kit/model/random.h"
#include "quiz/answer_sheet.h"
#include "quiz/variant.h"

namespace kvlab::grading {
namespace {

// The contents of the answer sheet, or why it does not count.
struct AnswersRead {
  std::optional<QuizPaper> paper;
  std::string problem;       // for the author: it names no other person
  std::string student = {};  // the id on the sheet, if it can be read
};

AnswersRead ReadAnswers(const Quiz& quiz, const SubmittedFile& file,
                        const std::string& path,
                        const std::vector<std::string>& students) {
  if (!file.IsPresent()) return {{}, path + ": " + file.problem};
  try {
    AnswerSheet sheet = ParseAnswerSheet(file.content, path);
    const auto is_theirs = [&](const std::string& student) {
      return StudentId(student) == sheet.student;
    };
    if (!students.empty() && std::ranges::none_of(students, is_theirs)) {
      return {{},
              fmt::format("{}: these are answers of another person than {}",
                          path, fmt::join(students, ", ")),
              sheet.student};
    }
    std::string student = sheet.student;
    return {QuizPaper{quiz, std::move(sheet)}, "", std::move(student)};
  } catch (const DataError& error) {
    return {{}, Printable(error.what())};
  }
}

// By the module whose concept checks they answer.
std::map<std::string, AnswersRead> ReadAllAnswers(
    const GradingSetup& setup, const Submission& submission,
    const std::vector<std::string>& students) {
  std::map<std::string, AnswersRead> answers;
  for (const ModuleFiles& module : setup.kit.Modules()) {
    const auto quiz = setup.quizzes.find(module.folder);
    if (quiz == setup.quizzes.end()) continue;
    const std::string path = CoursePath(module, module.papers.front());
    answers.emplace(
        module.folder,
        ReadAnswers(quiz->second, submission.files.at(path), path, students));
  }
  return answers;
}

// The workers of one submission, part by part.
class Workers {
 public:
  Workers(const GradingSetup& setup, const Submission& submission,
          const SubmissionBuild& build,
          const std::map<std::string, AnswersRead>& answers)
      : setup_(setup),
        submission_(submission),
        build_(build),
        answers_(answers) {
    WorkerOptions baseline = Options(setup.kit.ReferenceWorker());
    baseline.model = setup.kit.KeptModel();
    baseline.host = setup.kit.KeeperHost();
    baseline.limits.cpu_seconds = kBaselineCpuSeconds;
    baseline_ = std::make_unique<WorkerEndpoint>(baseline);
    WorkerOptions specimens = Options(setup.kit.SpecimenWorker());
    specimens.model = "";
    specimens.host = setup.kit.KeeperHost();
    specimens.limits.address_space_bytes = kSpecimenBytes;
    specimens_ = std::make_unique<WorkerEndpoint>(specimens);
  }

  // Once, before any part is set up.
  void ReplaceBaseline(const GradingOptions& options) {
    if (options.instead_of_baseline) {
      baseline_ = options.instead_of_baseline(std::move(baseline_));
    }
  }

  PartSetup SetUp(const RubricPart& part) {
    if (part.judged == Judged::kQuiz) {
      Answerers answerers = {.reference = &reference_};
      const AnswersRead& answers = answers_.at(part.module);
      if (answers.paper) answerers.paper = &*answers.paper;
      return {.answerers = answerers, .trouble = answers.problem};
    }
    const WorkerRecipe& recipe = setup_.kit.Manifest().Worker(part.Worker());
    const auto built = build_.workers.find(recipe.name);
    if (built == build_.workers.end()) {
      return {
          .answerers = {}, .trouble = "", .modules = recipe.student_modules};
    }
    const WorkerBuild& worker = built->second;
    PartSetup setup = {.answerers = {},
                       .trouble = Trouble(part, worker),
                       .modules = recipe.student_modules};
    if (!worker.Built()) return setup;
    student_.emplace(Options(worker.program), words_);
    setup.answerers = AnswerersWith(*student_);
    if (part.judged == Judged::kModule) {
      setup.with_task_alone =
          [this, &part](const RubricTask& task,
                        const std::function<void(const Answerers&)>& judge) {
            const WorkerBuild& alone = BuildAlone(part, task);
            if (!alone.Built()) return;
            Student student(Options(alone.program), words_);
            judge(AnswerersWith(student));
          };
    }
    return setup;
  }

 private:
  // The student's code, twice: where it answers and where it is counted. What
  // either says passes through `words`.
  struct Student {
    Student(const WorkerOptions& options, WorkersWords& words)
        : worker(options),
          counted(options),
          discreet_worker(worker, words),
          discreet_counted(counted, words) {}
    WorkerEndpoint worker;
    CountingEndpoint counted;
    DiscreetEndpoint discreet_worker;
    DiscreetEndpoint discreet_counted;
  };

  Answerers AnswerersWith(Student& student) {
    return {.student = &student.discreet_worker,
            .reference = &reference_,
            .baseline = baseline_.get(),
            .counted = &student.discreet_counted,
            .instructions_of_last_call =
                [&student] { return student.counted.InstructionsOfLastCall(); },
            .specimens = specimens_.get()};
  }

  // The worker in which only `task` is the student's. What one task compiled
  // serves the module's others.
  const WorkerBuild& BuildAlone(const RubricPart& part,
                                const RubricTask& task) {
    const std::string worker = part.Worker();
    auto found = alone_.find(task.id);
    if (found == alone_.end()) {
      BuildOptions options = {.known = setup_.known,
                              .compiled = setup_.compiled,
                              .alone = TaskAlone{task.id, worker}};
      const auto same = compiled_alone_.find(worker);
      if (same != compiled_alone_.end()) options.known = {&same->second, 1};
      SubmissionBuild build = BuildWorkers(setup_.kit, submission_, options);
      found = alone_.emplace(task.id, build.workers.at(worker)).first;
      if (same == compiled_alone_.end()) {
        compiled_alone_[worker] = {submission_, std::move(build)};
      } else {
        also_alone_.push_back(std::move(build));
      }
    }
    return found->second;
  }

  WorkerOptions Options(const std::filesystem::path& program) const {
    WorkerOptions options;
    options.program = program;
    options.model = setup_.kit.Model();
    options.host = setup_.kit.Host();
    return options;
  }

  // The compiler's words belong to the part of the module that they are about.
  std::string Trouble(const RubricPart& part, const WorkerBuild& worker) const {
    if (part.judged == Judged::kModule) {
      const std::string& problem = build_.modules.at(part.module).problem;
      if (!problem.empty()) return problem;
    }
    return worker.problem;
  }

  // It recomputes for all speed checks of a submission, on a busy machine for
  // many pairs.
  static constexpr std::uint64_t kBaselineCpuSeconds = 3600;
  // What a student's tests fill is the size that they ask for.
  static constexpr std::uint64_t kSpecimenBytes = std::uint64_t{1} << 30U;

  const GradingSetup& setup_;
  const Submission& submission_;
  const SubmissionBuild& build_;
  const std::map<std::string, AnswersRead>& answers_;
  LocalEndpoint reference_;
  std::unique_ptr<Endpoint> baseline_;
  std::unique_ptr<Endpoint> specimens_;
  // What all of them may say together.
  WorkersWords words_;
  std::optional<Student> student_;
  // By task, and the folders that hold them.
  std::map<std::string, WorkerBuild> alone_;
  std::map<std::string, KnownBuild> compiled_alone_;  // by worker
  std::vector<SubmissionBuild> also_alone_;
};

// What is drawn once for each author, if they are known: by the platform, or by
// the id on their answer sheet.
std::optional<std::uint64_t> AuthorSeed(const GradingOptions& options,
                                        const std::string& answered_as) {
  std::vector<std::string> authors = options.students;
  if (authors.empty() && !answered_as.empty()) authors = {answered_as};
  if (authors.empty()) return std::nullopt;
  // The same for a group, in whatever order it is named.
  return SeedFrom(0, std::ranges::min(authors));
}

// Whether none of the requested files is present.
bool IsEmpty(const Submission& submission) {
  return std::ranges::none_of(submission.files, [](const auto& file) {
    return !file.second.found_at.empty();
  });
}

// Missing files of a module are reported in the module's part.
std::vector<std::string> Notices(const Submission& submission) {
  std::vector<std::string> notices = submission.notes;
  if (IsEmpty(submission)) {
    notices.push_back(
        fmt::format("none of the {} files that the modules ask for is here, so "
                    "nothing was compiled; hand in what ./kvlab submit packs",
                    submission.files.size()));
  }
  if (!submission.taken_by_name.empty()) {
    notices.push_back(
        fmt::format("taken by name, since the folder is not the module's: {}",
                    fmt::join(submission.taken_by_name, ", ")));
  }
  if (submission.ignored_count > 0) {
    constexpr std::size_t kShown = 4;
    const std::size_t shown = std::min(kShown, submission.ignored.size());
    const std::size_t more = submission.ignored_count - shown;
    notices.push_back(
        fmt::format("ignored, since no module asks for it: {}{}",
                    fmt::join(std::span(submission.ignored).first(shown), ", "),
                    more > 0 ? fmt::format(" and {} more", more) : ""));
  }
  return notices;
}

// What the author and the instructor must know about these marks as a whole.
std::vector<std::string> BudgetNotices(const Rubric& rubric,
                                       const Report& report) {
  std::vector<std::string> notices;
  if (report.build_seconds >= rubric.limits.build_seconds) {
    notices.push_back(
        fmt::format("compiling and linking took {:.0f} seconds, all that a "
                    "submission has: what was not ready counts as not compiled",
                    report.build_seconds));
  }
  if (report.marks.out_of_time) {
    notices.push_back(fmt::format(
        "the answers took {:.0f} seconds, all that a submission has: what was "
        "asked after that counts as not answered",
        rubric.limits.submission_seconds));
  }
  if (const double blocked = report.marks.BlockedPoints(); blocked > 0) {
    notices.push_back(fmt::format(
        "PROVISIONAL: checks worth {:g} points could not be judged on this "
        "busy "
        "machine. They are neither earned nor lost, and the marks count "
        "without them; grade again while it does nothing else",
        blocked));
  }
  return notices;
}

// A path that cannot be read as a submission counts as an empty one.
Submission ReadOrEmpty(const std::filesystem::path& path, const StagedKit& kit,
                       std::vector<std::string>& notices) {
  try {
    return ReadSubmission(path, kit.Modules());
  } catch (const DataError& error) {
    notices.emplace_back(error.what());
  }
  Submission empty;
  for (const ModuleFiles& module : kit.Modules()) {
    for (const auto* names : {&module.files, &module.papers}) {
      for (const std::string& file : *names) {
        empty.files[CoursePath(module, file)].problem = "it is missing";
      }
    }
  }
  return empty;
}

// The workers of the parts that have something to run.
std::vector<std::string> WorkersToBuild(const Rubric& rubric,
                                        const GradingOptions& options) {
  std::vector<std::string> workers;
  for (const RubricPart& part : rubric.parts) {
    const bool is_wanted =
        options.only.empty() ||
        std::ranges::find(options.only, part.Worker()) != options.only.end();
    if (is_wanted && part.judged != Judged::kQuiz &&
        HasChecksToRun(part, options.earlier)) {
      workers.push_back(part.Worker());
    }
  }
  return workers;
}

// All checks, where those of a speed only say that they are left for later.
Checks ChecksWithoutTiming() {
  Checks checks = AllChecks();
  for (Check& check : checks) {
    if (check.tiers_of.empty()) continue;
    check.run = [](Exam&) -> Verdict { throw CheckBlocked{kTimedLater}; };
  }
  return checks;
}

std::string Now() {
  return fmt::format("{:%FT%T}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace

Quizzes LoadQuizzes(const std::filesystem::path& root,
                    const std::vector<ModuleFiles>& modules) {
  Quizzes quizzes;
  for (const ModuleFiles& module : modules) {
    const std::filesystem::path file = root / CoursePath(module, "quiz.toml");
    if (!std::filesystem::exists(file)) continue;
    if (module.papers.empty()) {
      throw DataError(
          "modules/" + module.folder + "/module.toml names no 'papers'",
          "the module has concept checks, and their answers are handed in",
          "write there: papers = [\"answers.json\"]");
    }
    quizzes.emplace(module.folder, LoadQuiz(file));
  }
  return quizzes;
}

void ExpectModulesOf(const GradingSetup& setup) {
  for (const RubricPart& part : setup.rubric.parts) {
    if (part.judged != Judged::kQuiz) {
      setup.kit.Manifest().Worker(part.Worker());
    } else if (!setup.quizzes.contains(part.module)) {
      throw DataError(
          "there are no concept checks of '" + part.module + "' to judge",
          "modules/" + part.module + "/quiz.toml is missing",
          "name a module that has one in the rubric's part '" + part.title +
              "'");
    }
  }
}

Report GradeSubmission(const GradingSetup& setup,
                       const std::filesystem::path& path,
                       const GradingOptions& options) {
  const auto progress = [&](const std::string& what) {
    if (options.on_progress) options.on_progress(what);
  };
  Report report;
  report.name = options.name.empty()
                    ? SubmissionNames(std::span(&path, 1)).front()
                    : options.name;
  report.seed = options.seed;
  report.graded_at = Now();
  report.isolation = setup.isolation;
  const Submission submission = ReadOrEmpty(path, setup.kit, report.notices);
  for (std::string& notice : Notices(submission)) {
    report.notices.push_back(std::move(notice));
  }

  Stopwatch watch;
  SubmissionBuild build;
  const std::vector<std::string> workers_to_build =
      WorkersToBuild(setup.rubric, options);
  if (!workers_to_build.empty()) {
    progress("compiling");
    build = BuildWorkers(setup.kit, submission,
                         {.seconds = setup.rubric.limits.build_seconds,
                          .known = setup.known,
                          .compiled = setup.compiled,
                          .workers = workers_to_build});
  }
  report.build_seconds = watch.Seconds();

  watch.Restart();
  const std::map<std::string, AnswersRead> answers =
      ReadAllAnswers(setup, submission, options.students);
  for (const auto& [module, read] : answers) {
    if (!read.student.empty()) report.answered_as = read.student;
  }
  Workers workers(setup, submission, build, answers);
  workers.ReplaceBaseline(options);
  ScoringOptions scoring;
  scoring.seed = options.seed;
  scoring.author_seed = AuthorSeed(options, report.answered_as);
  scoring.checkpoint = {.in_worker = kModelFolder,
                        .here = setup.checkpoint.string()};
  scoring.set_up_part = [&](const RubricPart& part) {
    return workers.SetUp(part);
  };
  scoring.on_check = [&](const RubricTask& task, const RubricCheck& check) {
    progress(fmt::format("{} {}: {}", task.id, task.title, check.title));
  };
  scoring.wanted = [&](const RubricPart& part) {
    return options.only.empty() ||
           std::ranges::find(options.only, part.Worker()) != options.only.end();
  };
  scoring.earlier = options.earlier;
  report.marks =
      Score(setup.rubric,
            options.timed_later ? ChecksWithoutTiming() : AllChecks(), scoring);
  report.check_seconds = watch.Seconds();
  for (std::string& notice : BudgetNotices(setup.rubric, report)) {
    report.notices.push_back(std::move(notice));
  }
  if (setup.rubric.late_policy && options.submitted_at) {
    report.lateness =
        LatenessOf(*setup.rubric.late_policy, *options.submitted_at);
  }
  return report;
}

}  // namespace kvlab::grading
