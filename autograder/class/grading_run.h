// Works through attempts of a class: claims each, calls the grader, and keeps
// what came of it, so that a call can be stopped and several can share the
// work.
#ifndef KVLAB_AUTOGRADER_CLASS_GRADING_RUN_H_
#define KVLAB_AUTOGRADER_CLASS_GRADING_RUN_H_

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "autograder/class/gradebook.h"
#include "autograder/class/grading.h"
#include "autograder/class/mark_record.h"
#include "autograder/class/roster.h"
#include "autograder/report/report.h"
#include "autograder/scoring/marks.h"

namespace kvlab::grading {

// A grading that is continued: the whole of it, and those of its marks that
// stay, in terms of the grader's rubric.
struct EarlierGrading {
  RestoredReport restored;
  Marks kept;
};

// The work of a run.
struct RunWork {
  // What is to be done, most urgent first. Asked again before each attempt, in
  // a transaction; what this run has tried is left out by the run.
  std::function<std::vector<Attempt>()> pending;
  // Nothing for an attempt that is graded from scratch.
  std::function<std::optional<EarlierGrading>(const Attempt& attempt)> earlier;
  // Keeps a record, in the transaction that ends the claim.
  std::function<void(const GradingRecord& record)> keep;
  // How many at a time; with more than one, timed checks must be deferred or
  // run on other machines.
  std::size_t jobs = 1;
  TimedChecks timed = TimedChecks::kMeasured;
};

// The reason of a record whose timed checks were deferred.
inline constexpr const char* kDeferred = "timed checks are still to be run";

// As GradeClass says. What is deferred is not counted as graded. While timed
// checks are measured, no other run on this folder does anything.
GradingSummary RunGrader(Gradebook& book, const ClassGrader& grader,
                         const std::filesystem::path& workspace,
                         const RunWork& work, const OnStep& on_progress);

// Where the archive was while it was graded is of no use to its author.
void ForgetFolder(const std::filesystem::path& folder, Report& report);

// Throws std::runtime_error if the disk is full.
void WriteArchive(const std::filesystem::path& file,
                  const std::string& content);

// Each person's attempt that counts, in the order of the roster.
std::vector<Attempt> CountingAttempts(const Gradebook& book,
                                      const Roster& roster);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_GRADING_RUN_H_
