// A matrix in the element type of its checkpoint, widened as it is read.
#ifndef KVLAB_KIT_KERNELS_STORED_MATRIX_H_
#define KVLAB_KIT_KERNELS_STORED_MATRIX_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kit/kernels/kernels.h"
#include "kit/kernels/vectors.h"
#include "kit/tensor/half.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

// The macro is a nested name already.
// NOLINTNEXTLINE(modernize-concat-nested-namespaces)
namespace KVLAB_KERNELS {

// `rows` rows of `cols` elements of type kType, row_stride elements from one
// row to the next. Owns nothing; the bytes may be at any address.
template <DType kType>
struct StoredMatrix {
  static constexpr std::size_t kElementBytes = kType == DType::kF32 ? 4 : 2;

  const std::byte* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t row_stride = 0;
  std::size_t bytes_ahead = kDefaultBytesAhead;  // AnyMatrix::bytes_ahead

  const std::byte* Address(std::size_t row, std::size_t col) const {
    return data + (row * row_stride + col) * kElementBytes;
  }

  // kLanes elements of a row, from [row, col] on.
  Floats LoadVector(std::size_t row, std::size_t col) const {
    return LoadLanes<kType>(Address(row, col));
  }

  float LoadOne(std::size_t row, std::size_t col) const {
    if constexpr (kType == DType::kF32) {
      float value = 0;
      std::memcpy(&value, Address(row, col), sizeof(value));
      return value;
    } else {
      std::uint16_t bits = 0;
      std::memcpy(&bits, Address(row, col), sizeof(bits));
      return kType == DType::kF16 ? HalfToFloat(bits) : BFloat16ToFloat(bits);
    }
  }

  // The part that starts at [row, col] and has the given size.
  StoredMatrix Block(std::size_t row, std::size_t col, std::size_t block_rows,
                     std::size_t block_cols) const {
    return {Address(row, col), block_rows, block_cols, row_stride, bytes_ahead};
  }
};

// The panel that begins at column `col` of a matrix in panels.
template <DType kType>
StoredMatrix<kType> PanelOf(StoredMatrix<kType> b, std::size_t col) {
  const std::size_t width = std::min(kPanelWidth, b.cols - col);
  return {b.data + col * b.rows * StoredMatrix<kType>::kElementBytes, b.rows,
          width, width, b.bytes_ahead};
}

inline StoredMatrix<DType::kF32> Stored(ConstMatrix matrix) {
  return {reinterpret_cast<const std::byte*>(matrix.data), matrix.rows,
          matrix.cols, matrix.row_stride};
}

// The same for float32 matrices, the other operand of a product.
inline ConstMatrix Block(ConstMatrix matrix, std::size_t row, std::size_t col,
                         std::size_t rows, std::size_t cols) {
  return {matrix.data + row * matrix.row_stride + col, rows, cols,
          matrix.row_stride};
}
inline Matrix Block(Matrix matrix, std::size_t row, std::size_t col,
                    std::size_t rows, std::size_t cols) {
  return {matrix.data + row * matrix.row_stride + col, rows, cols,
          matrix.row_stride};
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_STORED_MATRIX_H_
