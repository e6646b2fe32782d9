// Grades what is not yet graded, and can be stopped at any moment.
#ifndef KVLAB_AUTOGRADER_CLASS_GRADING_H_
#define KVLAB_AUTOGRADER_CLASS_GRADING_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograder/class/gradebook.h"
#include "autograder/class/roster.h"
#include "autograder/report/report.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// What is done about checks of speed.
enum class TimedChecks {
  kMeasured,
  kDeferred,  // they come back as ClassGrader::deferred, blocked
};

struct GradingJob {
  std::string student;
  std::vector<std::string> members;  // all authors
  std::filesystem::path archive;     // what they handed in
  std::uint64_t seed = 0;
  // Marks that stay, in terms of the grader's rubric: what they are of is not
  // judged again. Null if all is to be judged.
  const Marks* earlier = nullptr;
  TimedChecks timed = TimedChecks::kMeasured;
};

using OnStep = std::function<void(const std::string& step)>;

// No machine may judge a submission now: it is neither marked nor failed.
class NotJudgedNow : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// What marks a submission, and what its marks rest on.
struct ClassGrader {
  const Rubric& rubric;
  std::string course_version;
  std::string machine;
  // A digest of what judges: another program may judge otherwise.
  std::string program;
  // What a check says that is to be timed later.
  std::string deferred;
  // Why speed must not be timed on this machine; "" if it may. May be null.
  std::function<std::string()> unfit = nullptr;
  // The whole report, the marks that stay among it. May be called by several
  // threads at once for jobs whose timed checks are deferred. Throws for a
  // fault of the grader, not of the submission; and NotJudgedNow.
  std::function<Report(const GradingJob& job, const OnStep& on_step)> grade;
  // Where other machines do the work, that which judged this student's job:
  // nothing waits for others that are timed here, and several may be timed at
  // once. Null: this machine does it.
  std::function<std::string(const std::string& student)> elsewhere = nullptr;
  // What came of this student's job is in the database. May be null.
  std::function<void(const std::string& student)> kept = nullptr;
};

struct GradingSummary {
  std::size_t graded = 0;
  std::size_t blocked = 0;  // of these, with checks that could not be judged
  std::vector<std::string> failures;  // "ann: the grader failed: ..."
  std::size_t elsewhere = 0;          // another grader works at them
  std::size_t not_now = 0;            // NotJudgedNow
};

// Grades each person's attempt that counts unless it has a record, and again
// those checks of a record that could not be judged: each once in a call. First
// `jobs` submissions at a time without the checks of speed; then these, one at
// a time, while no grader of the class does anything else. A record is written
// in one transaction, so that a killed call loses what it was working at and
// nothing else. The seed of an attempt is fixed: graded again, the same inputs
// are drawn. Several processes may grade a class: an attempt is claimed before
// it is graded, and a claim ends with its process. A fault of the grader is
// kept with the attempt, and the next call tries again.
//   workspace: a folder for files while it grades
//   jobs: all processors if 0
//   on_progress: "[3/40] ann: compiling; about 12 min left"
struct GradingPlace {
  std::filesystem::path workspace;
  std::size_t jobs = 0;
};

GradingSummary GradeClass(Gradebook& book, const Roster& roster,
                          const ClassGrader& grader, const GradingPlace& place,
                          const OnStep& on_progress);

// "about 2 h 10 min left"
std::string TimeLeftText(double seconds);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_GRADING_H_
