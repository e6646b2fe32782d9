// The vector types of the kernels in this folder. Each file here is compiled
// once for every instruction set, in a namespace of that set, so a program
// contains all of them and picks one at run time.
#ifndef KVLAB_KIT_KERNELS_VECTORS_H_
#define KVLAB_KIT_KERNELS_VECTORS_H_

#include <immintrin.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kit/tensor/weight_matrix.h"
#include "xsimd/xsimd.hpp"

#if defined(__AVX512F__)
#define KVLAB_KERNELS kvlab::kernels::avx512
#else
#define KVLAB_KERNELS kvlab::kernels::avx2
#endif

// NOLINTNEXTLINE(modernize-concat-nested-namespaces): they are, in the macro
namespace KVLAB_KERNELS {

#if defined(__AVX512F__)
// Sixteen float32 in one of 32 registers.
using Floats = xsimd::batch<float, xsimd::avx512f>;
using HalfBits = __m256i;
#else
// Eight float32 in one of 16 registers.
using Floats = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;
using HalfBits = __m128i;
#endif

inline constexpr std::size_t kLanes = Floats::size;

// kLanes elements of type kType at any address, widened.
template <DType kType>
inline Floats LoadLanes(const std::byte* address) {
  if constexpr (kType == DType::kF32) {
    return Floats::load_unaligned(reinterpret_cast<const float*>(address));
  } else {
    HalfBits bits;
    std::memcpy(&bits, address, sizeof(bits));
#if defined(__AVX512F__)
    if constexpr (kType == DType::kF16) return _mm512_cvtph_ps(bits);
    return _mm512_castsi512_ps(
        _mm512_slli_epi32(_mm512_cvtepu16_epi32(bits), 16));
#else
    if constexpr (kType == DType::kF16) return _mm256_cvtph_ps(bits);
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
#endif
  }
}

// The sum of a vector's lanes: xsimd 9 renamed hadd to reduce_add.
template <typename Vector>
inline float SumOfLanes(const Vector& vector) {
  if constexpr (requires { reduce_add(vector); }) {
    return reduce_add(vector);
  } else {
    return hadd(vector);
  }
}

// The sums of the lanes of kLanes vectors: lane i of the result is that of
// rows[i].
inline Floats SumsOfLanes(const std::array<Floats, kLanes>& rows) {
#if defined(__AVX512F__)
  // In halves: xsimd 8.1 gives the wrong sums for whole ones.
  using Half = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;
  std::array<Half, kLanes> halves;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < kLanes; ++i) {
    halves[i] = _mm256_add_ps(_mm512_castps512_ps256(rows[i]),
                              _mm512_extractf32x8_ps(rows[i], 1));
  }
  return _mm512_insertf32x8(_mm512_castps256_ps512(xsimd::haddp(halves.data())),
                            xsimd::haddp(halves.data() + Half::size), 1);
#else
  return xsimd::haddp(rows.data());
#endif
}

// How far ahead a kernel prefetches data that it reads once: the best of 2, 4,
// 8 and 16 KiB for weights in memory, and no worse for weights in a cache.
inline constexpr std::size_t kAheadBytes = 8192;

// Prefetches the cache lines of the next `bytes` from `address` on. The address
// may be beyond the end of all data: nothing is fetched there.
inline void Prefetch(const std::byte* address, std::size_t bytes) {
  constexpr std::size_t kLineBytes = 64;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < bytes; i += kLineBytes) {
    _mm_prefetch(reinterpret_cast<const char*>(address) + i, _MM_HINT_T0);
  }
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_VECTORS_H_
