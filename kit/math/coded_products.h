// The products of kit/math/linear_algebra.h with matrices in codes of one byte:
// the keys and values of a cache in eight bits.
#ifndef KVLAB_KIT_MATH_CODED_PRODUCTS_H_
#define KVLAB_KIT_MATH_CODED_PRODUCTS_H_

#include "kit/math/work.h"
#include "kit/tensor/coded_matrix.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// out = a * b^T, as MatMulTransposed with b decoded, up to rounding.
//   a [m, k], b [n, k] with a range for each column of a group, out [m, n];
//   counts m * n * k MACs
// With queries, and keys that have a range per channel, these are scores. At
// most 64 * 64 numbers are decoded at a time, on the stack; for a few rows of a
// codes become floats in registers. Allocates nothing.
// The rounding error of an element of out is at most (k + 4) 2^-23 times the
// sum over its k terms of |a| (|zero| + 255 |scale|).
// Throws ContractError if a shape disagrees or a group has 0 rows.
void MatMulTransposed(Work work, ConstMatrix a, const CodedByColumn& b,
                      Matrix out);

// out = a * b, as MatMul with b decoded, up to rounding.
//   a [m, k], b [k, n] with a range for each of the k rows, out [m, n]; counts
//   m * n * k MACs
// With probs, and values that have a range per token, this is the weighted sum
// of values. Cost, rounding and errors as above.
void MatMul(Work work, ConstMatrix a, const CodedByRow& b, Matrix out);

}  // namespace kvlab

#endif  // KVLAB_KIT_MATH_CODED_PRODUCTS_H_
