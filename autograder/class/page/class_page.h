// What an instructor looks at: one self-contained page about a class.
#ifndef KVLAB_AUTOGRADER_CLASS_PAGE_CLASS_PAGE_H_
#define KVLAB_AUTOGRADER_CLASS_PAGE_CLASS_PAGE_H_

#include <span>
#include <string>

#include "autograder/class/class_marks.h"
#include "autograder/class/export.h"
#include "autograder/class/similarity/similar.h"

namespace kvlab::grading {

struct ClassFindings {
  std::string course;
  std::string made_at;  // "2027-01-16 12:00 UTC"
  std::span<const PersonMarks> people;
  ExportNames names;
  SimilarTable similar;
};

// Marks by part; every check with difficulty, discrimination and its most
// frequent failure; checks that were never or always lost, and those that
// always agree; blocked and overridden marks; similarity; time; people. Checks
// are those of the rubric that most people were graded by. An overridden or
// blocked mark is not in the statistics of its check.
std::string ClassPage(const ClassFindings& found);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_PAGE_CLASS_PAGE_H_
