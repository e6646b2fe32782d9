#include "kit/tensor/copy.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "kit/error.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

std::atomic<std::uint64_t> copied_bytes;

}  // namespace

ConstMatrix RowsFrom(ConstMatrix matrix, std::size_t begin, std::size_t count) {
  return {matrix.data + begin * matrix.row_stride, count, matrix.cols,
          matrix.row_stride};
}

Matrix RowRange(Matrix matrix, std::size_t begin, std::size_t end) {
  if (begin > end || end > matrix.rows) {
    throw ContractError("RowRange: no such rows",
                        "rows " + std::to_string(begin) + " to " +
                            std::to_string(end) + " of a matrix of " +
                            std::to_string(matrix.rows),
                        "stay within the rows of the matrix");
  }
  return {matrix.data + begin * matrix.row_stride, end - begin, matrix.cols,
          matrix.row_stride};
}

void CopyRows(ConstMatrix from, Matrix to) {
  CheckShape("CopyRows: from", std::array<std::size_t, 2>{from.rows, from.cols},
             std::array<std::size_t, 2>{to.rows, to.cols});
  for (std::size_t row = 0; row < from.rows; ++row) {
    std::ranges::copy(from.Row(row), to.Row(row).begin());
  }
  copied_bytes.fetch_add(from.rows * from.cols * sizeof(float),
                         std::memory_order_relaxed);
}

std::uint64_t CopiedBytes() {
  return copied_bytes.load(std::memory_order_relaxed);
}

}  // namespace kvlab
