// The innermost loop of every product: a small tile of the result that stays
// in registers while the sums run.
#ifndef KVLAB_KIT_KERNELS_TILE_H_
#define KVLAB_KIT_KERNELS_TILE_H_

#include <array>
#include <cstddef>

#include "kit/kernels/stored_matrix.h"
#include "kit/tensor.h"

namespace kvlab::kernels {

// A tile of the result: 8 * kVectors columns in each of kRows rows.
template <std::size_t kRows, std::size_t kVectors>
using Sums = std::array<std::array<Floats, kVectors>, kRows>;

// sums[m][v] += a[m, k] * b[k, v]. The shorter side is held in registers while
// the longer one passes by.
template <std::size_t kRows, std::size_t kVectors, DType kType>
inline void AddOneStep(ConstMatrix a, StoredMatrix<kType> b, std::size_t k,
                       Sums<kRows, kVectors>& sums) {
  if constexpr (kRows < kVectors) {
    std::array<Floats, kRows> a_column;
#pragma GCC unroll 8
    for (std::size_t m = 0; m < kRows; ++m) {
      a_column[m] = Floats(a.data[m * a.row_stride + k]);
    }
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Floats b_kv = b.LoadEight(k, v * kLanes);
#pragma GCC unroll 8
      for (std::size_t m = 0; m < kRows; ++m) {
        sums[m][v] = xsimd::fma(a_column[m], b_kv, sums[m][v]);
      }
    }
  } else {
    std::array<Floats, kVectors> b_row;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      b_row[v] = b.LoadEight(k, v * kLanes);
    }
#pragma GCC unroll 8
    for (std::size_t m = 0; m < kRows; ++m) {
      const Floats a_mk(a.data[m * a.row_stride + k]);
#pragma GCC unroll 8
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[m][v] = xsimd::fma(a_mk, b_row[v], sums[m][v]);
      }
    }
  }
}

// out += a * b, with a [kRows, depth], b [depth, 8 * kVectors] and
// out [kRows, 8 * kVectors].
//
// Of the 16 registers, kRows * kVectors hold sums. Each step of the depth loads
// one row of b and kRows single elements of a, and does kRows * kVectors
// multiply-adds. A multiply-add takes 4 cycles and two start per cycle, so at
// least 8 sums must be under way to keep both units busy.
template <std::size_t kRows, std::size_t kVectors, DType kType>
inline void AddTile(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  Sums<kRows, kVectors> sums;
#pragma GCC unroll 8
  for (std::size_t m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[m][v] = Floats::load_unaligned(out.Row(m).data() + v * kLanes);
    }
  }
  for (std::size_t k = 0; k < b.rows; ++k) {
    AddOneStep<kRows, kVectors>(a, b, k, sums);
  }
#pragma GCC unroll 8
  for (std::size_t m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[m][v].store_unaligned(out.Row(m).data() + v * kLanes);
    }
  }
}

// AddTile for any number of rows up to kMaxRows.
template <std::size_t kMaxRows, std::size_t kVectors, DType kType>
inline void AddTileUpTo(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  if constexpr (kMaxRows > 1) {
    if (a.rows < kMaxRows) {
      return AddTileUpTo<kMaxRows - 1, kVectors>(a, b, out);
    }
  }
  AddTile<kMaxRows, kVectors>(a, b, out);
}

}  // namespace kvlab::kernels

#endif  // KVLAB_KIT_KERNELS_TILE_H_
