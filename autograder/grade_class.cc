// kvlab class VERB: a class of submissions, from the roster to the marks.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/class/commands.h"
#include "autograder/class/grading.h"
#include "autograder/class/similarity/handout.h"
#include "autograder/exam/check.h"
#include "autograder/fit_to_time.h"
#include "autograder/grade_submission.h"
#include "autograder/machine/architecture/architecture.h"
#include "autograder/machine/building/compiled_files.h"
#include "autograder/machine/building/staged_kit.h"
#include "autograder/machine/digest/digest.h"
#include "autograder/machine/runfiles/runfile.h"
#include "autograder/machine/sandbox/isolation.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/text/printable.h"
#include "autograder/report/course_version.h"
#include "autograder/scoring/rubric.h"
#include "cli/machine.h"
#include "cli/progress_line.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "quiz/variant.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

Grading GradingOf(const GraderWishes& wishes) {
  if (wishes.official) return Grading::kOfficial;
  return wishes.may_read_everything ? Grading::kMayReadEverything
                                    : Grading::kUsual;
}

// Those under which answers can be written: a roster may have any ids.
std::vector<std::string> AnswerIds(const std::vector<std::string>& members) {
  std::vector<std::string> ids;
  for (const std::string& member : members) {
    try {
      ids.push_back(StudentId(member));
    } catch (const DataError&) {
      // ./kvlab quiz refuses it as well
    }
  }
  return ids;
}

fs::path WorkerKit() { return Runfile("autograder/worker_kit/worker_kit"); }

void WithGrader(const GraderWishes& wishes,
                const std::function<void(const ClassGrader&)>& use) {
  std::cerr << ArchitectureNotice(ThisArchitecture()) << std::flush;
  const Rubric rubric = LoadRubric(
      wishes.rubric.empty() ? Runfile("autograder/rubric.toml") : wishes.rubric,
      AllChecks(), Runfile("autograder"));
  const SandboxHost host = ChooseSandboxHost();
  const Isolation isolation = ProbeIsolation(host);
  RequireIsolation(isolation, GradingOf(wishes));
  std::cerr << isolation.Warning() << std::flush;
  const fs::path checkpoint = Runfile("models/shakespeare-gpt2");
  const StagedKit kit(WorkerKit(), checkpoint, host);
  const Quizzes quizzes = LoadQuizzes(Runfile(""), kit.Modules());
  const std::string isolated =
      isolation.Text() +
      (isolation.KeepsFilesApart()
           ? ""
           : "; GRADED ALTHOUGH SUBMISSIONS COULD READ EVERYTHING");
  std::optional<CompiledFiles> compiled;
  if (!wishes.compiled.empty()) compiled.emplace(wishes.compiled, kit);
  const GradingSetup setup = {.rubric = rubric,
                              .kit = kit,
                              .quizzes = quizzes,
                              .checkpoint = checkpoint,
                              .isolation = isolated,
                              .known = {},
                              .compiled = compiled ? &*compiled : nullptr};
  ExpectModulesOf(setup);
  use({.rubric = rubric,
       .course_version = kCourseVersion,
       .machine = fmt::format("{}, {} processors", CpuModel(),
                              ::sysconf(_SC_NPROCESSORS_ONLN)),
       .program =
           Sha256(Sha256OfFiles("/proc/self/exe") + Sha256OfFiles(WorkerKit())),
       .deferred = kTimedLater,
       .unfit = [&] { return WhyUnfitToTime(rubric, kit, checkpoint); },
       .grade =
           [&](const GradingJob& job, const OnStep& on_step) {
             GradingOptions options;
             options.name = job.student;
             options.seed = job.seed;
             options.earlier = job.earlier;
             options.timed_later = job.timed == TimedChecks::kDeferred;
             options.students = AnswerIds(job.members);
             options.on_progress = on_step;
             return GradeSubmission(setup, job.archive, options);
           }});
}

Handout GivenToAll() {
  return {.course = Runfile(""),
          .given = {Runfile("modules"),
                    Runfile("autograder/worker_kit/worker_kit") / "include"}};
}

int Run(int argc, char** argv) {
  ProgressLine progress(WithoutTerminal::kNowAndThen);
  return RunClass(
      argc, argv,
      {.with_grader = WithGrader,
       .show = [&](const std::string& line) { progress.Show(line); },
       .clear = [&] { progress.Clear(); },
       .handout = GivenToAll});
}

}  // namespace
}  // namespace kvlab::grading

int main(int argc, char** argv) {
  try {
    return kvlab::grading::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvlab class: %s\n",
                 kvlab::grading::Printable(error.what()).c_str());
    return 1;
  }
}
