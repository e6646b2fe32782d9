// Products of a few rows with a large matrix: a decode step. Each element of
// the matrix is used once per row, so reading dominates, and the matrix is read
// in memory order.
#ifndef KVLAB_KIT_KERNELS_FEW_ROWS_H_
#define KVLAB_KIT_KERNELS_FEW_ROWS_H_

#include <algorithm>
#include <cstddef>

#include "kit/kernels/stored_matrix.h"
#include "kit/kernels/tile.h"
#include "kit/kernels/vectors.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace KVLAB_KERNELS {

// Adds to the columns [0, end) of out, in tiles of kRows x (kLanes * kVectors),
// as many as fit; returns the first remaining column.
template <std::size_t kRows, std::size_t kVectors, DType kType>
std::size_t SweepColumns(ConstMatrix a, StoredMatrix<kType> b, Matrix out,
                         std::size_t begin) {
  constexpr std::size_t kWidth = kVectors * kLanes;
  std::size_t n = begin;
  for (; n + kWidth <= b.cols; n += kWidth) {
    AddTile<kRows, kVectors>(PlainRows{a}, b.Block(0, n, b.rows, kWidth),
                             Block(out, 0, n, kRows, kWidth));
  }
  return n;
}

// The columns that do not fill a vector, one at a time.
template <DType kType>
void AddColumns(ConstMatrix a, StoredMatrix<kType> b, Matrix out,
                std::size_t begin) {
  for (std::size_t m = 0; m < a.rows; ++m) {
    for (std::size_t n = begin; n < b.cols; ++n) {
      float sum = out.Row(m)[n];
      for (std::size_t k = 0; k < b.rows; ++k) {
        sum = fma(a.Row(m)[k], b.LoadOne(k, n), sum);
      }
      out.Row(m)[n] = sum;
    }
  }
}

// out += a * b for one band of b and kRows rows.
template <std::size_t kRows, DType kType>
void AddBandOfRows(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  // As many sums as the registers hold.
  constexpr std::size_t kVectors = kLanes == 16 ? 4
                                   : kRows == 1 ? 8
                                   : kRows == 2 ? 4
                                   : kRows == 3 ? 3
                                                : 2;
  std::size_t n = SweepColumns<kRows, kVectors>(a, b, out, 0);
  n = SweepColumns<kRows, 1>(a, b, out, n);
  AddColumns(a, b, out, n);
}

// The same for up to kMaxRows rows.
template <std::size_t kMaxRows, DType kType>
void AddBand(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  if constexpr (kMaxRows > 1) {
    if (a.rows < kMaxRows) return AddBand<kMaxRows - 1>(a, b, out);
  }
  AddBandOfRows<kMaxRows>(a, b, out);
}

// out += a * b. A band of rows of b is swept from left to right, by a few rows
// of a at a time. In a wide matrix a band has 8 rows, as many streams as the
// hardware prefetches well; a panel is contiguous, and a band of it has as many
// rows as fit in the first-level cache beside the sums.
template <DType kType>
void AddProductFewRows(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  constexpr std::size_t kGroup = 6;
  const std::size_t height = b.row_stride <= kPanelWidth ? 64 : 8;
  for (std::size_t k = 0; k < b.rows; k += height) {
    const std::size_t depth = std::min(height, b.rows - k);
    const StoredMatrix<kType> band = b.Block(k, 0, depth, b.cols);
    for (std::size_t m = 0; m < a.rows; m += kGroup) {
      const std::size_t rows = std::min(kGroup, a.rows - m);
      AddBand<kGroup>(Block(a, m, k, rows, depth), band,
                      Block(out, m, 0, rows, b.cols));
    }
  }
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_FEW_ROWS_H_
