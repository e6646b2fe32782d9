// What tensors_test.py prints in gdb.
#include <array>
#include <cstddef>
#include <limits>

#include "kit/tensor/tensor.h"
#include "modules/03_memoization/kv_cache.h"

// As --config=debug does, so that no variable is optimised away.
#pragma GCC optimize("O0")

namespace kvlab {
namespace {

// A breakpoint is set here.
void Stop() {}

void Run() {
  Tensor3 digits = Tensor3::from_shape({2, 1, 3});
  for (std::size_t i = 0; i < digits.size(); ++i) {
    digits.data()[i] = static_cast<float>(i) + 0.5F;
  }
  digits(1, 0, 2) = std::numeric_limits<float>::quiet_NaN();
  Tensor4 heads = Tensor4::from_shape({1, 2, 2, 2});
  for (std::size_t i = 0; i < heads.size(); ++i) {
    heads.data()[i] = static_cast<float>(i);
  }
  // Every second row: a view has strides of its own.
  ConstView4 view = MakeView(heads.data(), {1, 2, 1, 2}, {8, 4, 4});
  ConstMatrix rows = Rows(digits);
  Tokens tokens = {{7, 8}, {9, 10}};
  Tensor2 wide = Tensor2::from_shape({1, 9});
  wide.fill(1);
  LayerCache cache(
      {.batch = 1, .max_seq_len = 4, .num_kv_heads = 1, .head_dim = 2});
  Stop();
  static_cast<void>(view);
  static_cast<void>(rows);
}

}  // namespace
}  // namespace kvlab

// NOLINTNEXTLINE(bugprone-exception-escape): then the test fails, as it should
int main() { kvlab::Run(); }
