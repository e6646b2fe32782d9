// Tensors of the course: row-major float32 on xtensor, views into storage,
// and shape checks whose messages name both shapes.
#ifndef KVLAB_KIT_TENSOR_TENSOR_H_
#define KVLAB_KIT_TENSOR_TENSOR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "xtensor/containers/xadapt.hpp"
#include "xtensor/containers/xtensor.hpp"

namespace kvlab {

using Tensor1 = xt::xtensor<float, 1>;
using Tensor2 = xt::xtensor<float, 2>;
using Tensor3 = xt::xtensor<float, 3>;
using Tensor4 = xt::xtensor<float, 4>;

// Token ids, [batch, seq_len].
using TokenId = std::int32_t;
using Tokens = xt::xtensor<TokenId, 2>;

// A read-only view of N axes into floats that it does not own, with a stride
// for each axis: `view(b, h, s, d)`, `view.shape(2)`, `view.strides()`. The
// last axis is contiguous. Its owner documents how long it is valid.
template <std::size_t N>
using ConstView = xt::xtensor_adaptor<
    xt::xbuffer_adaptor<const float*, xt::no_ownership, std::allocator<float>>,
    N, xt::layout_type::dynamic>;
using ConstView4 = ConstView<4>;

// The whole tensor as a view, in O(1); valid while the tensor exists.
ConstView4 View(const Tensor4& tensor);

// A view of `shape` whose element [b, h, s, d] is at data[b * strides[0] + h *
// strides[1] + s * strides[2] + d], in O(1); nothing is checked.
ConstView4 MakeView(const float* data, const std::array<std::size_t, 4>& shape,
                    const std::array<std::size_t, 3>& strides);

// A matrix inside something larger: `rows` rows of `cols` contiguous floats,
// `row_stride` floats from one row to the next. Owns nothing. The kernels of
// kit/math/linear_algebra.h read and write these.
struct ConstMatrix {
  const float* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t row_stride = 0;

  std::span<const float> Row(std::size_t row) const {
    return {data + row * row_stride, cols};
  }
};

struct Matrix {
  float* data = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t row_stride = 0;

  std::span<float> Row(std::size_t row) const {
    return {data + row * row_stride, cols};
  }
  // NOLINTNEXTLINE(google-explicit-constructor): as span<T> to span<const T>
  operator ConstMatrix() const { return {data, rows, cols, row_stride}; }
};

// [batch, seq, d] as one matrix of batch * seq rows. Matrices are made in O(1)
// and valid while the tensor exists; their indices are not checked.
ConstMatrix Rows(const Tensor3& tensor);
Matrix Rows(Tensor3& tensor);
ConstMatrix Rows(const Tensor2& tensor);
Matrix Rows(Tensor2& tensor);

// The [seq, head_dim] matrix of one batch row and head.
ConstMatrix HeadMatrix(const ConstView4& view, std::size_t b, std::size_t h);
ConstMatrix HeadMatrix(const Tensor4& tensor, std::size_t b, std::size_t h);
Matrix HeadMatrix(Tensor4& tensor, std::size_t b, std::size_t h);

// "[2, 3, 5, 4]"
std::string ShapeText(std::span<const std::size_t> shape);

// Throws ContractError naming both shapes unless they are equal.
// what: the function and argument, for example "LayerCache::Append: keys"
void CheckShape(std::string_view what, std::span<const std::size_t> actual,
                std::span<const std::size_t> expected);

template <std::size_t N, typename Expression>
requires requires(const Expression& tensor) { tensor.shape(0); }
void CheckShape(std::string_view what, const Expression& actual,
                const std::array<std::size_t, N>& expected) {
  std::array<std::size_t, N> shape{};
  for (std::size_t axis = 0; axis < N; ++axis) shape[axis] = actual.shape(axis);
  CheckShape(what, std::span<const std::size_t>(shape),
             std::span<const std::size_t>(expected));
}

}  // namespace kvlab

#endif  // KVLAB_KIT_TENSOR_TENSOR_H_
