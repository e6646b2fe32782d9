// Copies ("packs") parts of both operands in the order in which the tiles of
// many_rows.h read them.
// Source: Goto & van de Geijn 2008, "Anatomy of High-Performance Matrix
// Multiplication", ACM TOMS 34(3), section 4.
#ifndef KVLAB_KIT_KERNELS_PACKING_H_
#define KVLAB_KIT_KERNELS_PACKING_H_

#include <algorithm>
#include <array>
#include <cstddef>

#include "kit/kernels/stored_matrix.h"
#include "kit/kernels/vectors.h"
#include "kit/tensor/tensor.h"

namespace KVLAB_KERNELS {

// The sums, one row of b and one element of a fill the registers: 15 of the 16
// of AVX2, 27 of the 32 of AVX-512, 30 of the 32 of NEON.
inline constexpr std::size_t kTileRows = kLanes == 8 ? 6 : 12;
inline constexpr std::size_t kTileVectors = 2;
inline constexpr std::size_t kTileCols = kTileVectors * kLanes;
// The result is read and written once for each kPanelDepth: deep panels cost
// more of the second-level cache, but less than rereading a wide result. At a
// width of 768 one panel covers the whole depth.
inline constexpr std::size_t kPanelDepth = 768;

struct Panel {
  alignas(64) std::array<float, kPanelDepth * kTileCols> values;

  StoredMatrix<DType::kF32> AsMatrix(std::size_t depth) const {
    return {reinterpret_cast<const std::byte*>(values.data()), depth, kTileCols,
            kTileCols};
  }
};

// Copies b [depth, up to kTileCols] into the panel; missing columns become 0.
template <DType kType>
void Pack(StoredMatrix<kType> b, Panel& panel) {
  for (std::size_t k = 0; k < b.rows; ++k) {
    float* row = panel.values.data() + k * kTileCols;
    if (b.cols == kTileCols) {
      b.LoadVector(k, 0).store_aligned(row);
      b.LoadVector(k, kLanes).store_aligned(row + kLanes);
    } else {
      for (std::size_t n = 0; n < kTileCols; ++n) {
        row[n] = n < b.cols ? b.LoadOne(k, n) : 0.0F;
      }
    }
  }
}

// Copies b [up to kTileCols, depth], transposed.
template <DType kType>
void PackTransposed(StoredMatrix<kType> b, Panel& panel) {
  for (std::size_t n = 0; n < kTileCols; ++n) {
    float* column = panel.values.data() + n;
    std::size_t k = 0;
    if (n < b.rows) {
      for (; k + kLanes <= b.cols; k += kLanes) {
        std::array<float, kLanes> part{};
        b.LoadVector(n, k).store_unaligned(part.data());
        for (std::size_t i = 0; i < kLanes; ++i) {
          column[(k + i) * kTileCols] = part[i];
        }
      }
    }
    for (; k < b.cols; ++k) {
      column[k * kTileCols] = n < b.rows ? b.LoadOne(n, k) : 0.0F;
    }
  }
}

// Up to kBlockRows rows of a, kPanelDepth deep, in the order in which tiles
// read them: one tile after the other, and within each, the rows of a column
// side by side. Rows that are far apart would evict each other from the
// first-level cache.
// A whole prompt of 500 tokens, in whole tiles of either height: each panel is
// then packed once. 1.5 MB, on the stack.
inline constexpr std::size_t kBlockRows = 504;
static_assert(kBlockRows % kTileRows == 0);

struct RowBlock {
  alignas(64) std::array<float, kBlockRows * kPanelDepth> values;
};

// The rows of one tile in a RowBlock.
template <std::size_t kRows>
struct PackedRows {
  const float* data;

  float At(std::size_t m, std::size_t k) const { return data[k * kRows + m]; }
};

// Copies up to kTileRows rows of a to `packed`.
inline void PackTile(ConstMatrix a, float* packed) {
  std::size_t m = 0;
  for (; m + 4 <= a.rows; m += 4) {
    const float* const row = a.data + m * a.row_stride;
    float* to = packed + m;
    std::size_t k = 0;
    for (; k + 4 <= a.cols; k += 4, to += 4 * a.rows) {
      Transpose4x4(row + k, a.row_stride, to, a.rows);
    }
    for (; k < a.cols; ++k, to += a.rows) {
      for (std::size_t i = 0; i < 4; ++i) to[i] = row[i * a.row_stride + k];
    }
  }
  for (; m < a.rows; ++m) {
    for (std::size_t k = 0; k < a.cols; ++k) {
      packed[k * a.rows + m] = a.data[m * a.row_stride + k];
    }
  }
}

inline void PackRows(ConstMatrix a, RowBlock& block) {
  for (std::size_t m = 0; m < a.rows; m += kTileRows) {
    const std::size_t rows = std::min(kTileRows, a.rows - m);
    PackTile(Block(a, m, 0, rows, a.cols), block.values.data() + m * a.cols);
  }
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_PACKING_H_
