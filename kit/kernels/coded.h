// Products with matrices in codes of one byte: keys and values in eight bits.
// The codes become floats in registers, so a quarter of the bytes is read. What
// they mean is multiplied into the other operand first, where it is needed
// once for a row or column instead of once for each code:
//   sum_k a_k (zero_k + code_nk scale_k)
//     = sum_k a_k zero_k + sum_k (a_k scale_k) code_nk
#ifndef KVLAB_KIT_KERNELS_CODED_H_
#define KVLAB_KIT_KERNELS_CODED_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kit/kernels/dot.h"
#include "kit/kernels/few_rows.h"
#include "kit/kernels/many_rows.h"
#include "kit/kernels/stored_matrix.h"
#include "kit/kernels/vectors.h"
#include "kit/tensor/coded_matrix.h"
#include "kit/tensor/tensor.h"

namespace KVLAB_KERNELS {

// More rows than these share the decoded numbers of a tile.
inline constexpr std::size_t kRowsOfCodes = 3;

// --- one row ---

// Up to kCodedDepth features of a row, times the scales of their columns, and
// the sum of them times the zeros.
inline constexpr std::size_t kCodedDepth = 256;
struct ScaledRow {
  alignas(64) std::array<float, kCodedDepth> values;
  std::size_t size = 0;
  float of_zeros = 0;
};

inline void Scale(const float* a, const CodeRange* ranges, std::size_t size,
                  ScaledRow& row) {
  row.size = size;
  Floats of_zeros(0.0F);
  std::size_t k = 0;
  for (; k + kLanes <= size; k += kLanes) {
    std::array<float, kLanes> zeros;
    for (std::size_t i = 0; i < kLanes; ++i) {
      row.values[k + i] = a[k + i] * ranges[k + i].scale;
      zeros[i] = ranges[k + i].zero;
    }
    of_zeros = fma(Floats::load_unaligned(a + k),
                   Floats::load_unaligned(zeros.data()), of_zeros);
  }
  row.of_zeros = SumOfLanes(of_zeros);
  for (; k < size; ++k) {
    row.values[k] = a[k] * ranges[k].scale;
    row.of_zeros = fma(a[k], ranges[k].zero, row.of_zeros);
  }
}

// Rows of codes, `stride` codes from one to the next.
struct CodeRows {
  const std::uint8_t* codes = nullptr;
  std::size_t rows = 0;
  std::size_t stride = 0;

  const std::uint8_t* Row(std::size_t row) const {
    return codes + row * stride;
  }
};

// The dot product of the row with as many codes, lane by lane, up to the last
// whole vector.
inline Floats DotLanesOfCodes(const ScaledRow& a, const std::uint8_t* codes) {
  Floats sum(0.0F);
  for (std::size_t k = 0; k + kLanes <= a.size; k += kLanes) {
    sum = fma(Floats::load_unaligned(&a.values[k]), LoadCodes(codes + k), sum);
  }
  return sum;
}

// The rest of a dot product, after the last whole vector.
inline float DotOfLastCodes(const ScaledRow& a, const std::uint8_t* codes) {
  float sum = 0.0F;
  for (std::size_t k = a.size / kLanes * kLanes; k < a.size; ++k) {
    sum = fma(a.values[k], static_cast<float>(codes[k]), sum);
  }
  return sum;
}

// out[n] += a . b[n] for all rows of b, one at a time.
inline void AddDotsOfCodes(const ScaledRow& a, const CodeRows& b, float* out) {
  for (std::size_t n = 0; n < b.rows; ++n) {
    out[n] += a.of_zeros + SumOfLanes(DotLanesOfCodes(a, b.Row(n))) +
              DotOfLastCodes(a, b.Row(n));
  }
}

// The same for rows of 64 codes without gaps, the keys of one head: as many
// rows as a vector has lanes are reduced together.
inline void AddDotsOfCodedKeys(const ScaledRow& a, CodeRows b, float* out) {
  b.stride = kPanelWidth;
  std::size_t n = 0;
  for (; n + kLanes <= b.rows; n += kLanes) {
    const std::uint8_t* const codes = b.Row(n);
    std::array<Floats, kLanes> sums;
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kLanes; ++i) {
      sums[i] = Floats::load_unaligned(a.values.data()) *
                LoadCodes(codes + i * kPanelWidth);
#pragma GCC unroll 8
      for (std::size_t k = kLanes; k < kPanelWidth; k += kLanes) {
        sums[i] = fma(Floats::load_unaligned(&a.values[k]),
                      LoadCodes(codes + i * kPanelWidth + k), sums[i]);
      }
    }
    (Floats::load_unaligned(out + n) + (Floats(a.of_zeros) + SumsOfLanes(sums)))
        .store_unaligned(out + n);
  }
  AddDotsOfCodes(a, {b.Row(n), b.rows - n, kPanelWidth}, out + n);
}

// out[n] += a . b[n] for all rows of b, a of any length.
inline void AddRowTimesCodesTransposed(const float* a, const CodedByColumn& b,
                                       float* out) {
  ScaledRow scaled;
  for (std::size_t n = 0; n < b.rows; n += b.group) {
    const std::size_t rows = std::min(b.group, b.rows - n);
    const CodeRange* const ranges = b.ranges + n / b.group * b.cols;
    const std::uint8_t* const codes = b.codes + n * b.cols;
    for (std::size_t k = 0; k < b.cols; k += kCodedDepth) {
      Scale(a + k, ranges + k, std::min(kCodedDepth, b.cols - k), scaled);
      if (b.cols == kPanelWidth) {
        AddDotsOfCodedKeys(scaled, {codes, rows, kPanelWidth}, out + n);
      } else {
        AddDotsOfCodes(scaled, {codes + k, rows, b.cols}, out + n);
      }
    }
  }
}

// Adds a * b to kVectors vectors of out, from column n on.
template <std::size_t kVectors>
void AddRowTimesColumnsOfCodes(const float* a, const CodedByRow& b,
                               std::size_t n, float* out) {
  std::array<Floats, kVectors> sums;
#pragma GCC unroll 8
  for (Floats& sum : sums) sum = Floats(0.0F);
  float of_zeros = 0.0F;
  for (std::size_t k = 0; k < b.rows; ++k) {
    const Floats weight(a[k] * b.ranges[k].scale);
    of_zeros = fma(a[k], b.ranges[k].zero, of_zeros);
    const std::uint8_t* const codes = b.codes + k * b.cols + n;
#pragma GCC unroll 8
    for (std::size_t v = 0; v < kVectors; ++v) {
      sums[v] = fma(weight, LoadCodes(codes + v * kLanes), sums[v]);
    }
  }
#pragma GCC unroll 8
  for (std::size_t v = 0; v < kVectors; ++v) {
    float* const to = out + n + v * kLanes;
    (Floats::load_unaligned(to) + (sums[v] + Floats(of_zeros)))
        .store_unaligned(to);
  }
}

// out += a * b for one row a.
inline void AddRowTimesCodes(const float* a, const CodedByRow& b, float* out) {
  constexpr std::size_t kVectors = kPanelWidth / kLanes;
  std::size_t n = 0;
  for (; n + kPanelWidth <= b.cols; n += kPanelWidth) {
    AddRowTimesColumnsOfCodes<kVectors>(a, b, n, out);
  }
  for (; n + kLanes <= b.cols; n += kLanes) {
    AddRowTimesColumnsOfCodes<1>(a, b, n, out);
  }
  for (; n < b.cols; ++n) {
    float sum = 0.0F;
    for (std::size_t k = 0; k < b.rows; ++k) {
      sum = fma(a[k] * b.ranges[k].scale,
                static_cast<float>(b.codes[k * b.cols + n]),
                fma(a[k], b.ranges[k].zero, sum));
    }
    out[n] += sum;
  }
}

// --- many rows ---

// As many decoded numbers as stay in the first-level cache.
inline constexpr std::size_t kDecodedSide = 64;
struct DecodedTile {
  alignas(64) std::array<float, kDecodedSide * kDecodedSide> values;

  StoredMatrix<DType::kF32> AsMatrix(std::size_t rows, std::size_t cols) const {
    return {reinterpret_cast<const std::byte*>(values.data()), rows, cols,
            kDecodedSide};
  }
};

// Decodes the tile at [row, col] of `b`, whose range is that of `range_of`'s
// row or column.
template <typename Coded, typename RangeOf>
void DecodeTile(const Coded& b, std::size_t row, std::size_t col,
                const RangeOf& range_of, DecodedTile& tile) {
  const std::size_t rows = std::min(kDecodedSide, b.rows - row);
  const std::size_t cols = std::min(kDecodedSide, b.cols - col);
  for (std::size_t i = 0; i < rows; ++i) {
    const std::uint8_t* const codes = b.codes + (row + i) * b.cols + col;
    for (std::size_t j = 0; j < cols; ++j) {
      const CodeRange& range = range_of(row + i, col + j);
      tile.values[i * kDecodedSide + j] =
          fma(static_cast<float>(codes[j]), range.scale, range.zero);
    }
  }
}

// Calls add(row, col, matrix) for all tiles of b, decoded.
template <typename Coded, typename RangeOf, typename Add>
void ForDecodedTiles(const Coded& b, const RangeOf& range_of, const Add& add) {
  DecodedTile tile;
  for (std::size_t row = 0; row < b.rows; row += kDecodedSide) {
    for (std::size_t col = 0; col < b.cols; col += kDecodedSide) {
      DecodeTile(b, row, col, range_of, tile);
      add(row, col,
          tile.AsMatrix(std::min(kDecodedSide, b.rows - row),
                        std::min(kDecodedSide, b.cols - col)));
    }
  }
}

// --- any number of rows ---

// out += a * b^T.
inline void AddCodesTransposed(ConstMatrix a, const CodedByColumn& b,
                               Matrix out) {
  if (a.rows <= kRowsOfCodes) {
    for (std::size_t m = 0; m < a.rows; ++m) {
      AddRowTimesCodesTransposed(a.Row(m).data(), b, out.Row(m).data());
    }
    return;
  }
  ForDecodedTiles(
      b,
      [&](std::size_t row, std::size_t col) -> const CodeRange& {
        return b.ranges[row / b.group * b.cols + col];
      },
      [&](std::size_t row, std::size_t col, StoredMatrix<DType::kF32> tile) {
        const ConstMatrix part = Block(a, 0, col, a.rows, tile.cols);
        const Matrix to = Block(out, 0, row, a.rows, tile.rows);
        if (a.rows <= kFewRows) {
          AddTransposedFewRows(part, tile, to);
        } else {
          AddTransposedManyRows(part, tile, to);
        }
      });
}

// out += a * b.
inline void AddProductOfCodes(ConstMatrix a, const CodedByRow& b, Matrix out) {
  if (a.rows <= kRowsOfCodes) {
    for (std::size_t m = 0; m < a.rows; ++m) {
      AddRowTimesCodes(a.Row(m).data(), b, out.Row(m).data());
    }
    return;
  }
  ForDecodedTiles(
      b,
      [&](std::size_t row, std::size_t) -> const CodeRange& {
        return b.ranges[row];
      },
      [&](std::size_t row, std::size_t col, StoredMatrix<DType::kF32> tile) {
        const ConstMatrix part = Block(a, 0, row, a.rows, tile.rows);
        const Matrix to = Block(out, 0, col, a.rows, tile.cols);
        if (a.rows <= kFewRows) {
          AddProductFewRows(part, tile, to);
        } else {
          AddProductManyRows(part, tile, to);
        }
      });
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_CODED_H_
