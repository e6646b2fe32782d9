#include "kit/testing/testing.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>

#include "gtest/gtest.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

// Six digits show where two numbers differ.
std::string Short(float value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

template <std::size_t N, typename A, typename B>
::testing::AssertionResult Compare(const A& actual, const B& expected,
                                   float tolerance) {
  std::array<std::size_t, N> shape{};
  std::array<std::size_t, N> expected_shape{};
  std::size_t count = 1;
  for (std::size_t axis = 0; axis < N; ++axis) {
    shape[axis] = actual.shape(axis);
    expected_shape[axis] = expected.shape(axis);
    count *= shape[axis];
  }
  if (shape != expected_shape) {
    return ::testing::AssertionFailure()
           << "shape is " << ShapeText(shape) << ", expected "
           << ShapeText(expected_shape);
  }
  std::array<std::size_t, N> index{};
  for (std::size_t n = 0; n < count; ++n) {
    const float a = actual.element(index.begin(), index.end());
    const float e = expected.element(index.begin(), index.end());
    const float allowed = tolerance * (1.0F + std::abs(e));
    if (!(std::abs(a - e) <= allowed)) {
      return ::testing::AssertionFailure()
             << "element " << ShapeText(index) << " of " << ShapeText(shape)
             << " is " << Short(a) << ", expected " << Short(e) << " within "
             << Short(allowed);
    }
    for (std::size_t axis = N; axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return ::testing::AssertionSuccess();
}

}  // namespace

Tensor4 NumberedTokens(const NumberedSizes& sizes, std::size_t begin,
                       std::size_t end) {
  // [batch, heads, end - begin, head_dim]
  Tensor4 tensor = Tensor4::from_shape(
      {sizes.batch, sizes.heads, end - begin, sizes.head_dim});
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    for (std::size_t h = 0; h < sizes.heads; ++h) {
      for (std::size_t s = begin; s < end; ++s) {
        for (std::size_t d = 0; d < sizes.head_dim; ++d) {
          tensor(b, h, s - begin, d) =
              static_cast<float>(1000 * b + 100 * h + 10 * s + d);
        }
      }
    }
  }
  return tensor;
}

Tensor4 Part(const Tensor4& tokens, std::size_t begin, std::size_t count) {
  Tensor4 part = Tensor4::from_shape(
      {tokens.shape(0), tokens.shape(1), count, tokens.shape(3)});
  for (std::size_t b = 0; b < part.shape(0); ++b) {
    for (std::size_t h = 0; h < part.shape(1); ++h) {
      for (std::size_t s = 0; s < count; ++s) {
        for (std::size_t d = 0; d < part.shape(3); ++d) {
          part(b, h, s, d) = tokens(b, h, begin + s, d);
        }
      }
    }
  }
  return part;
}

::testing::AssertionResult Near(const ConstView4& actual,
                                const ConstView4& expected, float tolerance) {
  return Compare<4>(actual, expected, tolerance);
}
::testing::AssertionResult Near(const Tensor4& actual, const Tensor4& expected,
                                float tolerance) {
  return Compare<4>(actual, expected, tolerance);
}
::testing::AssertionResult Near(const Tensor3& actual, const Tensor3& expected,
                                float tolerance) {
  return Compare<3>(actual, expected, tolerance);
}
::testing::AssertionResult Near(const Tensor2& actual, const Tensor2& expected,
                                float tolerance) {
  return Compare<2>(actual, expected, tolerance);
}
::testing::AssertionResult Near(const Tensor1& actual, const Tensor1& expected,
                                float tolerance) {
  return Compare<1>(actual, expected, tolerance);
}

::testing::AssertionResult Same(const ConstView4& actual,
                                const Tensor4& expected) {
  return Compare<4>(actual, expected, 0.0F);
}

std::filesystem::path TestData(const std::string& path) {
  const char* runfiles = std::getenv("TEST_SRCDIR");
  const char* workspace = std::getenv("TEST_WORKSPACE");
  if (runfiles == nullptr || workspace == nullptr) return path;
  return std::filesystem::path(runfiles) / workspace / path;
}

}  // namespace kvlab
