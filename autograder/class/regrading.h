// Grades a class again where a change touches it, and says which marks that
// changes before any of them counts.
#ifndef KVLAB_AUTOGRADER_CLASS_REGRADING_H_
#define KVLAB_AUTOGRADER_CLASS_REGRADING_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "autograder/class/class_marks.h"
#include "autograder/class/course_folder.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/grading.h"
#include "autograder/class/kept_marks.h"

namespace kvlab::grading {

// The marks before and after, of those that have a proposal.
struct MarkChanges {
  std::vector<PersonMarks> before;
  std::vector<PersonMarks> after;  // of the same people
  // Of the people in whose proposal a check could not be judged.
  std::vector<std::string> undecided;
  std::size_t marks = 0;  // that differ
};

class Regrading {
 public:
  // Finds the attempts that count and have a record with another rubric than
  // the grader's, or with checks named in `again`. Throws DataError for a name
  // that the rubric does not have; if `again` has names and the rubric changes
  // other checks as well; or if an override is of a check that it lacks.
  Regrading(const CourseFolder& course, Gradebook& book,
            const ClassGrader& grader, const JudgedAgain& again);

  // How many submissions have checks to run, and how many get other points or
  // texts without that.
  std::size_t ToRun() const { return to_run_.size(); }
  std::size_t ToRewrite() const { return touched_.size() - to_run_.size(); }

  // Judges what is touched; only once for the same names, rubric and program of
  // the grader, so that a call that was stopped goes on. Marks stay as they
  // are: the results are proposals.
  GradingSummary Run(const OnStep& on_progress);

  MarkChanges Changes() const;

  // Makes the proposals the marks, all in one transaction, except undecided
  // ones. Earlier records stay in the database.
  void Publish();

 private:
  bool IsUndecided(const GradingRecord& proposal) const;

  const CourseFolder& course_;
  Gradebook& book_;
  const ClassGrader& grader_;
  JudgedAgain again_;
  std::string reason_;
  std::string request_;
  std::set<std::int64_t> touched_;
  std::set<std::int64_t> to_run_;
};

// For each mark that changes: old, new, and the checks that did it. Also checks
// that change although the mark stays.
std::string ChangesText(const MarkChanges& changes);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_REGRADING_H_
