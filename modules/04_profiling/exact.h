// Whole numbers that do not wrap round. Given.
#ifndef KVLAB_MODULES_04_PROFILING_EXACT_H_
#define KVLAB_MODULES_04_PROFILING_EXACT_H_

#include <cstdint>

#include "kit/error.h"

namespace kvlab {

// A 64-bit count that is either exact or refused: Exact(3) * d_model * d_model.
// Sums and products may grow beyond 64 bits on the way, in any order, and
// 2^40 * 2^40 * 0 is 0; but Value() throws ContractError if the result is 2^64
// or more. Every operation is O(1).
class Exact {
 public:
  constexpr explicit Exact(std::uint64_t value) : value_(value) {}

  constexpr std::uint64_t Value() const {
    if (too_large_) Refuse();
    return value_;
  }

  friend constexpr Exact operator*(Exact a, Exact b) {
    if (a.IsZero() || b.IsZero()) return Exact(0);
    Exact product(0);
    product.too_large_ =
        __builtin_mul_overflow(a.value_, b.value_, &product.value_) ||
        a.too_large_ || b.too_large_;
    return product;
  }
  friend constexpr Exact operator*(Exact a, std::uint64_t b) {
    return a * Exact(b);
  }
  friend constexpr Exact operator+(Exact a, Exact b) {
    Exact sum(0);
    sum.too_large_ = __builtin_add_overflow(a.value_, b.value_, &sum.value_) ||
                     a.too_large_ || b.too_large_;
    return sum;
  }

 private:
  constexpr bool IsZero() const { return value_ == 0 && !too_large_; }

  [[noreturn]] static void Refuse() {
    throw ContractError("Exact: a count exceeds 64-bit arithmetic",
                        "the result is at least 2^64",
                        "check the sizes: no machine holds or does this much");
  }

  std::uint64_t value_;
  bool too_large_ = false;  // 2^64 or more; value_ means nothing then
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_04_PROFILING_EXACT_H_
