// The vector types of the kernels in this folder. Each file here is compiled
// once for every instruction set, in a namespace of that set, so a program
// contains all of them and picks one at run time.
#ifndef KVLAB_KIT_KERNELS_VECTORS_H_
#define KVLAB_KIT_KERNELS_VECTORS_H_

#include <cstddef>

#include "kit/tensor/weight_matrix.h"
#if defined(__aarch64__)
#include "kit/kernels/vectors_arm.h"  // IWYU pragma: export
#else
#include "kit/kernels/vectors_x86.h"  // IWYU pragma: export
#endif

// NOLINTNEXTLINE(modernize-concat-nested-namespaces): they are, in the macro
namespace KVLAB_KERNELS {

inline constexpr std::size_t kLanes = Floats::size;

// kLanes elements of type kType at any address, widened.
template <DType kType>
inline Floats LoadLanes(const std::byte* address) {
  if constexpr (kType == DType::kF32) {
    return Floats::load_unaligned(reinterpret_cast<const float*>(address));
  } else {
    return WidenLanes<kType>(address);
  }
}

// NOLINTBEGIN(readability-identifier-naming): named as xsimd's, for vectors
// a * b + c, rounded once, as for vectors. Left to itself, the compiler rounds
// twice on one architecture and once on another.
inline float fma(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
// NOLINTEND(readability-identifier-naming)

// Prefetches the cache lines of the next `bytes` from `address` on. The address
// may be beyond the end of all data: nothing is fetched there.
inline void Prefetch(const std::byte* address, std::size_t bytes) {
  constexpr std::size_t kLineBytes = 64;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < bytes; i += kLineBytes) {
    __builtin_prefetch(address + i);
  }
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_VECTORS_H_
