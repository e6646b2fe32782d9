#include "kit/tensor/tensor.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "kit/error.h"

namespace kvlab {
namespace {

std::size_t ElementCount(const std::array<std::size_t, 4>& shape) {
  return shape[0] * shape[1] * shape[2] * shape[3];
}

template <typename M, typename T>
M HeadMatrixOf(T& tensor, std::size_t b, std::size_t h) {
  const std::size_t seq = tensor.shape(2);
  const std::size_t head_dim = tensor.shape(3);
  return {tensor.data() + (b * tensor.shape(1) + h) * seq * head_dim, seq,
          head_dim, head_dim};
}

}  // namespace

ConstView4 View(const Tensor4& tensor) {
  const std::size_t head_stride = tensor.shape(2) * tensor.shape(3);
  return MakeView(
      tensor.data(),
      {tensor.shape(0), tensor.shape(1), tensor.shape(2), tensor.shape(3)},
      {tensor.shape(1) * head_stride, head_stride, tensor.shape(3)});
}

ConstView4 MakeView(const float* data, const std::array<std::size_t, 4>& shape,
                    const std::array<std::size_t, 3>& strides) {
  using Storage = ConstView4::storage_type;
  const ConstView4::inner_strides_type steps = {
      static_cast<std::ptrdiff_t>(strides[0]),
      static_cast<std::ptrdiff_t>(strides[1]),
      static_cast<std::ptrdiff_t>(strides[2]), 1};
  // xtensor requires the number of elements here, even where strides leave
  // gaps.
  return ConstView4(Storage(data, ElementCount(shape)), shape, steps);
}

ConstMatrix Rows(const Tensor3& tensor) {
  return {tensor.data(), tensor.shape(0) * tensor.shape(1), tensor.shape(2),
          tensor.shape(2)};
}

Matrix Rows(Tensor3& tensor) {
  return {tensor.data(), tensor.shape(0) * tensor.shape(1), tensor.shape(2),
          tensor.shape(2)};
}

ConstMatrix Rows(const Tensor2& tensor) {
  return {tensor.data(), tensor.shape(0), tensor.shape(1), tensor.shape(1)};
}

Matrix Rows(Tensor2& tensor) {
  return {tensor.data(), tensor.shape(0), tensor.shape(1), tensor.shape(1)};
}

ConstMatrix HeadMatrix(const ConstView4& view, std::size_t b, std::size_t h) {
  const auto& strides = view.strides();
  return {view.data() + static_cast<std::ptrdiff_t>(b) * strides[0] +
              static_cast<std::ptrdiff_t>(h) * strides[1],
          view.shape(2), view.shape(3), static_cast<std::size_t>(strides[2])};
}

ConstMatrix HeadMatrix(const Tensor4& tensor, std::size_t b, std::size_t h) {
  return HeadMatrixOf<ConstMatrix>(tensor, b, h);
}

Matrix HeadMatrix(Tensor4& tensor, std::size_t b, std::size_t h) {
  return HeadMatrixOf<Matrix>(tensor, b, h);
}

std::string ShapeText(std::span<const std::size_t> shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + "]";
}

void CheckShape(std::string_view what, std::span<const std::size_t> actual,
                std::span<const std::size_t> expected) {
  if (std::equal(actual.begin(), actual.end(), expected.begin(),
                 expected.end())) {
    return;
  }
  throw ContractError(
      std::string(what) + " has the wrong shape",
      "it is " + ShapeText(actual) + ", expected " + ShapeText(expected),
      "compare the axes one by one, from the left");
}

}  // namespace kvlab
