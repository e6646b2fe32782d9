#include "autograder/class/grading_run.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "autograder/class/gradebook.h"
#include "autograder/class/grader_lock.h"
#include "autograder/class/grading.h"
#include "autograder/class/mark_record.h"
#include "autograder/class/roster.h"
#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/text/printable.h"
#include "autograder/report/report.h"
#include "autograder/scoring/marks.h"
#include "fmt/format.h"
#include "kit/measure/stopwatch.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

// Notices that a report makes about its marks as a whole.
bool IsAboutMarks(const std::string& notice) {
  return notice.starts_with("PROVISIONAL") ||
         notice.starts_with("the answers took");
}

// What a report says of the whole grading also counts what was done before.
void Continue(const Report& before, Report& again) {
  std::vector<std::string> notices;
  std::ranges::copy_if(
      before.notices, std::back_inserter(notices),
      [](const std::string& notice) { return !IsAboutMarks(notice); });
  for (const std::string& notice : again.notices) {
    if (std::ranges::find(notices, notice) == notices.end()) {
      notices.push_back(notice);
    }
  }
  again.notices = std::move(notices);
  again.build_seconds += before.build_seconds;
  again.check_seconds += before.check_seconds;
}

class Run {
 public:
  Run(Gradebook& book, const ClassGrader& grader, const fs::path& workspace,
      const RunWork& work, const OnStep& on_progress)
      : book_(book),
        grader_(grader),
        work_(work),
        on_progress_(on_progress),
        rubric_(RubricRecord(grader.rubric)),
        workspace_(workspace),
        lock_(book, workspace) {}

  GradingSummary GradeAll() {
    // Timing waits for those that only have to be right, and they for it.
    const FileDescriptor turn(
        ::open(workspace_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const bool is_here = !grader_.elsewhere;
    const bool is_timed = is_here && work_.timed == TimedChecks::kMeasured;
    if (is_here && !is_timed) ::flock(turn.Number(), LOCK_SH);
    std::vector<std::future<void>> others;
    for (std::size_t i = 1; i < work_.jobs; ++i) {
      others.push_back(std::async(std::launch::async, [this] { TakeTurns(); }));
    }
    while (const std::optional<Attempt> attempt = ClaimNext()) {
      if (is_timed) ::flock(turn.Number(), LOCK_EX);
      Grade(*attempt);
      if (is_timed) ::flock(turn.Number(), LOCK_UN);
    }
    for (std::future<void>& other : others) other.get();
    return std::move(summary_);
  }

 private:
  void TakeTurns() {
    while (const std::optional<Attempt> attempt = ClaimNext()) Grade(*attempt);
  }

  std::vector<Attempt> Pending() const {
    std::vector<Attempt> pending = work_.pending();
    std::erase_if(pending, [&](const Attempt& attempt) {
      return tried_.contains(attempt.id);
    });
    return pending;
  }

  // The next attempt that no other grader works at.
  std::optional<Attempt> ClaimNext() {
    const std::scoped_lock lock(mutex_);
    std::optional<Attempt> next;
    book_.Atomically([&] {
      lock_.ClearEnded();
      std::vector<Attempt> pending = Pending();
      const std::set<std::int64_t> claimed = book_.Claimed();
      summary_.elsewhere = static_cast<std::size_t>(
          std::erase_if(pending, [&](const Attempt& attempt) {
            return claimed.contains(attempt.id);
          }));
      left_ = pending.empty() ? 0 : pending.size() - 1;
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
      const Report report = Judge(attempt);
      Keep(attempt, report);
    } catch (const NotJudgedNow&) {
      const std::scoped_lock lock(mutex_);
      ++summary_.not_now;
      Finish(attempt, [] {});
    } catch (const std::exception& error) {
      const std::string what = Printable(error.what());
      const std::scoped_lock lock(mutex_);
      summary_.failures.push_back(PrintableLine(attempt.student) +
                                  ": the grader failed: " + what);
      Finish(attempt, [&] { book_.NoteFailure(attempt.id, what); });
    }
    const std::scoped_lock lock(mutex_);
    seconds_ += watch.Seconds();
    ++done_;
  }

  void Keep(const Attempt& attempt, const Report& report) {
    const double blocked = report.marks.BlockedPoints();
    const bool is_deferred = IsDeferred(report);
    GradingRecord record = {.attempt = attempt.id,
                            .rubric = rubric_,
                            .marks = MarksRecord(report),
                            .points = report.marks.Points(),
                            .blocked_points = blocked,
                            .course_version = grader_.course_version,
                            .machine = grader_.elsewhere
                                           ? grader_.elsewhere(attempt.student)
                                           : grader_.machine,
                            .isolation = report.isolation,
                            .graded_at = report.graded_at};
    if (is_deferred) record.reason = kDeferred;
    const std::scoped_lock lock(mutex_);
    Finish(attempt, [&] {
      work_.keep(record);
      book_.NoteFailure(attempt.id, "");
    });
    if (grader_.kept) grader_.kept(attempt.student);
    if (is_deferred) return;
    ++summary_.graded;
    if (blocked > 0) ++summary_.blocked;
  }

  bool IsDeferred(const Report& report) const {
    if (work_.timed != TimedChecks::kDeferred) return false;
    for (const PartMark& part : report.marks.parts) {
      for (const TaskMark& task : part.tasks) {
        for (const CheckMark& mark : task.checks) {
          if (mark.blocked && mark.came_back == grader_.deferred) return true;
        }
      }
    }
    return false;
  }

  // The end of the claim is in the same transaction.
  void Finish(const Attempt& attempt, const std::function<void()>& change) {
    book_.Atomically([&] {
      book_.EndClaim(attempt.id, lock_.Name());
      change();
    });
  }

  Report Judge(const Attempt& attempt) {
    const fs::path folder = lock_.Folder() / std::to_string(attempt.id);
    fs::create_directory(folder);
    GradingJob job = {.student = attempt.student,
                      .members = attempt.members,
                      .archive = folder / "submission",
                      .seed = attempt.seed,
                      .earlier = nullptr,
                      .timed = work_.timed};
    std::optional<EarlierGrading> earlier;
    {
      const std::scoped_lock lock(mutex_);
      earlier = work_.earlier(attempt);
      if (earlier) job.earlier = &earlier->kept;
      WriteArchive(job.archive, book_.Content(attempt));
    }
    Report report = grader_.grade(
        job, [&](const std::string& step) { Progress(attempt, step); });
    ForgetFolder(folder, report);
    fs::remove_all(folder);
    if (earlier) Continue(earlier->restored.report, report);
    return report;
  }

  void Progress(const Attempt& attempt, const std::string& step) {
    if (!on_progress_) return;
    const std::scoped_lock lock(mutex_);
    const std::size_t all = tried_.size() + left_;
    std::string left;
    if (done_ > 0) {
      left = "; " + TimeLeftText(seconds_ / static_cast<double>(done_) *
                                 static_cast<double>(all - done_) /
                                 static_cast<double>(work_.jobs));
    }
    on_progress_(PrintableLine(fmt::format("[{}/{}] {}: {}{}", done_ + 1, all,
                                           attempt.student, step, left)));
  }

  Gradebook& book_;
  const ClassGrader& grader_;
  const RunWork& work_;
  const OnStep& on_progress_;
  std::string rubric_;
  fs::path workspace_;
  GraderLock lock_;
  // Of the database and of all that follows.
  std::mutex mutex_;
  std::set<std::int64_t> tried_;
  std::size_t left_ = 0;  // attempts that are not claimed
  std::size_t done_ = 0;
  double seconds_ = 0;  // of those that are done
  GradingSummary summary_;
};

}  // namespace

GradingSummary RunGrader(Gradebook& book, const ClassGrader& grader,
                         const fs::path& workspace, const RunWork& work,
                         const OnStep& on_progress) {
  return Run(book, grader, workspace, work, on_progress).GradeAll();
}

void ForgetFolder(const fs::path& folder, Report& report) {
  const std::string path = folder.string() + '/';
  for (std::string& notice : report.notices) {
    for (std::size_t at = notice.find(path); at != std::string::npos;
         at = notice.find(path, at)) {
      notice.erase(at, path.size());
    }
  }
}

void WriteArchive(const fs::path& file, const std::string& content) {
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream << content;
  stream.close();
  if (!stream) throw std::runtime_error("cannot write " + file.string());
}

std::vector<Attempt> CountingAttempts(const Gradebook& book,
                                      const Roster& roster) {
  const std::vector<Attempt> attempts = book.Attempts();
  std::vector<Attempt> counting;
  for (const Person& person : roster.People()) {
    const Attempt* attempt = CountingAttempt(attempts, person.id);
    if (attempt != nullptr) counting.push_back(*attempt);
  }
  return counting;
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
