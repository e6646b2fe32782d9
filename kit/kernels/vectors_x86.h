// AVX2 and AVX-512, for vectors.h.
#ifndef KVLAB_KIT_KERNELS_VECTORS_X86_H_
#define KVLAB_KIT_KERNELS_VECTORS_X86_H_

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

// Two-byte elements at any address, widened.
template <DType kType>
inline Floats WidenLanes(const std::byte* address) {
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

// As many codes of one byte as a vector has lanes, at any address, as floats.
inline Floats LoadCodes(const std::uint8_t* address) {
#if defined(__AVX512F__)
  __m128i codes;
  std::memcpy(&codes, address, sizeof(codes));
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(codes));
#else
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(
      _mm_loadl_epi64(reinterpret_cast<const __m128i*>(address))));
#endif
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

// The sums of the lanes of as many vectors: lane i of the result is that of
// rows[i].
inline Floats SumsOfLanes(const std::array<Floats, Floats::size>& rows) {
#if defined(__AVX512F__)
  // In halves: xsimd 8.1 gives the wrong sums for whole ones.
  using Half = xsimd::batch<float, xsimd::fma3<xsimd::avx2>>;
  std::array<Half, Floats::size> halves;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < Floats::size; ++i) {
    halves[i] = _mm256_add_ps(_mm512_castps512_ps256(rows[i]),
                              _mm512_extractf32x8_ps(rows[i], 1));
  }
  return _mm512_insertf32x8(_mm512_castps256_ps512(xsimd::haddp(halves.data())),
                            xsimd::haddp(halves.data() + Half::size), 1);
#else
  return xsimd::haddp(rows.data());
#endif
}

// Copies four rows of four floats as columns.
inline void Transpose4x4(const float* from, std::size_t from_stride, float* to,
                         std::size_t to_stride) {
  __m128 row_0 = _mm_loadu_ps(from);
  __m128 row_1 = _mm_loadu_ps(from + from_stride);
  __m128 row_2 = _mm_loadu_ps(from + 2 * from_stride);
  __m128 row_3 = _mm_loadu_ps(from + 3 * from_stride);
  _MM_TRANSPOSE4_PS(row_0, row_1, row_2, row_3);
  _mm_storeu_ps(to, row_0);
  _mm_storeu_ps(to + to_stride, row_1);
  _mm_storeu_ps(to + 2 * to_stride, row_2);
  _mm_storeu_ps(to + 3 * to_stride, row_3);
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_VECTORS_X86_H_
