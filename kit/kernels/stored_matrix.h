// A matrix in the element type of its checkpoint, widened as it is read.
#ifndef KVLAB_KIT_KERNELS_STORED_MATRIX_H_
#define KVLAB_KIT_KERNELS_STORED_MATRIX_H_

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kit/half.h"
#include "kit/tensor.h"
#include "kit/weight_matrix.h"
#include "xsimd/xsimd.hpp"

namespace kvlab::kernels {

// Eight float32 in one AVX register.
using Floats = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;
inline constexpr std::size_t kLanes = Floats::size;

// Asks for the lines of memory that hold the next `bytes` from `address` on. It
// may lie beyond the end of all data: what is not there is not fetched.
inline void Prefetch(const std::byte* address, std::size_t bytes) {
  constexpr std::size_t kLineBytes = 64;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < bytes; i += kLineBytes) {
    _mm_prefetch(reinterpret_cast<const char*>(address) + i, _MM_HINT_T0);
  }
}

// `rows` rows of `cols` elements of type kType, row_stride elements from one
// row to the next. Owns nothing; the bytes may lie at any address.
template <DType kType>
struct StoredMatrix {
  static constexpr std::size_t kElementBytes = kType == DType::kF32 ? 4 : 2;

  const std::byte* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t row_stride = 0;

  const std::byte* Address(std::size_t row, std::size_t col) const {
    return data + (row * row_stride + col) * kElementBytes;
  }

  // The elements [row, col] to [row, col + 7].
  Floats LoadEight(std::size_t row, std::size_t col) const {
    const std::byte* address = Address(row, col);
    if constexpr (kType == DType::kF32) {
      return _mm256_loadu_ps(reinterpret_cast<const float*>(address));
    } else {
      const __m128i bits =
          _mm_loadu_si128(reinterpret_cast<const __m128i*>(address));
      if constexpr (kType == DType::kF16) return _mm256_cvtph_ps(bits);
      return _mm256_castsi256_ps(
          _mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
    }
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
    return {Address(row, col), block_rows, block_cols, row_stride};
  }
};

inline StoredMatrix<DType::kF32> Stored(ConstMatrix matrix) {
  return {reinterpret_cast<const std::byte*>(matrix.data), matrix.rows,
          matrix.cols, matrix.row_stride};
}

// The same for the float32 matrices on the other side of a product.
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

}  // namespace kvlab::kernels

#endif  // KVLAB_KIT_KERNELS_STORED_MATRIX_H_
