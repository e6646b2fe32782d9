#include "kit/vector_math.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "xsimd/xsimd.hpp"

namespace kvlab {
namespace {

using Floats = xsimd::batch<float>;

// Applies `function` to eight values at a time; the last few pass through a
// full vector of their own.
template <typename Function>
void Apply(std::span<float> values, Function function) {
  std::size_t i = 0;
  for (; i + Floats::size <= values.size(); i += Floats::size) {
    function(Floats::load_unaligned(&values[i])).store_unaligned(&values[i]);
  }
  const std::span<float> tail = values.subspan(i);
  if (tail.empty()) return;
  std::array<float, Floats::size> padded{};
  std::copy(tail.begin(), tail.end(), padded.begin());
  function(Floats::load_unaligned(padded.data()))
      .store_unaligned(padded.data());
  std::copy_n(padded.begin(), tail.size(), tail.begin());
}

}  // namespace

void ExpInPlace(std::span<float> values) {
  Apply(values, [](const Floats& x) { return xsimd::exp(x); });
}

void TanhInPlace(std::span<float> values) {
  Apply(values, [](const Floats& x) { return xsimd::tanh(x); });
}

}  // namespace kvlab
