// Products of many rows: prefill. Each element of b is used once per row of a,
// so arithmetic is what costs, and b is first copied ("packed") into a panel
// that fits the first-level cache and is read from end to end.
// Source: Goto & van de Geijn 2008, "Anatomy of High-Performance Matrix
// Multiplication", ACM TOMS 34(3), section 4; the tile is that of BLIS.
#ifndef KVLAB_KIT_KERNELS_MANY_ROWS_H_
#define KVLAB_KIT_KERNELS_MANY_ROWS_H_

#include <algorithm>
#include <array>
#include <cstddef>

#include "kit/kernels/stored_matrix.h"
#include "kit/kernels/tile.h"
#include "kit/tensor.h"

namespace kvlab::kernels {

// 6 x 2 sums, 2 vectors of b and 1 element of a: 15 of 16 registers.
inline constexpr std::size_t kTileRows = 6;
inline constexpr std::size_t kTileVectors = 2;
inline constexpr std::size_t kTileCols = kTileVectors * kLanes;
// 256 x 16 float32 are 16 KiB, half of a small first-level cache.
inline constexpr std::size_t kPanelDepth = 256;

struct Panel {
  alignas(64) std::array<float, kPanelDepth * kTileCols> values;

  StoredMatrix<DType::kF32> AsMatrix(std::size_t depth) const {
    return {reinterpret_cast<const std::byte*>(values.data()), depth, kTileCols,
            kTileCols};
  }
};

// Copies b [depth, up to 16] into the panel; missing columns become 0.
template <DType kType>
void Pack(StoredMatrix<kType> b, Panel& panel) {
  for (std::size_t k = 0; k < b.rows; ++k) {
    float* row = panel.values.data() + k * kTileCols;
    if (b.cols == kTileCols) {
      b.LoadEight(k, 0).store_aligned(row);
      b.LoadEight(k, kLanes).store_aligned(row + kLanes);
    } else {
      for (std::size_t n = 0; n < kTileCols; ++n) {
        row[n] = n < b.cols ? b.LoadOne(k, n) : 0.0F;
      }
    }
  }
}

// Copies b [up to 16, depth], turned on its side.
template <DType kType>
void PackTransposed(StoredMatrix<kType> b, Panel& panel) {
  for (std::size_t n = 0; n < kTileCols; ++n) {
    float* column = panel.values.data() + n;
    std::size_t k = 0;
    if (n < b.rows) {
      for (; k + kLanes <= b.cols; k += kLanes) {
        std::array<float, kLanes> part{};
        b.LoadEight(n, k).store_unaligned(part.data());
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

// out += a * panel, where out has at most 16 columns.
inline void AddPanel(ConstMatrix a, const Panel& panel, Matrix out) {
  const StoredMatrix<DType::kF32> b = panel.AsMatrix(a.cols);
  for (std::size_t m = 0; m < a.rows; m += kTileRows) {
    const std::size_t rows = std::min(kTileRows, a.rows - m);
    const ConstMatrix a_rows = Block(a, m, 0, rows, a.cols);
    const Matrix out_rows = Block(out, m, 0, rows, out.cols);
    if (out.cols == kTileCols) {
      AddTileUpTo<kTileRows, kTileVectors>(a_rows, b, out_rows);
      continue;
    }
    // A tile at the right edge is computed whole, aside; what fits is added.
    std::array<float, kTileRows * kTileCols> aside{};
    const Matrix tile = {aside.data(), rows, kTileCols, kTileCols};
    AddTileUpTo<kTileRows, kTileVectors>(a_rows, b, tile);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t n = 0; n < out.cols; ++n) {
        out_rows.Row(i)[n] += tile.Row(i)[n];
      }
    }
  }
}

// out += a * b.
template <DType kType>
void AddProductManyRows(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  Panel panel;
  for (std::size_t n = 0; n < b.cols; n += kTileCols) {
    const std::size_t cols = std::min(kTileCols, b.cols - n);
    for (std::size_t k = 0; k < b.rows; k += kPanelDepth) {
      const std::size_t depth = std::min(kPanelDepth, b.rows - k);
      Pack(b.Block(k, n, depth, cols), panel);
      AddPanel(Block(a, 0, k, a.rows, depth), panel,
               Block(out, 0, n, a.rows, cols));
    }
  }
}

// out += a * b^T.
template <DType kType>
void AddTransposedManyRows(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  Panel panel;
  for (std::size_t n = 0; n < b.rows; n += kTileCols) {
    const std::size_t cols = std::min(kTileCols, b.rows - n);
    for (std::size_t k = 0; k < b.cols; k += kPanelDepth) {
      const std::size_t depth = std::min(kPanelDepth, b.cols - k);
      PackTransposed(b.Block(n, k, cols, depth), panel);
      AddPanel(Block(a, 0, k, a.rows, depth), panel,
               Block(out, 0, n, a.rows, cols));
    }
  }
}

}  // namespace kvlab::kernels

#endif  // KVLAB_KIT_KERNELS_MANY_ROWS_H_
