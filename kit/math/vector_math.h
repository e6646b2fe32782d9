// Elementwise functions over many floats at once, given because a loop of
// std::exp would cost more than the products around it.
#ifndef KVLAB_KIT_MATH_VECTOR_MATH_H_
#define KVLAB_KIT_MATH_VECTOR_MATH_H_

#include <span>

namespace kvlab {

// values[i] = e^values[i]; relative error below 1e-6; exp(-inf) is 0 and
// exp of anything below -87.3 may be flushed to 0.
void ExpInPlace(std::span<float> values);

// values[i] = tanh(values[i]); absolute error below 1e-6.
void TanhInPlace(std::span<float> values);

}  // namespace kvlab

#endif  // KVLAB_KIT_MATH_VECTOR_MATH_H_
