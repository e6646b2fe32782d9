// Whole numbers that do not wrap round. Given.
#ifndef KVLAB_MODULES_04_PROFILING_EXACT_H_
#define KVLAB_MODULES_04_PROFILING_EXACT_H_

#include <cstdint>

#include "kit/error.h"

namespace kvlab {

// A count in 64 bits whose sums and products throw ContractError instead of
// wrapping round: Exact(3) * d_model * d_model is right or refused.
class Exact {
 public:
  constexpr explicit Exact(std::uint64_t value) : value_(value) {}

  constexpr std::uint64_t Value() const { return value_; }

  friend Exact operator*(Exact a, std::uint64_t b) {
    Exact product(0);
    if (__builtin_mul_overflow(a.value_, b, &product.value_)) Refuse();
    return product;
  }
  friend Exact operator*(Exact a, Exact b) { return a * b.value_; }
  friend Exact operator+(Exact a, Exact b) {
    Exact sum(0);
    if (__builtin_add_overflow(a.value_, b.value_, &sum.value_)) Refuse();
    return sum;
  }

 private:
  [[noreturn]] static void Refuse() {
    throw ContractError("Exact: a count exceeds 64-bit arithmetic",
                        "the result is at least 2^64",
                        "check the sizes: no machine holds or does this much");
  }

  std::uint64_t value_;
};

}  // namespace kvlab

#endif  // KVLAB_MODULES_04_PROFILING_EXACT_H_
