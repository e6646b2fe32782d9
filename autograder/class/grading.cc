#include "autograder/class/grading.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "autograder/class/gradebook.h"
#include "autograder/class/grader_lock.h"
#include "autograder/class/mark_record.h"
#include "autograder/class/roster.h"
#include "autograder/machine/text/printable.h"
#include "autograder/report/report.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/rubric.h"
#include "fmt/format.h"
#include "kit/measure/stopwatch.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

void WriteArchive(const fs::path& file, const std::string& content) {
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream << content;
  stream.close();
  if (!stream) throw std::runtime_error("cannot write " + file.string());
}

bool HasBlocked(const PartMark& part) {
  return std::ranges::any_of(part.tasks, [](const TaskMark& task) {
    return std::ranges::any_of(
        task.checks, [](const CheckMark& mark) { return mark.blocked; });
  });
}

// Notices that an earlier report made about blocked checks as a whole.
bool IsAboutBlocked(const std::string& notice) {
  return notice.starts_with("PROVISIONAL");
}

// `before` with the parts that `again` has judged in place of its own.
void Combine(const Report& before, Report& again) {
  std::vector<PartMark> judged = std::move(again.marks.parts);
  again.marks.parts = before.marks.parts;
  for (PartMark& part : judged) {
    for (PartMark& old : again.marks.parts) {
      if (old.part->title == part.part->title) old = part;
    }
  }
  std::vector<std::string> notices;
  std::ranges::copy_if(
      before.notices, std::back_inserter(notices),
      [](const std::string& notice) { return !IsAboutBlocked(notice); });
  for (const std::string& notice : again.notices) {
    if (std::ranges::find(notices, notice) == notices.end()) {
      notices.push_back(notice);
    }
  }
  again.notices = std::move(notices);
  again.build_seconds += before.build_seconds;
  again.check_seconds += before.check_seconds;
  again.marks.out_of_time = again.marks.out_of_time || before.marks.out_of_time;
}

class Run {
 public:
  Run(Gradebook& book, const Roster& roster, const ClassGrader& grader,
      const fs::path& workspace, const OnStep& on_progress)
      : book_(book),
        roster_(roster),
        grader_(grader),
        on_progress_(on_progress),
        rubric_(RubricRecord(grader.rubric)),
        lock_(book, workspace) {}

  GradingSummary GradeAll() {
    while (const std::optional<Attempt> attempt = ClaimNext()) Grade(*attempt);
    return std::move(summary_);
  }

 private:
  // In the order of the roster; those that have no record first.
  std::vector<Attempt> Pending() {
    const std::vector<Attempt> attempts = book_.Attempts();
    const std::set<std::int64_t> graded = book_.Graded();
    const std::set<std::int64_t> blocked = book_.Blocked();
    std::vector<Attempt> pending;
    std::vector<Attempt> again;
    for (const Person& person : roster_.People()) {
      const Attempt* attempt = CountingAttempt(attempts, person.id);
      if (attempt == nullptr || tried_.contains(attempt->id)) continue;
      if (!graded.contains(attempt->id)) {
        pending.push_back(*attempt);
      } else if (blocked.contains(attempt->id)) {
        again.push_back(*attempt);
      }
    }
    pending.insert(pending.end(), again.begin(), again.end());
    return pending;
  }

  // The next attempt that no other grader works at.
  std::optional<Attempt> ClaimNext() {
    std::optional<Attempt> next;
    book_.Atomically([&] {
      lock_.ClearEnded();
      std::vector<Attempt> pending = Pending();
      const std::set<std::int64_t> claimed = book_.Claimed();
      summary_.elsewhere = static_cast<std::size_t>(
          std::erase_if(pending, [&](const Attempt& attempt) {
            return claimed.contains(attempt.id);
          }));
      left_ = pending.size();
      if (pending.empty()) return;
      next = pending.front();
      book_.Claim(next->id, lock_.Name());
    });
    if (next) tried_.insert(next->id);
    return next;
  }

  void Grade(const Attempt& attempt) {
    const Stopwatch watch;
    try {
      Report report = Judge(attempt);
      const double blocked = report.marks.BlockedPoints();
      Finish(attempt, [&] {
        book_.Record({.attempt = attempt.id,
                      .rubric = rubric_,
                      .marks = MarksRecord(report),
                      .points = report.marks.Points(),
                      .blocked_points = blocked,
                      .course_version = grader_.course_version,
                      .machine = grader_.machine,
                      .isolation = report.isolation,
                      .graded_at = report.graded_at});
        book_.NoteFailure(attempt.id, "");
      });
      ++summary_.graded;
      if (blocked > 0) ++summary_.blocked;
    } catch (const std::exception& error) {
      const std::string what = Printable(error.what());
      summary_.failures.push_back(PrintableLine(attempt.student) +
                                  ": the grader failed: " + what);
      Finish(attempt, [&] { book_.NoteFailure(attempt.id, what); });
    }
    seconds_ += watch.Seconds();
  }

  // The end of the claim is in the same transaction.
  void Finish(const Attempt& attempt, const std::function<void()>& change) {
    book_.Atomically([&] {
      book_.EndClaim(attempt.id, lock_.Name());
      change();
    });
  }

  Report Judge(const Attempt& attempt) {
    GradingJob job = {.student = attempt.student,
                      .members = attempt.members,
                      .archive = lock_.Folder() / "submission",
                      .seed = attempt.seed,
                      .only = {}};
    const std::optional<GradingRecord> record = book_.RecordOf(attempt.id);
    before_ = {};
    // Marks of two rubrics are not mixed.
    if (record && record->rubric == rubric_) {
      before_ = Restore(record->rubric, record->marks);
      for (const PartMark& part : before_.report.marks.parts) {
        if (HasBlocked(part)) job.only.push_back(part.part->Worker());
      }
    }
    WriteArchive(job.archive, book_.Content(attempt));
    Report report = grader_.grade(
        job, [&](const std::string& step) { Progress(attempt, step); });
    ForgetFolder(report);
    if (!job.only.empty()) Combine(before_.report, report);
    return report;
  }

  // Where the archive was while it was graded is of no use to its author.
  void ForgetFolder(Report& report) const {
    const std::string folder = lock_.Folder().string() + '/';
    for (std::string& notice : report.notices) {
      for (std::size_t at = notice.find(folder); at != std::string::npos;
           at = notice.find(folder, at)) {
        notice.erase(at, folder.size());
      }
    }
  }

  void Progress(const Attempt& attempt, const std::string& step) const {
    if (!on_progress_) return;
    const std::size_t done = tried_.size() - 1;
    std::string left;
    if (done > 0) {
      left = "; " + TimeLeftText(seconds_ / static_cast<double>(done) *
                                 static_cast<double>(left_));
    }
    on_progress_(
        PrintableLine(fmt::format("[{}/{}] {}: {}{}", done + 1, done + left_,
                                  attempt.student, step, left)));
  }

  Gradebook& book_;
  const Roster& roster_;
  const ClassGrader& grader_;
  const OnStep& on_progress_;
  std::string rubric_;
  GraderLock lock_;
  // A combined report refers to the rubric of the earlier one.
  RestoredReport before_;
  std::set<std::int64_t> tried_;
  std::size_t left_ = 0;  // with the one that is being graded
  double seconds_ = 0;    // of those that are done
  GradingSummary summary_;
};

}  // namespace

GradingSummary GradeClass(Gradebook& book, const Roster& roster,
                          const ClassGrader& grader, const fs::path& workspace,
                          const OnStep& on_progress) {
  return Run(book, roster, grader, workspace, on_progress).GradeAll();
}

std::string TimeLeftText(double seconds) {
  constexpr double kMinute = 60;
  constexpr long kHour = 60;
  const long minutes = std::lround(std::ceil(seconds / kMinute));
  if (minutes < kHour) return fmt::format("about {} min left", minutes);
  return fmt::format("about {} h {} min left", minutes / kHour,
                     minutes % kHour);
}

}  // namespace kvlab::grading
