// Products of many rows: prefill. Each element of b is used once per row of a,
// so arithmetic dominates, and b is first copied ("packed") into a panel that
// fits the first-level cache and is read from end to end.
// Source: Goto & van de Geijn 2008, "Anatomy of High-Performance Matrix
// Multiplication", ACM TOMS 34(3), section 4; the tile is that of BLIS.
#ifndef KVLAB_KIT_KERNELS_MANY_ROWS_H_
#define KVLAB_KIT_KERNELS_MANY_ROWS_H_

#include <algorithm>
#include <array>
#include <cstddef>

#include "kit/kernels/packing.h"
#include "kit/kernels/stored_matrix.h"
#include "kit/kernels/tile.h"
#include "kit/tensor/tensor.h"

namespace KVLAB_KERNELS {

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
