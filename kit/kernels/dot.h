// Products of a few rows with the rows of another matrix: dot products. The
// scores of a decode step, and the head with tied weights.
#ifndef KVLAB_KIT_KERNELS_DOT_H_
#define KVLAB_KIT_KERNELS_DOT_H_

#include <algorithm>
#include <array>
#include <cstddef>

#include "kit/kernels/stored_matrix.h"
#include "kit/tensor.h"

namespace kvlab::kernels {

// out[m, n] += a[m] . b[n] for kRows rows of a and 8 / kRows rows of b: eight
// sums of eight lanes each, folded into eight numbers at the end. A single row
// is bound by memory: for each 8 x 8 elements that it reads, it asks for as
// many bytes of the 8 rows that follow.
template <std::size_t kRows, DType kType>
inline void AddDots(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  constexpr std::size_t kCols = kLanes / kRows;
  constexpr std::size_t kStepBytes =
      kLanes * kLanes * StoredMatrix<kType>::kElementBytes;
  std::array<Floats, kLanes> sums;
#pragma GCC unroll 8
  for (Floats& sum : sums) sum = Floats(0.0F);
  const std::byte* next_rows = b.Address(kCols, 0);
  std::size_t k = 0;
  for (; k + kLanes <= b.cols; k += kLanes) {
    if constexpr (kRows == 1) {
      Prefetch(next_rows, kStepBytes);
      next_rows += kStepBytes;
    }
    std::array<Floats, kRows> a_part;
#pragma GCC unroll 2
    for (std::size_t m = 0; m < kRows; ++m) {
      a_part[m] = Floats::load_unaligned(a.data + m * a.row_stride + k);
    }
#pragma GCC unroll 8
    for (std::size_t n = 0; n < kCols; ++n) {
      const Floats b_part = b.LoadEight(n, k);
#pragma GCC unroll 2
      for (std::size_t m = 0; m < kRows; ++m) {
        sums[m * kCols + n] =
            xsimd::fma(a_part[m], b_part, sums[m * kCols + n]);
      }
    }
  }
  std::array<float, kLanes> folded{};
  xsimd::haddp(sums.data()).store_unaligned(folded.data());
  for (std::size_t m = 0; m < kRows; ++m) {
    for (std::size_t n = 0; n < kCols; ++n) {
      float sum = folded[m * kCols + n];
      for (std::size_t tail = k; tail < b.cols; ++tail) {
        sum += a.data[m * a.row_stride + tail] * b.LoadOne(n, tail);
      }
      out.data[m * out.row_stride + n] += sum;
    }
  }
}

// One row of b, for those that do not fill a group.
template <DType kType>
inline void AddDot(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  Floats sums(0.0F);
  std::size_t k = 0;
  for (; k + kLanes <= b.cols; k += kLanes) {
    sums =
        xsimd::fma(Floats::load_unaligned(a.data + k), b.LoadEight(0, k), sums);
  }
  float sum = xsimd::hadd(sums);
  for (; k < b.cols; ++k) sum += a.data[k] * b.LoadOne(0, k);
  *out.data += sum;
}

// out += a * b^T for kRows (1 or 2) rows of a.
template <std::size_t kRows, DType kType>
void AddDotsOfRows(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  constexpr std::size_t kGroup = kLanes / kRows;
  std::size_t n = 0;
  for (; n + kGroup <= b.rows; n += kGroup) {
    AddDots<kRows>(a, b.Block(n, 0, kGroup, b.cols),
                   Block(out, 0, n, kRows, kGroup));
  }
  for (; n < b.rows; ++n) {
    for (std::size_t m = 0; m < kRows; ++m) {
      AddDot(Block(a, m, 0, 1, b.cols), b.Block(n, 0, 1, b.cols),
             Block(out, m, n, 1, 1));
    }
  }
}

// out += a * b^T, reading b once from memory: a band of its rows stays in the
// first-level cache while pairs of rows of a pass over it. A single row needs
// each row of b only once.
template <DType kType>
void AddTransposedFewRows(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  const std::size_t band = a.rows == 1 ? b.rows : kLanes;
  for (std::size_t n = 0; n < b.rows; n += band) {
    const std::size_t height = std::min(band, b.rows - n);
    const StoredMatrix<kType> b_band = b.Block(n, 0, height, b.cols);
    std::size_t m = 0;
    for (; m + 2 <= a.rows; m += 2) {
      AddDotsOfRows<2>(Block(a, m, 0, 2, a.cols), b_band,
                       Block(out, m, n, 2, height));
    }
    if (m < a.rows) {
      AddDotsOfRows<1>(Block(a, m, 0, 1, a.cols), b_band,
                       Block(out, m, n, 1, height));
    }
  }
}

}  // namespace kvlab::kernels

#endif  // KVLAB_KIT_KERNELS_DOT_H_
