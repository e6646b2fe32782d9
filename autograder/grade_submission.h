// Grades one submission: a path in, a report out.
#ifndef KVLAB_AUTOGRADER_GRADE_SUBMISSION_H_
#define KVLAB_AUTOGRADER_GRADE_SUBMISSION_H_

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autograder/machine/building/build_workers.h"
#include "autograder/machine/building/compiled_files.h"
#include "autograder/machine/building/staged_kit.h"
#include "autograder/machine/checker/endpoint.h"
#include "autograder/machine/submission/module_files.h"
#include "autograder/report/report.h"
#include "autograder/scoring/iso_time.h"
#include "autograder/scoring/rubric.h"
#include "quiz/quiz.h"

namespace kvlab::grading {

inline constexpr const char* kTimedLater =
    "not timed yet: speed is measured while nothing else runs";

struct GradingOptions {
  std::uint64_t seed = 0;
  // The parts of the rubric to grade: folders of modules, or kEverything. All
  // if empty.
  std::vector<std::string> only = {};
  // Marks that stay, see ScoringOptions. Only what the others need is built.
  const Marks* earlier = nullptr;
  // Checks that have tiers, which are of a speed, are not run: they are
  // blocked, and say kTimedLater.
  bool timed_later = false;
  // The name in the report; the path's last part if empty.
  std::string name = {};
  // The authors, if known: the answers must belong to one of them.
  std::vector<std::string> students = {};
  // When it was handed in; without it no late policy applies.
  std::optional<ClockTime> submitted_at;
  // For the grader's own tests: what answers in place of the reference's worker
  // that times are compared with, and forwards to it.
  std::function<std::unique_ptr<Endpoint>(std::unique_ptr<Endpoint> baseline)>
      instead_of_baseline = nullptr;
  // Called with the current step: "3.6 Cached attention: Steps".
  std::function<void(const std::string& what)> on_progress;
};

// The concept checks of modules, by folder.
using Quizzes = std::map<std::string, Quiz>;

// Reads `root`/modules/*/quiz.toml of those modules that have one. Their
// answers are the first of the module's papers. Throws DataError if it has
// none, or for an invalid quiz.
Quizzes LoadQuizzes(const std::filesystem::path& root,
                    const std::vector<ModuleFiles>& modules);

// Shared by all submissions of a run.
struct GradingSetup {
  const Rubric& rubric;
  const StagedKit& kit;
  const Quizzes& quizzes;
  std::filesystem::path checkpoint;  // as this process finds it
  std::string isolation;  // as ProbeIsolation found it, for the report
  // The course's own sources that need not be compiled again, see BuildOptions.
  std::span<const KnownBuild> known = {};
  // Objects that were compiled for other submissions; may be null.
  const CompiledFiles* compiled = nullptr;
};

// Throws DataError if a part of the rubric names a module that the kit, or,
// for concept checks, the quizzes, do not have.
void ExpectModulesOf(const GradingSetup& setup);

// Reads, compiles, runs and marks. Faults of the submission are in the report;
// throws GraderError or SandboxError for a fault of the grader.
Report GradeSubmission(const GradingSetup& setup,
                       const std::filesystem::path& path,
                       const GradingOptions& options);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_GRADE_SUBMISSION_H_
