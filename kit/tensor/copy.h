// Copies tokens and counts the bytes: copying is part of a cache's cost.
#ifndef KVLAB_KIT_TENSOR_COPY_H_
#define KVLAB_KIT_TENSOR_COPY_H_

#include <cstddef>
#include <cstdint>

#include "kit/tensor/tensor.h"

namespace kvlab {

// Rows [begin, end) of `matrix`. Throws ContractError unless
// begin <= end <= matrix.rows.
Matrix RowRange(Matrix matrix, std::size_t begin, std::size_t end);

// `count` rows of a matrix that is read, from row `begin` on. O(1); not
// checked, as the rows of all matrices (kit/tensor/tensor.h).
ConstMatrix RowsFrom(ConstMatrix matrix, std::size_t begin, std::size_t count);

// Copies `from` over `to` and counts the bytes. The two must not overlap.
// Throws ContractError, copying nothing, if their shapes disagree.
void CopyRows(ConstMatrix from, Matrix to);

// Bytes copied by CopyRows in this process so far; subtract two readings for
// the bytes between them. Safe to call from any thread.
std::uint64_t CopiedBytes();

}  // namespace kvlab

#endif  // KVLAB_KIT_TENSOR_COPY_H_
