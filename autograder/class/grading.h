// Grades what is not yet graded, and can be stopped at any moment.
#ifndef KVLAB_AUTOGRADER_CLASS_GRADING_H_
#define KVLAB_AUTOGRADER_CLASS_GRADING_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "autograder/class/gradebook.h"
#include "autograder/class/roster.h"
#include "autograder/report/report.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

struct GradingJob {
  std::string student;
  std::vector<std::string> members;  // all authors
  std::filesystem::path archive;     // what they handed in
  std::uint64_t seed = 0;
  // The parts to judge, by RubricPart::Worker(); all if empty.
  std::vector<std::string> only;
};

using OnStep = std::function<void(const std::string& step)>;

// What marks a submission, and what its marks rest on.
struct ClassGrader {
  const Rubric& rubric;
  std::string course_version;
  std::string machine;
  // Throws for a fault of the grader, not of the submission.
  std::function<Report(const GradingJob& job, const OnStep& on_step)> grade;
};

struct GradingSummary {
  std::size_t graded = 0;
  std::size_t blocked = 0;  // of these, with checks that could not be judged
  std::vector<std::string> failures;  // "ann: the grader failed: ..."
  std::size_t elsewhere = 0;          // another grader works at them
};

// Grades, one after the other, each person's attempt that counts unless it has
// a record, and again the parts of a record whose checks could not be judged:
// each once in a call. A record is written in one transaction, so that a killed
// call loses what it was working at and nothing else. The seed of an attempt is
// fixed: graded again, the same inputs are drawn. Several processes may grade a
// class: an attempt is claimed before it is graded, and a claim ends with its
// process. A fault of the grader is kept with the attempt, and the next call
// tries again.
//   workspace: a folder for files while it grades
//   on_progress: "[3/40] ann: compiling; about 12 min left"
GradingSummary GradeClass(Gradebook& book, const Roster& roster,
                          const ClassGrader& grader,
                          const std::filesystem::path& workspace,
                          const OnStep& on_progress);

// "about 2 h 10 min left"
std::string TimeLeftText(double seconds);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_GRADING_H_
