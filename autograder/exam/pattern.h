// Describes what the wrong numbers of an answer have in common, to point to the
// line of code: an order, a factor, an end, a precision.
#ifndef KVLAB_AUTOGRADER_EXAM_PATTERN_H_
#define KVLAB_AUTOGRADER_EXAM_PATTERN_H_

#include <string>

#include "autograder/exam/difference.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// For arrays of one shape, all finite where they should be, that differ: "the
// right numbers, but head and position have changed places"; "" if they match
// no known pattern.
std::string PatternOfAll(const Array& actual, const Array& expected,
                         double tolerance, const Axes& axes);

// The same for only the numbers that differ: "zeros came back there".
std::string PatternOfDiffering(const Array& actual, const Array& expected,
                               double tolerance, const Axes& axes);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_PATTERN_H_
