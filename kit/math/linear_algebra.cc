#include "kit/math/linear_algebra.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "kit/error.h"
#include "kit/kernels/instruction_set.h"
#include "kit/kernels/kernels.h"
#include "kit/math/threads.h"
#include "kit/math/work.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {
namespace {

using kernels::AnyMatrix;
using kernels::Kernels;

using MatrixShape = std::array<std::size_t, 2>;

MatrixShape ShapeOf(ConstMatrix matrix) { return {matrix.rows, matrix.cols}; }

// Throws ContractError naming both operands unless `actual` is `expected`.
void CheckOperand(std::string_view what, const MatrixShape& actual,
                  const MatrixShape& expected, std::string_view against,
                  const MatrixShape& against_shape) {
  if (actual == expected) return;
  throw ContractError(std::string(what) + " has the wrong shape",
                      "it is " + ShapeText(actual) + ", expected " +
                          ShapeText(expected) + " with " +
                          std::string(against) + " " + ShapeText(against_shape),
                      "compare the axes one by one, from the left");
}

// Every kernel adds to `out`, so `out` has to start at the bias or 0.
void StartFrom(std::span<const float> bias, Matrix out) {
  for (std::size_t m = 0; m < out.rows; ++m) {
    const std::span<float> row = out.Row(m);
    if (bias.empty()) {
      std::fill(row.begin(), row.end(), 0.0F);
    } else {
      std::copy(bias.begin(), bias.end(), row.begin());
    }
  }
}

AnyMatrix Stored(ConstMatrix matrix) {
  return {DType::kF32,
          reinterpret_cast<const std::byte*>(matrix.data),
          matrix.rows,
          matrix.cols,
          matrix.row_stride,
          KernelsFor(ProductKind::kHeads, DType::kF32).bytes_ahead};
}

// out += x * weight, for the output features of each thread's share. Shares are
// whole panels, even for matrices without panels: no two threads then write to
// the same cache line, and tiles stay whole.
void AddLinear(ConstMatrix x, const WeightMatrix& weight, Matrix out) {
  const DType type = weight.Type();
  const ProductKernels use =
      KernelsFor(KindOfProduct(x.rows, weight.Layout()), type);
  const Kernels& kernels = KernelsOf(use.set);
  const std::size_t in = weight.In();
  const auto columns = [&](std::size_t n, std::size_t width) {
    return Matrix{out.data + n, out.rows, width, out.row_stride};
  };
  const auto at = [&](std::size_t element) {
    return weight.Data() + element * DTypeBytes(type);
  };
  ForRanges((weight.Out() + kPanelWidth - 1) / kPanelWidth, [&](auto first,
                                                                auto last) {
    const std::size_t begin = first * kPanelWidth;
    const std::size_t end = std::min(last * kPanelWidth, weight.Out());
    switch (weight.Layout()) {
      case WeightLayout::kInOut:
        kernels.add_product(
            x,
            {type, at(begin), in, end - begin, weight.Out(), use.bytes_ahead},
            columns(begin, end - begin));
        break;
      case WeightLayout::kOutIn:
        kernels.add_transposed(
            x, {type, at(begin * in), end - begin, in, in, use.bytes_ahead},
            columns(begin, end - begin));
        break;
      case WeightLayout::kPanels:
        kernels.add_product(x,
                            {type, at(begin * in), in, end - begin,
                             AnyMatrix::kInPanels, use.bytes_ahead},
                            columns(begin, end - begin));
        break;
    }
  });
}

}  // namespace

void Linear(Work work, ConstMatrix x, const WeightMatrix& weight,
            std::span<const float> bias, Matrix out) {
  const MatrixShape weight_shape = {weight.In(), weight.Out()};
  CheckOperand("Linear: x", ShapeOf(x), {x.rows, weight.In()}, "weight",
               weight_shape);
  CheckOperand("Linear: out", ShapeOf(out), {x.rows, weight.Out()}, "x",
               ShapeOf(x));
  if (!bias.empty() && bias.size() != weight.Out()) {
    throw ContractError(
        "Linear: bias has the wrong size",
        "it is [" + std::to_string(bias.size()) + "], expected [" +
            std::to_string(weight.Out()) + "] with weight " +
            ShapeText(weight_shape),
        "give one number for each output feature, or none at all");
  }
  StartFrom(bias, out);
  AddLinear(x, weight, out);
  CountMacs(work, x.rows * weight.In() * weight.Out());
}

void MatMulTransposed(Work work, ConstMatrix a, ConstMatrix b, Matrix out) {
  CheckOperand("MatMulTransposed: b", ShapeOf(b), {b.rows, a.cols}, "a",
               ShapeOf(a));
  CheckOperand("MatMulTransposed: out", ShapeOf(out), {a.rows, b.rows}, "b",
               ShapeOf(b));
  StartFrom({}, out);
  KernelsInUse().add_transposed(a, Stored(b), out);
  CountMacs(work, a.rows * b.rows * a.cols);
}

void MatMul(Work work, ConstMatrix a, ConstMatrix b, Matrix out) {
  CheckOperand("MatMul: b", ShapeOf(b), {a.cols, b.cols}, "a", ShapeOf(a));
  CheckOperand("MatMul: out", ShapeOf(out), {a.rows, b.cols}, "b", ShapeOf(b));
  StartFrom({}, out);
  KernelsInUse().add_product(a, Stored(b), out);
  CountMacs(work, a.rows * b.cols * a.cols);
}

}  // namespace kvlab
