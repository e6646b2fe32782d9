// Products of many rows: prefill. Each element of b is used once per row of a,
// so arithmetic dominates, and b is first copied ("packed") into a panel that
// fits the first-level cache and is read from end to end.
// Source: Goto & van de Geijn 2008, "Anatomy of High-Performance Matrix
// Multiplication", ACM TOMS 34(3), section 4; the tile is that of BLIS.
#ifndef KVLAB_KIT_KERNELS_MANY_ROWS_H_
#define KVLAB_KIT_KERNELS_MANY_ROWS_H_

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "kit/kernels/stored_matrix.h"
#include "kit/kernels/tile.h"
#include "kit/tensor/tensor.h"

namespace KVLAB_KERNELS {

// The sums, one row of b and one element of a fill the registers: 15 of the 16
// of AVX2, 27 of the 32 of AVX-512.
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
      __m128 row_0 = _mm_loadu_ps(row + k);
      __m128 row_1 = _mm_loadu_ps(row + a.row_stride + k);
      __m128 row_2 = _mm_loadu_ps(row + 2 * a.row_stride + k);
      __m128 row_3 = _mm_loadu_ps(row + 3 * a.row_stride + k);
      _MM_TRANSPOSE4_PS(row_0, row_1, row_2, row_3);
      _mm_storeu_ps(to, row_0);
      _mm_storeu_ps(to + a.rows, row_1);
      _mm_storeu_ps(to + 2 * a.rows, row_2);
      _mm_storeu_ps(to + 3 * a.rows, row_3);
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

// out += a tile's rows * panel, for any number of rows up to kMaxRows.
template <std::size_t kMaxRows>
void AddPackedTile(const float* a, StoredMatrix<DType::kF32> b, Matrix out) {
  if constexpr (kMaxRows > 1) {
    if (out.rows < kMaxRows) return AddPackedTile<kMaxRows - 1>(a, b, out);
  }
  AddTile<kMaxRows, kTileVectors>(PackedRows<kMaxRows>{a}, b, out);
}

// out += a block of rows * panel, where out has at most kTileCols columns.
inline void AddPanel(const RowBlock& block, StoredMatrix<DType::kF32> b,
                     Matrix out) {
  for (std::size_t m = 0; m < out.rows; m += kTileRows) {
    const std::size_t rows = std::min(kTileRows, out.rows - m);
    const float* const a = block.values.data() + m * b.rows;
    const Matrix out_rows = Block(out, m, 0, rows, out.cols);
    if (out.cols == kTileCols) {
      AddPackedTile<kTileRows>(a, b, out_rows);
      continue;
    }
    // A tile at the right edge is computed whole in a buffer; the part that
    // fits is added.
    std::array<float, kTileRows * kTileCols> aside{};
    const Matrix tile = {aside.data(), rows, kTileCols, kTileCols};
    AddPackedTile<kTileRows>(a, b, tile);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t n = 0; n < out.cols; ++n) {
        out_rows.data[i * out_rows.row_stride + n] += aside[i * kTileCols + n];
      }
    }
  }
}

// out += a * (panels of b, where pack_panel(k, n, depth, cols, panel) makes the
// one that begins at row k and column n of the right operand).
template <typename PackPanel>
void AddInBlocks(ConstMatrix a, Matrix out, PackPanel pack_panel) {
  RowBlock block;
  Panel panel;
  for (std::size_t m = 0; m < a.rows; m += kBlockRows) {
    const std::size_t rows = std::min(kBlockRows, a.rows - m);
    for (std::size_t k = 0; k < a.cols; k += kPanelDepth) {
      const std::size_t depth = std::min(kPanelDepth, a.cols - k);
      PackRows(Block(a, m, k, rows, depth), block);
      for (std::size_t n = 0; n < out.cols; n += kTileCols) {
        const std::size_t cols = std::min(kTileCols, out.cols - n);
        pack_panel(k, n, depth, cols, panel);
        AddPanel(block, panel.AsMatrix(depth), Block(out, m, n, rows, cols));
      }
    }
  }
}

// out += a * b.
template <DType kType>
void AddProductManyRows(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  AddInBlocks(
      a, out,
      [b](std::size_t k, std::size_t n, std::size_t depth, std::size_t cols,
          Panel& panel) { Pack(b.Block(k, n, depth, cols), panel); });
}

// out += a * b, b in panels.
template <DType kType>
void AddPanelsManyRows(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  AddInBlocks(a, out,
              [b](std::size_t k, std::size_t n, std::size_t depth,
                  std::size_t cols, Panel& panel) {
                const std::size_t begin = n / kPanelWidth * kPanelWidth;
                Pack(PanelOf(b, begin).Block(k, n - begin, depth, cols), panel);
              });
}

// out += a * b^T.
template <DType kType>
void AddTransposedManyRows(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  AddInBlocks(
      a, out,
      [b](std::size_t k, std::size_t n, std::size_t depth, std::size_t cols,
          Panel& panel) { PackTransposed(b.Block(n, k, cols, depth), panel); });
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_MANY_ROWS_H_
