#include "kit/linear_algebra.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "kit/error.h"
#include "kit/kernels/dot.h"
#include "kit/kernels/few_rows.h"
#include "kit/kernels/many_rows.h"
#include "kit/kernels/panel.h"
#include "kit/kernels/stored_matrix.h"

namespace kvlab {
namespace {

using kernels::StoredMatrix;

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

// Every kernel adds to `out`, so this is where the sums begin.
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

// out += a * b, b [k, n].
template <DType kType>
void AddProduct(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  if (a.rows == 1 && b.cols == kPanelWidth) {
    kernels::AddRowTimesPanel(a.data, b, out.data);
  } else if (a.rows <= kernels::kFewRows) {
    kernels::AddProductFewRows(a, b, out);
  } else {
    kernels::AddProductManyRows(a, b, out);
  }
}

// out += a * b^T, b [n, k].
template <DType kType>
void AddTransposed(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  if (a.rows <= kernels::kFewRows) {
    kernels::AddTransposedFewRows(a, b, out);
  } else {
    kernels::AddTransposedManyRows(a, b, out);
  }
}

template <DType kType>
void AddLinear(ConstMatrix x, const WeightMatrix& weight, Matrix out) {
  const std::size_t in = weight.In();
  const std::size_t out_features = weight.Out();
  switch (weight.Layout()) {
    case WeightLayout::kInOut:
      return AddProduct<kType>(
          x, {weight.Data(), in, out_features, out_features}, out);
    case WeightLayout::kOutIn:
      return AddTransposed<kType>(x, {weight.Data(), out_features, in, in},
                                  out);
    case WeightLayout::kPanels:
      break;
  }
  for (std::size_t n = 0; n < out_features; n += kPanelWidth) {
    const std::size_t width = std::min(kPanelWidth, out_features - n);
    const StoredMatrix<kType> panel = {
        weight.Data() + n * in * DTypeBytes(kType), in, width, width};
    AddProduct<kType>(x, panel, kernels::Block(out, 0, n, x.rows, width));
  }
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
  switch (weight.Type()) {
    case DType::kF32:
      AddLinear<DType::kF32>(x, weight, out);
      break;
    case DType::kF16:
      AddLinear<DType::kF16>(x, weight, out);
      break;
    case DType::kBF16:
      AddLinear<DType::kBF16>(x, weight, out);
      break;
  }
  CountMacs(work, x.rows * weight.In() * weight.Out());
}

void MatMulTransposed(Work work, ConstMatrix a, ConstMatrix b, Matrix out) {
  CheckOperand("MatMulTransposed: b", ShapeOf(b), {b.rows, a.cols}, "a",
               ShapeOf(a));
  CheckOperand("MatMulTransposed: out", ShapeOf(out), {a.rows, b.rows}, "b",
               ShapeOf(b));
  StartFrom({}, out);
  AddTransposed(a, kernels::Stored(b), out);
  CountMacs(work, a.rows * b.rows * a.cols);
}

void MatMul(Work work, ConstMatrix a, ConstMatrix b, Matrix out) {
  CheckOperand("MatMul: b", ShapeOf(b), {a.cols, b.cols}, "a", ShapeOf(a));
  CheckOperand("MatMul: out", ShapeOf(out), {a.rows, b.cols}, "b", ShapeOf(b));
  StartFrom({}, out);
  AddProduct(a, kernels::Stored(b), out);
  CountMacs(work, a.rows * b.cols * a.cols);
}

}  // namespace kvlab
