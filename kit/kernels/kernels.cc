// Compiled once for each instruction set (BUILD).
#include "kit/kernels/kernels.h"

#include <array>
#include <cstddef>
#include <span>

#include "kit/kernels/coded.h"
#include "kit/kernels/dot.h"
#include "kit/kernels/few_rows.h"
#include "kit/kernels/many_rows.h"
#include "kit/kernels/paged.h"
#include "kit/kernels/panel.h"
#include "kit/kernels/stored_matrix.h"
#include "kit/kernels/vectors.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace KVLAB_KERNELS {
namespace {

template <DType kType>
StoredMatrix<kType> As(const AnyMatrix& b) {
  return {b.data, b.rows, b.cols, b.row_stride, b.bytes_ahead};
}

template <DType kType>
void AddProductOf(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  // A panel is contiguous; 64 columns of a wider matrix are not.
  const bool is_panel = b.cols == kPanelWidth && b.row_stride == kPanelWidth;
  if (a.rows == 1 && is_panel) {
    AddRowTimesPanel(a.data, b, out.data);
  } else if (a.rows <= kFewRows) {
    AddProductFewRows(a, b, out);
  } else if (b.row_stride == AnyMatrix::kInPanels) {
    AddPanelsManyRows(a, b, out);
  } else {
    AddProductManyRows(a, b, out);
  }
}

// A few rows use one panel after the other, in memory order; many rows use all
// of them at once, so that the rows are packed only once.
template <DType kType>
void AddProductOrPanels(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  if (b.row_stride != AnyMatrix::kInPanels || a.rows > kFewRows) {
    return AddProductOf(a, b, out);
  }
  for (std::size_t n = 0; n < b.cols; n += kPanelWidth) {
    const StoredMatrix<kType> panel = PanelOf(b, n);
    AddProductOf(a, panel, Block(out, 0, n, a.rows, panel.cols));
  }
}

void AddProduct(ConstMatrix a, const AnyMatrix& b, Matrix out) {
  if (a.rows == 0) return;  // then `out` has no memory to point into
  switch (b.type) {
    case DType::kF32:
      return AddProductOrPanels(a, As<DType::kF32>(b), out);
    case DType::kF16:
      return AddProductOrPanels(a, As<DType::kF16>(b), out);
    case DType::kBF16:
      return AddProductOrPanels(a, As<DType::kBF16>(b), out);
  }
}

template <DType kType>
void AddTransposedOf(ConstMatrix a, StoredMatrix<kType> b, Matrix out) {
  if (a.rows <= kFewRows) {
    AddTransposedFewRows(a, b, out);
  } else {
    AddTransposedManyRows(a, b, out);
  }
}

void AddTransposed(ConstMatrix a, const AnyMatrix& b, Matrix out) {
  switch (b.type) {
    case DType::kF32:
      return AddTransposedOf(a, As<DType::kF32>(b), out);
    case DType::kF16:
      return AddTransposedOf(a, As<DType::kF16>(b), out);
    case DType::kBF16:
      return AddTransposedOf(a, As<DType::kBF16>(b), out);
  }
}

// Applies `function` to a vector of values at a time; the last few are padded
// to a full vector.
template <typename Function>
void Apply(std::span<float> values, Function function) {
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    function(Floats::load_unaligned(&values[i])).store_unaligned(&values[i]);
  }
  if (i == values.size()) return;
  std::array<float, kLanes> padded{};
  for (std::size_t j = i; j < values.size(); ++j) padded[j - i] = values[j];
  function(Floats::load_unaligned(padded.data()))
      .store_unaligned(padded.data());
  for (std::size_t j = i; j < values.size(); ++j) values[j] = padded[j - i];
}

void ExpInPlace(std::span<float> values) {
  Apply(values, [](const Floats& x) { return exp(x); });
}

void TanhInPlace(std::span<float> values) {
  Apply(values, [](const Floats& x) { return tanh(x); });
}

// Reads everything once, in eight streams of additions.
float ReadAll(std::span<const float> values, std::size_t bytes_ahead) {
  constexpr std::size_t kStreams = 8;
  constexpr std::size_t kStep = kStreams * kLanes;
  std::array<Floats, kStreams> sums;
  sums.fill(Floats(0.0F));
  for (std::size_t i = 0; i + kStep <= values.size(); i += kStep) {
    const float* const from = values.data() + i;
    if (bytes_ahead > 0) {
      Prefetch(reinterpret_cast<const std::byte*>(from) + bytes_ahead,
               kStep * sizeof(float));
    }
#pragma GCC unroll 8
    for (std::size_t s = 0; s < kStreams; ++s) {
      sums[s] += Floats::load_unaligned(from + s * kLanes);
    }
  }
  Floats total(0.0F);
  for (const Floats& sum : sums) total += sum;
  return SumOfLanes(total);
}

// 12 independent chains of multiply-adds: 2 start per cycle and each takes 4.
constexpr std::size_t kChains = 12;

float MultiplyAdd(std::size_t rounds, float start) {
  const Floats factor(start);
  std::array<Floats, kChains> sums;
  sums.fill(factor);
  for (std::size_t i = 0; i < rounds; ++i) {
#pragma GCC unroll 12
    for (Floats& sum : sums) sum = fma(sum, factor, factor);
  }
  Floats total(0.0F);
  for (const Floats& sum : sums) total += sum;
  return SumOfLanes(total);
}

}  // namespace
}  // namespace KVLAB_KERNELS

namespace kvlab::kernels {

#if defined(__aarch64__)
const Kernels kNeonKernels
#elif defined(__AVX512F__)
const Kernels kAvx512Kernels
#else
const Kernels kAvx2Kernels
#endif
    = {.add_product = KVLAB_KERNELS::AddProduct,
       .add_transposed = KVLAB_KERNELS::AddTransposed,
       .add_product_of_pages = KVLAB_KERNELS::AddProductOfPages,
       .add_pages_transposed = KVLAB_KERNELS::AddPagesTransposed,
       .add_product_of_codes = KVLAB_KERNELS::AddProductOfCodes,
       .add_codes_transposed = KVLAB_KERNELS::AddCodesTransposed,
       .exp_in_place = KVLAB_KERNELS::ExpInPlace,
       .tanh_in_place = KVLAB_KERNELS::TanhInPlace,
       .read_all = KVLAB_KERNELS::ReadAll,
       .multiply_add = KVLAB_KERNELS::MultiplyAdd,
       .flop_per_round = 2 * KVLAB_KERNELS::kChains * KVLAB_KERNELS::kLanes};

}  // namespace kvlab::kernels
