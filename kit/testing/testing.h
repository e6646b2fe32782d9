// For tests of every module: tensors whose elements encode their place, and
// comparisons that name the first element that differs.
#ifndef KVLAB_KIT_TESTING_TESTING_H_
#define KVLAB_KIT_TESTING_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// The sizes of numbered tokens, however many they are.
struct NumberedSizes {
  std::size_t batch = 0;
  std::size_t heads = 0;
  std::size_t head_dim = 0;
};

// Positions [begin, end): [batch, heads, end - begin, head_dim]. Element
// [b, h, s, d] holds the number bhsd of position begin + s: 1230 is batch 1,
// head 2, position 3, feature 0. While each index is a single digit, no two
// elements are equal.
Tensor4 NumberedTokens(const NumberedSizes& sizes, std::size_t begin,
                       std::size_t end);

// `count` positions of tokens [batch, heads, S, head_dim], from `begin` on.
Tensor4 Part(const Tensor4& tokens, std::size_t begin, std::size_t count);

// Whether all elements agree within `tolerance` (absolute, plus the same
// times the size of the expected number). If not, reports the place of the
// first difference and both numbers. NaN equals nothing.
::testing::AssertionResult Near(const ConstView4& actual,
                                const ConstView4& expected, float tolerance);
::testing::AssertionResult Near(const Tensor4& actual, const Tensor4& expected,
                                float tolerance);
::testing::AssertionResult Near(const Tensor3& actual, const Tensor3& expected,
                                float tolerance);
::testing::AssertionResult Near(const Tensor2& actual, const Tensor2& expected,
                                float tolerance);
::testing::AssertionResult Near(const Tensor1& actual, const Tensor1& expected,
                                float tolerance);

// Bit for bit.
::testing::AssertionResult Same(const ConstView4& actual,
                                const Tensor4& expected);

// The message of the E that `action` throws; "" with a test failure if it
// throws nothing or something else.
template <typename E, typename Action>
std::string MessageOf(Action&& action) {
  try {
    action();
  } catch (const E& error) {
    return error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "threw something else: " << error.what();
    return "";
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

// A file or folder of the repository that the test names in its `data`:
//   TestData("kit/testdata/gpt2-bpe")
std::filesystem::path TestData(const std::string& path);

}  // namespace kvlab

#endif  // KVLAB_KIT_TESTING_TESTING_H_
