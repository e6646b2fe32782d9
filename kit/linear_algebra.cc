#include "kit/linear_algebra.h"

#include <cstddef>
#include <span>
#include <vector>

#include "kit/error.h"

namespace kvlab {

void Linear(Work work, ConstMatrix x, const WeightMatrix& weight,
            std::span<const float> bias, Matrix out) {
  std::vector<float> row(weight.In());
  for (std::size_t n = 0; n < weight.Out(); ++n) {
    weight.CopyOutputRow(n, row);
    for (std::size_t m = 0; m < x.rows; ++m) {
      float sum = bias.empty() ? 0.0F : bias[n];
      const std::span<const float> xs = x.Row(m);
      for (std::size_t k = 0; k < row.size(); ++k) sum += xs[k] * row[k];
      out.Row(m)[n] = sum;
    }
  }
  CountMacs(work, x.rows * weight.In() * weight.Out());
}

void MatMulTransposed(Work work, ConstMatrix a, ConstMatrix b, Matrix out) {
  for (std::size_t m = 0; m < a.rows; ++m) {
    for (std::size_t n = 0; n < b.rows; ++n) {
      float sum = 0;
      for (std::size_t k = 0; k < a.cols; ++k) sum += a.Row(m)[k] * b.Row(n)[k];
      out.Row(m)[n] = sum;
    }
  }
  CountMacs(work, a.rows * b.rows * a.cols);
}

void MatMul(Work work, ConstMatrix a, ConstMatrix b, Matrix out) {
  for (std::size_t m = 0; m < a.rows; ++m) {
    for (std::size_t n = 0; n < b.cols; ++n) out.Row(m)[n] = 0;
    for (std::size_t k = 0; k < a.cols; ++k) {
      const float scale = a.Row(m)[k];
      for (std::size_t n = 0; n < b.cols; ++n) {
        out.Row(m)[n] += scale * b.Row(k)[n];
      }
    }
  }
  CountMacs(work, a.rows * b.cols * a.cols);
}

}  // namespace kvlab
