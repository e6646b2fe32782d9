#include "autograder/class/appeal.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "autograder/class/class_marks.h"
#include "autograder/class/grader_lock.h"
#include "autograder/class/grading_run.h"
#include "autograder/class/mark_changes.h"
#include "autograder/class/mark_record.h"
#include "autograder/class/roster.h"
#include "autograder/machine/text/count.h"
#include "autograder/machine/text/printable.h"
#include "autograder/report/report.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

std::uint64_t FreshSeed() {
  std::random_device device;
  constexpr unsigned kHalf = 32;
  return std::uint64_t{device()} << kHalf | device();
}

// The attempt that counts. Throws DataError without one.
Attempt AttemptOf(const CourseFolder& course, const Gradebook& book,
                  const std::string& id) {
  const PersonFound found = course.People().Find(id);
  if (found.person == nullptr) {
    throw DataError(PrintableLine(id) + ": " + found.problem,
                    "marks are of people on the roster",
                    "write the id as the roster does");
  }
  const std::vector<Attempt> attempts = book.Attempts();
  const Attempt* attempt = CountingAttempt(attempts, found.person->id);
  if (attempt == nullptr) {
    throw DataError(PrintableLine(id) + ": handed in nothing",
                    "an appeal is against a mark",
                    "import what they handed in, and grade it");
  }
  return *attempt;
}

GradingRecord RecordOf(const Gradebook& book, const Attempt& attempt,
                       const ClassGrader& grader) {
  const std::optional<GradingRecord> record = book.RecordOf(attempt.id);
  if (!record) {
    throw DataError(PrintableLine(attempt.student) + ": not graded yet",
                    "an appeal is against a mark",
                    "run ./kvlab class grade first");
  }
  if (record->rubric != RubricRecord(grader.rubric)) {
    throw DataError(
        PrintableLine(attempt.student) + ": graded by another rubric",
        "marks of two rubrics cannot be compared",
        "give that one with --rubric, or run ./kvlab class regrade first");
  }
  return *record;
}

AppealRun Compared(const Report& before, const Report& again) {
  return {.seed = again.seed,
          .points = again.marks.Points(),
          .changes = CheckChanges(before, again),
          .blocked = again.marks.BlockedPoints() > 0};
}

// A check that is blocked on either side says nothing.
bool SaysNothing(const std::string& change) {
  return change.find("blocked, of ") != std::string::npos;
}

}  // namespace

AppealVerdict AppealOutcome::Verdict() const {
  bool open = false;
  for (const AppealRun& run : runs) {
    if (!std::ranges::all_of(run.changes, SaysNothing)) {
      return AppealVerdict::kDoesNotStand;
    }
    open = open || run.blocked;
  }
  return open ? AppealVerdict::kOpen : AppealVerdict::kStands;
}

AppealOutcome Appeal(const CourseFolder& course, Gradebook& book,
                     const ClassGrader& grader, const std::string& id,
                     const OnStep& on_progress) {
  const Attempt attempt = AttemptOf(course, book, id);
  const GradingRecord record = RecordOf(book, attempt, grader);
  const RestoredReport before = Restore(record.rubric, record.marks);
  const GraderLock lock(book, course.Workspace());
  GradingJob job = {.student = attempt.student,
                    .members = attempt.members,
                    .archive = lock.Folder() / "submission",
                    .seed = attempt.seed,
                    .earlier = nullptr,
                    .timed = TimedChecks::kMeasured};
  WriteArchive(job.archive, book.Content(attempt));
  AppealOutcome outcome = {.points = record.points, .runs = {}, .overrides = 0};
  nlohmann::ordered_json kept = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i <= kFreshSeeds; ++i) {
    if (i > 0) job.seed = FreshSeed();
    const Report report = grader.grade(job, [&](const std::string& step) {
      if (!on_progress) return;
      on_progress(PrintableLine(fmt::format(
          "[{}/{}] {}: {}", i + 1, kFreshSeeds + 1, attempt.student, step)));
    });
    outcome.runs.push_back(Compared(before.report, report));
    kept.push_back(nlohmann::ordered_json::parse(MarksRecord(report)));
  }
  for (const Override& change : book.Overrides()) {
    if (change.student == attempt.student) ++outcome.overrides;
  }
  book.Atomically([&] {
    book.KeepAppeal({.grading = record.id,
                     .stands = outcome.Verdict() == AppealVerdict::kStands,
                     .runs = kept.dump()});
  });
  return outcome;
}

std::string AppealText(const AppealOutcome& outcome) {
  std::string text =
      fmt::format("the mark: {} points\n", NumberText(outcome.points));
  for (std::size_t i = 0; i < outcome.runs.size(); ++i) {
    const AppealRun& run = outcome.runs[i];
    text += fmt::format("{} seed {}: {} points\n", i == 0 ? "same " : "fresh",
                        run.seed, NumberText(run.points));
    for (const std::string& change : run.changes) {
      text += "  " + PrintableLine(change) + '\n';
    }
  }
  if (outcome.overrides > 0) {
    text += Count(outcome.overrides, "override") +
            " of this person: not compared, and in force as before\n";
  }
  switch (outcome.Verdict()) {
    case AppealVerdict::kStands:
      return text + "the mark stands: each check earned the same each time\n";
    case AppealVerdict::kOpen:
      return text +
             "open: checks could not be judged on this busy machine; run this "
             "again\n";
    case AppealVerdict::kDoesNotStand:
      return text +
             "the mark does not stand: the checks above earned something else; "
             "./kvlab class override sets their points\n";
  }
  return text;
}

}  // namespace kvlab::grading
