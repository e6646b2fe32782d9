// Says where and how two arrays differ, without giving the right numbers away.
#ifndef KVLAB_AUTOGRADER_EXAM_DIFFERENCE_H_
#define KVLAB_AUTOGRADER_EXAM_DIFFERENCE_H_

#include <optional>
#include <string>
#include <vector>

#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// What each axis counts, in the singular: {"batch row", "head", "position"}.
using Axes = std::vector<std::string>;

inline const Axes kHeadAxes = {"batch row", "head", "position", "feature"};
inline const Axes kTokenAxes = {"batch row", "position", "feature"};
inline const Axes kLogitAxes = {"batch row", "position", "vocabulary entry"};
inline const Axes kMatrixAxes = {"row", "column"};
inline const Axes kListAxes = {"element"};

// Whether shapes are equal and every number is within `tolerance`, absolute
// plus the same times the size of the expected number.
bool Agree(const Array& actual, const Array& expected, double tolerance);

// nullopt if they agree. Otherwise the first of these that applies: the shape;
// a number that is not finite; all zero; the same along an axis along which the
// right numbers differ; all off by one factor; all right but in another place,
// or each row off by one number (pattern.h); else where they differ, by how
// much on the whole, and what the wrong numbers have in common.
std::optional<std::string> Difference(const Array& actual,
                                      const Array& expected, double tolerance,
                                      const Axes& axes);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_DIFFERENCE_H_
