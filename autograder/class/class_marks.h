// What each person of a class has: the state of their attempt, and the report
// with overrides and lateness applied.
#ifndef KVLAB_AUTOGRADER_CLASS_CLASS_MARKS_H_
#define KVLAB_AUTOGRADER_CLASS_CLASS_MARKS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/class/course_folder.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/mark_record.h"
#include "autograder/class/roster.h"
#include "autograder/scoring/visibility.h"

namespace kvlab::grading {

struct PersonMarks {
  const Person* person = nullptr;
  std::size_t attempts = 0;
  std::optional<Attempt> attempt;  // the one that counts
  std::string failure;             // why the grader failed at it; "" if not
  std::optional<GradingRecord> record;
  RestoredReport restored;          // if there is a record
  std::vector<Override> overrides;  // that are applied in the report

  bool IsGraded() const { return record.has_value(); }
  // Whether there is a mark that nothing can change but a decision.
  bool IsFinal() const {
    return IsGraded() && restored.report.marks.BlockedPoints() == 0;
  }
  const Report& Graded() const { return restored.report; }
};

// Records in place of those in force, by attempt.
using ProposedRecords = std::map<std::int64_t, GradingRecord>;

// Everybody on the roster, in its order.
//   revealed: what authors may see by now
// Throws DataError if a record cannot be read.
std::vector<PersonMarks> MarksOfClass(const CourseFolder& course,
                                      const Gradebook& book,
                                      Visibility revealed,
                                      const ProposedRecords& proposed = {});

// The check of that name in a report: "mask.chunk" or, where parts have checks
// of the same name, "Module 1: attention/mask.chunk". Throws DataError if there
// is none or are several.
CheckMark& CheckNamed(Report& report, std::string_view name);

// A number as a person writes it: 90, 87.5, 0.3; four places at most.
std::string NumberText(double number);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_CLASS_MARKS_H_
