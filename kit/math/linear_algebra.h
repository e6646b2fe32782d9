// The given primitive of the course: matrix products that count their work.
// Float32 arithmetic, on as many threads as kit/math/threads.h says; weights
// stay in their stored type.
#ifndef KVLAB_KIT_MATH_LINEAR_ALGEBRA_H_
#define KVLAB_KIT_MATH_LINEAR_ALGEBRA_H_

#include <span>

#include "kit/math/work.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {

// out = x * weight + bias.
//   x [rows, in], bias [out] or empty for none, out [rows, out]
// Counts rows * in * out MACs. Throws ContractError if a shape disagrees;
// `out` must not overlap `x`. Allocates nothing.
void Linear(Work work, ConstMatrix x, const WeightMatrix& weight,
            std::span<const float> bias, Matrix out);

// out = a * b^T: every row of a against every row of b.
//   a [m, k], b [n, k], out [m, n]; counts m * n * k MACs.
// With queries and keys this is scores = q k^T (Vaswani 2017, Eq. 1).
// Throws ContractError if a shape disagrees.
void MatMulTransposed(Work work, ConstMatrix a, ConstMatrix b, Matrix out);

// out = a * b.
//   a [m, k], b [k, n], out [m, n]; counts m * n * k MACs.
// With probs and values this is the weighted sum of values.
// Throws ContractError if a shape disagrees.
void MatMul(Work work, ConstMatrix a, ConstMatrix b, Matrix out);

}  // namespace kvlab

#endif  // KVLAB_KIT_MATH_LINEAR_ALGEBRA_H_
