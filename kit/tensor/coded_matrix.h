// Matrices whose numbers are codes of one byte, and what the codes mean.
#ifndef KVLAB_KIT_TENSOR_CODED_MATRIX_H_
#define KVLAB_KIT_TENSOR_CODED_MATRIX_H_

#include <cstddef>
#include <cstdint>

namespace kvlab {

// What the codes 0 .. 255 of some numbers mean: zero + code * scale.
struct CodeRange {
  float zero = 0;
  float scale = 0;
};

// `rows` rows of `cols` codes, one after the other, in groups of `group` rows;
// in each group, the numbers of a column share a range: element [n, k] is zero
// + code * scale with codes[n * cols + k] and ranges[n / group * cols + k]. The
// last group may be shorter. Owns nothing.
struct CodedByColumn {
  const std::uint8_t* codes = nullptr;  // [rows, cols]
  const CodeRange* ranges = nullptr;    // [rows / group, rounded up, cols]
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t group = 0;
};

// The same with a range for each row: that of element [k, n] is ranges[k].
struct CodedByRow {
  const std::uint8_t* codes = nullptr;  // [rows, cols]
  const CodeRange* ranges = nullptr;    // [rows]
  std::size_t rows = 0;
  std::size_t cols = 0;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_TENSOR_CODED_MATRIX_H_
