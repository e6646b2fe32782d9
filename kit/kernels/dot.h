// Products of a few rows with the rows of another matrix: dot products. The
// scores of a decode step, and the head with tied weights.
#ifndef KVLAB_KIT_KERNELS_DOT_H_
#define KVLAB_KIT_KERNELS_DOT_H_

#include <algorithm>
#include <array>
#include <cstddef>

#include "kit/kernels/stored_matrix.h"
#include "kit/kernels/vectors.h"
#include "kit/tensor/tensor.h"

namespace KVLAB_KERNELS {

// The rest of a dot product, after the last whole vector.
template <DType kType>
inline float DotFrom(std::size_t k, const float* a, StoredMatrix<kType> b,
                     std::size_t row) {
  float sum = 0.0F;
  for (; k < b.cols; ++k) sum = fma(a[k], b.LoadOne(row, k), sum);
  return sum;
}

// The dot product of a with one row of b, lane by lane, up to the last whole
// vector. Four independent sums, and the row read from end to end: when memory
// is the limit, reading rows one after the other is faster than side by side.
// Prefetching may reach into the next rows.
template <DType kType>
inline Floats DotLanes(const float* a, StoredMatrix<kType> b, std::size_t row) {
  constexpr std::size_t kVectorBytes =
      kLanes * StoredMatrix<kType>::kElementBytes;
  std::array<Floats, 4> sums;
#pragma GCC unroll 4
  for (Floats& sum : sums) sum = Floats(0.0F);
  std::size_t k = 0;
  for (; k + 4 * kLanes <= b.cols; k += 4 * kLanes) {
    Prefetch(b.Address(row, k) + b.bytes_ahead, 4 * kVectorBytes);
#pragma GCC unroll 4
    for (std::size_t i = 0; i < 4; ++i) {
      sums[i] = fma(Floats::load_unaligned(a + k + i * kLanes),
                    b.LoadVector(row, k + i * kLanes), sums[i]);
    }
  }
  for (; k + kLanes <= b.cols; k += kLanes) {
    sums[0] = fma(Floats::load_unaligned(a + k), b.LoadVector(row, k), sums[0]);
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// The same for rows as long as a panel is wide, which the keys of one head are.
// A loop of unknown length would cost as much as such a short row itself; one
// sum is enough, since the next rows need not wait for it.
template <DType kType>
inline Floats DotLanesOfKey(const float* a, StoredMatrix<kType> b,
                            std::size_t row) {
  Prefetch(b.Address(row, 0) + b.bytes_ahead,
           kPanelWidth * StoredMatrix<kType>::kElementBytes);
  Floats sum = Floats::load_unaligned(a) * b.LoadVector(row, 0);
#pragma GCC unroll 8
  for (std::size_t k = kLanes; k < kPanelWidth; k += kLanes) {
    sum = fma(Floats::load_unaligned(a + k), b.LoadVector(row, k), sum);
  }
  return sum;
}

// out[n] += a . b[n] for all rows of b: sums of as many rows as a vector has
// lanes are reduced together.
template <DType kType>
void AddDotsOfRow(const float* a, StoredMatrix<kType> b, float* out) {
  const bool is_key = b.cols == kPanelWidth;
  const std::size_t whole = b.cols / kLanes * kLanes;
  std::size_t n = 0;
  for (; n + kLanes <= b.rows; n += kLanes) {
    std::array<Floats, kLanes> rows;
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kLanes; ++i) {
      rows[i] = is_key ? DotLanesOfKey(a, b, n + i) : DotLanes(a, b, n + i);
    }
    Floats sums = Floats::load_unaligned(out + n) + SumsOfLanes(rows);
    sums.store_unaligned(out + n);
    if (whole < b.cols) {
      for (std::size_t i = n; i < n + kLanes; ++i) {
        out[i] += DotFrom(whole, a, b, i);
      }
    }
  }
  for (; n < b.rows; ++n) {
    out[n] += SumOfLanes(DotLanes(a, b, n)) + DotFrom(whole, a, b, n);
  }
}

// The same for two rows of a at once: half as many rows of b share the
// registers, and each value read is used twice.
template <DType kType>
void AddDotsOfTwoRows(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  constexpr std::size_t kCols = kLanes / 2;
  const std::size_t whole = b.cols / kLanes * kLanes;
  const std::array<const float*, 2> a_rows = {a.data, a.data + a.row_stride};
  std::size_t n = 0;
  for (; n + kCols <= b.rows; n += kCols) {
    std::array<Floats, kLanes> sums;
#pragma GCC unroll 16
    for (Floats& sum : sums) sum = Floats(0.0F);
    for (std::size_t k = 0; k < whole; k += kLanes) {
      const Floats a_0 = Floats::load_unaligned(a_rows[0] + k);
      const Floats a_1 = Floats::load_unaligned(a_rows[1] + k);
#pragma GCC unroll 8
      for (std::size_t i = 0; i < kCols; ++i) {
        const Floats b_part = b.LoadVector(n + i, k);
        sums[i] = fma(a_0, b_part, sums[i]);
        sums[kCols + i] = fma(a_1, b_part, sums[kCols + i]);
      }
    }
    std::array<float, kLanes> folded{};
    SumsOfLanes(sums).store_unaligned(folded.data());
    for (std::size_t m = 0; m < 2; ++m) {
      for (std::size_t i = 0; i < kCols; ++i) {
        out.Row(m)[n + i] +=
            folded[m * kCols + i] + DotFrom(whole, a_rows[m], b, n + i);
      }
    }
  }
  const StoredMatrix<kType> rest = b.Block(n, 0, b.rows - n, b.cols);
  for (std::size_t m = 0; m < 2; ++m) {
    AddDotsOfRow(a_rows[m], rest, out.Row(m).data() + n);
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
      AddDotsOfTwoRows(Block(a, m, 0, 2, a.cols), b_band,
                       Block(out, m, n, 2, height));
    }
    if (m < a.rows) {
      AddDotsOfRow(a.Row(m).data(), b_band, out.Row(m).data() + n);
    }
  }
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_DOT_H_
