#include "kit/math/coded_products.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "kit/error.h"
#include "kit/kernels/instruction_set.h"
#include "kit/math/work.h"
#include "kit/tensor/coded_matrix.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

using MatrixShape = std::array<std::size_t, 2>;

void CheckMatrix(std::string_view what, const MatrixShape& actual,
                 const MatrixShape& expected) {
  CheckShape(what, std::span<const std::size_t>(actual),
             std::span<const std::size_t>(expected));
}

void Clear(Matrix out) {
  for (std::size_t m = 0; m < out.rows; ++m) {
    std::ranges::fill(out.Row(m), 0.0F);
  }
}

}  // namespace

void MatMulTransposed(Work work, ConstMatrix a, const CodedByColumn& b,
                      Matrix out) {
  if (b.group == 0) {
    throw ContractError("MatMulTransposed: b has groups of 0 rows",
                        "the rows of a group share a range for each column",
                        "give the number of rows that share ranges");
  }
  CheckMatrix("MatMulTransposed: b", {b.rows, b.cols}, {b.rows, a.cols});
  CheckMatrix("MatMulTransposed: out", {out.rows, out.cols}, {a.rows, b.rows});
  Clear(out);
  if (a.rows > 0) KernelsInUse().add_codes_transposed(a, b, out);
  CountMacs(work, a.rows * b.rows * a.cols);
}

void MatMul(Work work, ConstMatrix a, const CodedByRow& b, Matrix out) {
  CheckMatrix("MatMul: b", {b.rows, b.cols}, {a.cols, b.cols});
  CheckMatrix("MatMul: out", {out.rows, out.cols}, {a.rows, b.cols});
  Clear(out);
  if (a.rows > 0) KernelsInUse().add_product_of_codes(a, b, out);
  CountMacs(work, a.rows * b.cols * a.cols);
}

}  // namespace kvlab
