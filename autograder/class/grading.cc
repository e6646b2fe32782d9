#include "autograder/class/grading.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "autograder/class/gradebook.h"
#include "autograder/class/grading_run.h"
#include "autograder/class/kept_marks.h"
#include "autograder/class/mark_record.h"
#include "autograder/class/roster.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {
namespace {

// Those that have no record; or those whose record has blocked points.
enum class Which { kUngraded, kBlocked };

std::vector<Attempt> AttemptsThatAre(Which which, const Gradebook& book,
                                     const Roster& roster) {
  const std::set<std::int64_t> graded = book.Graded();
  const std::set<std::int64_t> blocked = book.Blocked();
  std::vector<Attempt> attempts = CountingAttempts(book, roster);
  std::erase_if(attempts, [&](const Attempt& attempt) {
    return which == Which::kUngraded ? graded.contains(attempt.id)
                                     : !blocked.contains(attempt.id);
  });
  return attempts;
}

// All marks but blocked ones. Marks of two rubrics are not mixed.
std::optional<EarlierGrading> WithoutBlocked(const Gradebook& book,
                                             const Attempt& attempt,
                                             const Rubric& rubric) {
  const std::optional<GradingRecord> record = book.RecordOf(attempt.id);
  if (!record || record->rubric != RubricRecord(rubric)) return std::nullopt;
  EarlierGrading earlier = {.restored = Restore(record->rubric, record->marks),
                            .kept = {}};
  earlier.kept = MarksThatStay(earlier.restored, rubric, {.blocked = true});
  return earlier;
}

}  // namespace

GradingSummary GradeClass(Gradebook& book, const Roster& roster,
                          const ClassGrader& grader, const GradingPlace& place,
                          const OnStep& on_progress) {
  const auto earlier = [&](const Attempt& attempt) {
    return WithoutBlocked(book, attempt, grader.rubric);
  };
  std::set<std::int64_t> done;  // in this call
  const auto keep = [&](const GradingRecord& record) {
    book.Record(record);
    if (record.reason.empty()) done.insert(record.attempt);
  };
  const std::size_t jobs =
      place.jobs > 0
          ? place.jobs
          : std::max<std::size_t>(1, std::thread::hardware_concurrency());
  GradingSummary summary = RunGrader(
      book, grader, place.workspace,
      {.pending =
           [&] { return AttemptsThatAre(Which::kUngraded, book, roster); },
       .earlier = earlier,
       .keep = keep,
       .jobs = jobs,
       .timed = TimedChecks::kDeferred},
      on_progress);
  const GradingSummary timed =
      RunGrader(book, grader, place.workspace,
                {.pending =
                     [&] {
                       std::vector<Attempt> attempts =
                           AttemptsThatAre(Which::kBlocked, book, roster);
                       std::erase_if(attempts, [&](const Attempt& attempt) {
                         return done.contains(attempt.id);
                       });
                       return attempts;
                     },
                 .earlier = earlier,
                 .keep = keep,
                 .jobs = grader.elsewhere ? jobs : 1},
                on_progress);
  summary.graded += timed.graded;
  summary.blocked += timed.blocked;
  summary.elsewhere += timed.elsewhere;
  summary.not_now += timed.not_now;
  summary.failures.insert(summary.failures.end(), timed.failures.begin(),
                          timed.failures.end());
  return summary;
}

}  // namespace kvlab::grading
