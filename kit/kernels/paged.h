// Products with a matrix whose rows are in blocks: the keys and values of a
// paged cache. One call for all of them: a call for each block would cost as
// much as the products with 16 rows of 64 floats.
#ifndef KVLAB_KIT_KERNELS_PAGED_H_
#define KVLAB_KIT_KERNELS_PAGED_H_

#include <algorithm>
#include <array>
#include <cstddef>

#include "kit/kernels/dot.h"
#include "kit/kernels/few_rows.h"
#include "kit/kernels/many_rows.h"
#include "kit/kernels/stored_matrix.h"
#include "kit/kernels/vectors.h"
#include "kit/tensor/paged_matrix.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace KVLAB_KERNELS {

// How many blocks of the table ahead of its reading a row is prefetched, 0 for
// none: those of about 4 KiB. Long blocks prefetch their own rows.
inline std::size_t BlocksAhead(const PagedMatrix& b) {
  constexpr std::size_t kBytesAhead = 4096;
  const std::size_t bytes =
      std::max<std::size_t>(1, b.block_rows * b.cols * sizeof(float));
  if (bytes > 4 * kBytesAhead) return 0;
  return std::max<std::size_t>(1, kBytesAhead / bytes);
}

inline std::size_t BlocksOf(const PagedMatrix& b) {
  return (b.rows + b.block_rows - 1) / b.block_rows;
}

// Block i of the table.
inline const float* BlockAt(const PagedMatrix& b, std::size_t i) {
  return b.data + b.table[i] * b.block_stride;
}

// How many rows of block i the matrix has.
inline std::size_t RowsOfBlock(const PagedMatrix& b, std::size_t i) {
  return std::min(b.block_rows, b.rows - i * b.block_rows);
}

// What is prefetched while block i is read, row by row: a block that is
// `ahead` in the table, since what follows in memory may be of another head or
// sequence.
inline const float* LaterBlock(const PagedMatrix& b, std::size_t i,
                               std::size_t ahead) {
  if (ahead == 0) return BlockAt(b, i) + kDefaultBytesAhead / sizeof(float);
  return BlockAt(b, std::min(i + ahead, b.table.size() - 1));
}

// Prefetches 64 floats.
inline void PrefetchRow(const float* row) {
  Prefetch(reinterpret_cast<const std::byte*>(row),
           kPanelWidth * sizeof(float));
}

inline StoredMatrix<DType::kF32> StoredBlock(const PagedMatrix& b,
                                             std::size_t i) {
  return Stored({BlockAt(b, i), RowsOfBlock(b, i), b.cols, b.cols});
}

// out[n] += a . b[n] for all rows of block i, 64 columns wide, as the keys of a
// head are: then all addresses differ by numbers that the compiler knows.
inline void AddDotsOfBlock(const float* a, const PagedMatrix& b, std::size_t i,
                           std::size_t ahead, float* out) {
  const float* const block = BlockAt(b, i);
  const float* const later = LaterBlock(b, i, ahead);
  const std::size_t count = RowsOfBlock(b, i);
  std::size_t n = 0;
  for (; n + kLanes <= count; n += kLanes) {
    std::array<Floats, kLanes> rows;
#pragma GCC unroll 16
    for (std::size_t r = 0; r < kLanes; ++r) {
      const float* const row = block + (n + r) * kPanelWidth;
      PrefetchRow(later + (n + r) * kPanelWidth);
      rows[r] = Floats::load_unaligned(a) * Floats::load_unaligned(row);
#pragma GCC unroll 8
      for (std::size_t k = kLanes; k < kPanelWidth; k += kLanes) {
        rows[r] = fma(Floats::load_unaligned(a + k),
                      Floats::load_unaligned(row + k), rows[r]);
      }
    }
    (Floats::load_unaligned(out + n) + SumsOfLanes(rows))
        .store_unaligned(out + n);
  }
  if (n < count) {
    AddDotsOfRow(a, StoredBlock(b, i).Block(n, 0, count - n, kPanelWidth),
                 out + n);
  }
}

// out += a * b^T.
inline void AddPagesTransposed(ConstMatrix a, const PagedMatrix& b,
                               Matrix out) {
  const std::size_t ahead = BlocksAhead(b);
  const std::size_t blocks = BlocksOf(b);
  for (std::size_t i = 0; i < blocks; ++i) {
    const std::size_t n = i * b.block_rows;
    if (a.rows == 1 && b.cols == kPanelWidth) {
      AddDotsOfBlock(a.data, b, i, ahead, out.data + n);
      continue;
    }
    const StoredMatrix<DType::kF32> block = StoredBlock(b, i);
    const Matrix columns = Block(out, 0, n, out.rows, block.rows);
    if (a.rows <= kFewRows) {
      AddTransposedFewRows(a, block, columns);
    } else {
      AddTransposedManyRows(a, block, columns);
    }
  }
}

// out[64] += x * b. As AddRowTimesPanel, but with sums that stay in registers
// from the first block to the last.
inline void AddRowTimesPages(const float* x, const PagedMatrix& b, float* out) {
  constexpr std::size_t kVectors = kPanelWidth / kLanes;
  constexpr std::size_t kRows = 8 / kVectors;
  std::array<std::array<Floats, kVectors>, kRows> sums;
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) {
    sums[0][v] = Floats::load_unaligned(out + v * kLanes);
    if constexpr (kRows == 2) sums[1][v] = Floats(0.0F);
  }
  const std::size_t ahead = BlocksAhead(b);
  const std::size_t blocks = BlocksOf(b);
  for (std::size_t i = 0; i < blocks; ++i) {
    const float* const block = BlockAt(b, i);
    const float* const later = LaterBlock(b, i, ahead);
    const std::size_t rows = RowsOfBlock(b, i);
    const auto add_row = [&](std::size_t k, std::array<Floats, kVectors>& to) {
      PrefetchRow(later + k * kPanelWidth);
      const Floats x_k(x[k]);
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) {
        to[v] = fma(
            x_k, Floats::load_unaligned(block + k * kPanelWidth + v * kLanes),
            to[v]);
      }
    };
    std::size_t k = 0;
    for (; k + kRows <= rows; k += kRows) {
#pragma GCC unroll 2
      for (std::size_t row = 0; row < kRows; ++row) add_row(k + row, sums[row]);
    }
    if (k < rows) add_row(k, sums[0]);
    x += rows;
  }
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) {
    if constexpr (kRows == 2) sums[0][v] += sums[1][v];
    sums[0][v].store_unaligned(out + v * kLanes);
  }
}

// out += a * b.
inline void AddProductOfPages(ConstMatrix a, const PagedMatrix& b, Matrix out) {
  if (a.rows == 1 && b.cols == kPanelWidth) {
    AddRowTimesPages(a.data, b, out.data);
    return;
  }
  const std::size_t blocks = BlocksOf(b);
  for (std::size_t i = 0; i < blocks; ++i) {
    const StoredMatrix<DType::kF32> block = StoredBlock(b, i);
    const ConstMatrix columns =
        Block(a, 0, i * b.block_rows, a.rows, block.rows);
    if (a.rows <= kFewRows) {
      AddProductFewRows(columns, block, out);
    } else {
      AddProductManyRows(columns, block, out);
    }
  }
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_PAGED_H_
