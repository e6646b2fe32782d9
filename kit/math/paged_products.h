// The products of kit/math/linear_algebra.h with a matrix whose rows are in
// blocks: the keys and values of a paged cache.
#ifndef KVLAB_KIT_MATH_PAGED_PRODUCTS_H_
#define KVLAB_KIT_MATH_PAGED_PRODUCTS_H_

#include "kit/math/work.h"
#include "kit/tensor/paged_matrix.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// out = a * b^T, as MatMulTransposed with the rows of b copied into one matrix,
// up to rounding: nothing is copied.
//   a [m, k], b [n, k], out [m, n]; counts m * n * k MACs
// A block costs a look-up in the table. Allocates nothing. Throws ContractError
// if a shape disagrees or the table has too few blocks; that the blocks exist
// is not checked.
// Source: Kwon et al. 2023, arXiv:2309.06180, section 4.1.
void MatMulTransposed(Work work, ConstMatrix a, const PagedMatrix& b,
                      Matrix out);

// out = a * b, as MatMul with the rows of b copied into one matrix, up to
// rounding.
//   a [m, k], b [k, n], out [m, n]; counts m * n * k MACs
// Cost and errors as above.
void MatMul(Work work, ConstMatrix a, const PagedMatrix& b, Matrix out);

}  // namespace kvlab

#endif  // KVLAB_KIT_MATH_PAGED_PRODUCTS_H_
