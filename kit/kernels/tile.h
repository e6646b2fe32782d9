// The innermost loop of every product: a small tile of the result that stays
// in registers while the sums run.
#ifndef KVLAB_KIT_KERNELS_TILE_H_
#define KVLAB_KIT_KERNELS_TILE_H_

#include <array>
#include <cstddef>

#include "kit/kernels/stored_matrix.h"
#include "kit/tensor/tensor.h"

namespace KVLAB_KERNELS {

// Rows of a in place.
struct PlainRows {
  ConstMatrix matrix;

  float At(std::size_t m, std::size_t k) const {
    return matrix.data[m * matrix.row_stride + k];
  }
};

// A tile of the result: kLanes * kVectors columns in each of kRows rows.
template <std::size_t kRows, std::size_t kVectors>
using Sums = std::array<std::array<Floats, kVectors>, kRows>;

// sums[m][v] += a[m, k] * b[k, v]. The shorter side is held in registers while
// the longer one passes by.
template <std::size_t kRows, std::size_t kVectors, typename ARows, DType kType>
inline void AddOneStep(ARows a, StoredMatrix<kType> b, std::size_t k,
                       Sums<kRows, kVectors>& sums) {
  if constexpr (kRows < kVectors) {
    std::array<Floats, kRows> a_column;
#pragma GCC unroll 16
    for (std::size_t m = 0; m < kRows; ++m) {
      a_column[m] = Floats(a.At(m, k));
    }
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      const Floats b_kv = b.LoadVector(k, v * kLanes);
#pragma GCC unroll 16
      for (std::size_t m = 0; m < kRows; ++m) {
        sums[m][v] = fma(a_column[m], b_kv, sums[m][v]);
      }
    }
  } else {
    std::array<Floats, kVectors> b_row;
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      b_row[v] = b.LoadVector(k, v * kLanes);
    }
#pragma GCC unroll 16
    for (std::size_t m = 0; m < kRows; ++m) {
      const Floats a_mk(a.At(m, k));
#pragma GCC unroll 16
      for (std::size_t v = 0; v < kVectors; ++v) {
        sums[m][v] = fma(a_mk, b_row[v], sums[m][v]);
      }
    }
  }
}

// out += a * b, with a [kRows, depth], b [depth, kLanes * kVectors] and
// out [kRows, kLanes * kVectors].
//
// Of the registers, kRows * kVectors hold sums. Each step of the depth loads
// one row of b and kRows single elements of a, and does kRows * kVectors
// multiply-adds. A multiply-add takes 4 cycles and two start per cycle, so at
// least 8 sums must be in flight to keep both units busy. The result is
// prefetched at the start and has arrived by the end.
template <std::size_t kRows, std::size_t kVectors, typename ARows, DType kType>
inline void AddTile(ARows a, StoredMatrix<kType> b, Matrix out) {
  Sums<kRows, kVectors> sums;
#pragma GCC unroll 16
  for (std::size_t m = 0; m < kRows; ++m) {
    Prefetch(reinterpret_cast<const std::byte*>(out.data + m * out.row_stride),
             kVectors * sizeof(Floats));
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) sums[m][v] = Floats(0.0F);
  }
  for (std::size_t k = 0; k < b.rows; ++k) {
    AddOneStep<kRows, kVectors>(a, b, k, sums);
  }
#pragma GCC unroll 16
  for (std::size_t m = 0; m < kRows; ++m) {
    float* const row = out.data + m * out.row_stride;
#pragma GCC unroll 16
    for (std::size_t v = 0; v < kVectors; ++v) {
      (Floats::load_unaligned(row + v * kLanes) + sums[m][v])
          .store_unaligned(row + v * kLanes);
    }
  }
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_TILE_H_
