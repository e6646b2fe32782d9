#include "kit/math/paged_products.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "kit/error.h"
#include "kit/kernels/instruction_set.h"
#include "kit/math/work.h"
#include "kit/tensor/paged_matrix.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

using MatrixShape = std::array<std::size_t, 2>;

void CheckMatrix(std::string_view what, const MatrixShape& actual,
                 const MatrixShape& expected) {
  CheckShape(what, std::span<const std::size_t>(actual),
             std::span<const std::size_t>(expected));
}

// Throws ContractError on behalf of `who` unless the blocks hold all rows.
void CheckTable(std::string_view who, const PagedMatrix& b) {
  if (b.rows <= b.table.size() * b.block_rows) return;
  throw ContractError(
      std::string(who) + ": the table of b has too few blocks",
      std::to_string(b.table.size()) + " blocks of " +
          std::to_string(b.block_rows) + " rows hold fewer than " +
          std::to_string(b.rows),
      "give a table of at least rows / block_rows blocks, rounded up");
}

void Clear(Matrix out) {
  for (std::size_t m = 0; m < out.rows; ++m) {
    std::ranges::fill(out.Row(m), 0.0F);
  }
}

}  // namespace

void MatMulTransposed(Work work, ConstMatrix a, const PagedMatrix& b,
                      Matrix out) {
  CheckTable("MatMulTransposed", b);
  CheckMatrix("MatMulTransposed: b", {b.rows, b.cols}, {b.rows, a.cols});
  CheckMatrix("MatMulTransposed: out", {out.rows, out.cols}, {a.rows, b.rows});
  Clear(out);
  if (a.rows > 0 && b.rows > 0) KernelsInUse().add_pages_transposed(a, b, out);
  CountMacs(work, a.rows * b.rows * a.cols);
}

void MatMul(Work work, ConstMatrix a, const PagedMatrix& b, Matrix out) {
  CheckTable("MatMul", b);
  CheckMatrix("MatMul: b", {b.rows, b.cols}, {a.cols, b.cols});
  CheckMatrix("MatMul: out", {out.rows, out.cols}, {a.rows, b.cols});
  Clear(out);
  if (a.rows > 0 && b.rows > 0) KernelsInUse().add_product_of_pages(a, b, out);
  CountMacs(work, a.rows * b.cols * a.cols);
}

}  // namespace kvlab
