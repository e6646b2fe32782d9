// Which marks of an earlier grading stay, and which checks are to be run again.
#ifndef KVLAB_AUTOGRADER_CLASS_KEPT_MARKS_H_
#define KVLAB_AUTOGRADER_CLASS_KEPT_MARKS_H_

#include <string>
#include <vector>

#include "autograder/class/mark_record.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// What is judged again although the rubric judges it as it did.
struct JudgedAgain {
  // Names: "mask.chunk", or "Module 1: attention/mask.chunk".
  std::vector<std::string> checks = {};
  // A part's title, its module's folder or number, or "everything".
  std::vector<std::string> parts = {};
  bool blocked = false;  // what could not be judged

  bool IsEmpty() const { return checks.empty() && parts.empty() && !blocked; }
};

// Throws DataError, listing what there is, unless the rubric has all of them.
void ExpectKnown(const JudgedAgain& again, const Rubric& rubric);

// nullptr if the rubric has none of that name.
const RubricCheck* NamedCheck(const Rubric& rubric, const std::string& name);

// The marks of `before` that stay, in terms of `rubric`: those of checks that
// this rubric judges in the same way, by the same settings, tiers and limits,
// and that are not named in `again`. Points are those of this rubric, for the
// same share. Parts are the same by what they judge, and checks by their names.
// Of a record that is not complete, a part is kept whole or not at all.
Marks MarksThatStay(const RestoredReport& before, const Rubric& rubric,
                    const JudgedAgain& again);

// The checks that `rubric` judges otherwise than the one of `before`, or for
// other points, or has in addition, and that are not named in `again`.
std::vector<std::string> OtherChanges(const RestoredReport& before,
                                      const Rubric& rubric,
                                      const JudgedAgain& again);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_KEPT_MARKS_H_
