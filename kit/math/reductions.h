// One number from many floats, in eight lanes at once: a plain loop must add
// in order and so cannot use them. The order of additions is fixed, so the
// same input gives the same result on every machine. Each reads the values
// once.
#ifndef KVLAB_KIT_MATH_REDUCTIONS_H_
#define KVLAB_KIT_MATH_REDUCTIONS_H_

#include <span>

namespace kvlab {

// The largest value; -infinity for none. Does not check for NaN.
float Max(std::span<const float> values);

// The sum; 0 for none.
float Sum(std::span<const float> values);

// The sum of the squares; 0 for none.
float SumOfSquares(std::span<const float> values);

}  // namespace kvlab

#endif  // KVLAB_KIT_MATH_REDUCTIONS_H_
