// Converts between the values of a request and the types of the modules.
#ifndef KVLAB_AUTOGRADER_EXAM_ARGUMENTS_H_
#define KVLAB_AUTOGRADER_EXAM_ARGUMENTS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "autograder/machine/protocol/value.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"

namespace kvlab::grading {

// The arguments of a request, taken one after the other. The checker sends
// them, so a wrong type or count is a fault of the grader: std::logic_error.
class Arguments {
 public:
  explicit Arguments(const Values& values) : values_(values) {}

  template <typename T>
  const T& Next() {
    if (next_ == values_.size() || !std::holds_alternative<T>(values_[next_])) {
      throw std::logic_error("argument " + std::to_string(next_) +
                             " is missing or of another type");
    }
    return std::get<T>(values_[next_++]);
  }

  std::size_t NextSize() {
    return static_cast<std::size_t>(Next<std::int64_t>());
  }
  float NextFloat() { return static_cast<float>(Next<double>()); }

  // Whether all arguments have been taken. Trailing arguments are optional.
  bool Done() const { return next_ == values_.size(); }

  template <std::size_t N>
  xt::xtensor<float, N> NextTensor() {
    const Array& array = Next<Array>();
    std::array<std::size_t, N> shape{};
    std::size_t count = 1;
    for (const std::size_t size : array.shape) count *= size;
    if (array.shape.size() != N || array.values.size() != count) {
      throw std::logic_error("argument " + std::to_string(next_ - 1) +
                             " has another rank");
    }
    std::ranges::copy(array.shape, shape.begin());
    xt::xtensor<float, N> tensor = xt::xtensor<float, N>::from_shape(shape);
    std::ranges::copy(array.values, tensor.data());
    return tensor;
  }

  std::vector<std::size_t> NextSizes();

  // Two arguments: ids, row by row, and how many rows; then left_pad.
  TokenBatch NextTokenBatch();

 private:
  const Values& values_;
  std::size_t next_ = 0;
};

Array ToArray(std::span<const std::size_t> shape, const float* values);

template <std::size_t N>
Array ToArray(const xt::xtensor<float, N>& tensor) {
  return ToArray(tensor.shape(), tensor.data());
}

// Reads through the view's strides, element by element.
Array ToArray(const ConstView4& view);

template <typename Range>
Integers ToIntegers(const Range& numbers) {
  Integers integers;
  for (const auto& number : numbers) {
    integers.push_back(static_cast<std::int64_t>(number));
  }
  return integers;
}

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_ARGUMENTS_H_
