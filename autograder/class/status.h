// Who has what.
#ifndef KVLAB_AUTOGRADER_CLASS_STATUS_H_
#define KVLAB_AUTOGRADER_CLASS_STATUS_H_

#include <span>
#include <string>

#include "autograder/class/class_marks.h"

namespace kvlab::grading {

// A line for each person: state, points, late days, attempts and overrides;
// then how many people are in each state. Safe to print.
std::string StatusText(std::span<const PersonMarks> marks);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_STATUS_H_
