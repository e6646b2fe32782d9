// NEON, which every 64-bit ARM processor has, for vectors.h.
#ifndef KVLAB_KIT_KERNELS_VECTORS_ARM_H_
#define KVLAB_KIT_KERNELS_VECTORS_ARM_H_

#include <arm_neon.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kit/tensor/weight_matrix.h"
#include "xsimd/xsimd.hpp"

#define KVLAB_KERNELS kvlab::kernels::neon

// NOLINTNEXTLINE(modernize-concat-nested-namespaces): they are, in the macro
namespace KVLAB_KERNELS {

// Eight float32 in two of 32 registers. With as many lanes as AVX2, every sum
// has the same terms in the same order as there, and a tile that fills AVX2's
// 16 registers fills these.
class Floats {
 public:
  using Half = xsimd::batch<float, xsimd::neon64>;
  static constexpr std::size_t size = 2 * Half::size;

  Floats() = default;
  explicit Floats(float value) : low_(value), high_(value) {}
  Floats(Half low, Half high) : low_(low), high_(high) {}

  static Floats load_unaligned(const float* from) {
    return {Half::load_unaligned(from),
            Half::load_unaligned(from + Half::size)};
  }
  void store_unaligned(float* to) const {
    low_.store_unaligned(to);
    high_.store_unaligned(to + Half::size);
  }
  void store_aligned(float* to) const { store_unaligned(to); }

  Half Low() const { return low_; }
  Half High() const { return high_; }

  Floats& operator+=(const Floats& other) {
    low_ += other.low_;
    high_ += other.high_;
    return *this;
  }

 private:
  Half low_;
  Half high_;
};

inline Floats operator+(const Floats& a, const Floats& b) {
  return {a.Low() + b.Low(), a.High() + b.High()};
}
inline Floats operator*(const Floats& a, const Floats& b) {
  return {a.Low() * b.Low(), a.High() * b.High()};
}
inline Floats fma(const Floats& a, const Floats& b, const Floats& c) {
  return {xsimd::fma(a.Low(), b.Low(), c.Low()),
          xsimd::fma(a.High(), b.High(), c.High())};
}
inline Floats exp(const Floats& x) {
  return {xsimd::exp(x.Low()), xsimd::exp(x.High())};
}
inline Floats tanh(const Floats& x) {
  return {xsimd::tanh(x.Low()), xsimd::tanh(x.High())};
}

// Two-byte elements at any address, widened.
template <DType kType>
inline Floats WidenLanes(const std::byte* address) {
  std::array<std::uint16_t, Floats::size> bytes;
  std::memcpy(bytes.data(), address, sizeof(bytes));
  const uint16x8_t bits = vld1q_u16(bytes.data());
  if constexpr (kType == DType::kF16) {
    const float16x8_t halves = vreinterpretq_f16_u16(bits);
    return {vcvt_f32_f16(vget_low_f16(halves)), vcvt_high_f32_f16(halves)};
  }
  return {vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(bits), 16)),
          vreinterpretq_f32_u32(vshll_high_n_u16(bits, 16))};
}

// As many codes of one byte as a vector has lanes, at any address, as floats.
inline Floats LoadCodes(const std::uint8_t* address) {
  const uint16x8_t codes = vmovl_u8(vld1_u8(address));
  return {vcvtq_f32_u32(vmovl_u16(vget_low_u16(codes))),
          vcvtq_f32_u32(vmovl_high_u16(codes))};
}

// The sum of a vector's lanes, in AVX2's order.
inline float SumOfLanes(const Floats& vector) {
  return vaddvq_f32(vector.Low() + vector.High());
}

// The sums of the lanes of as many vectors: lane i of the result is that of
// rows[i]. In AVX2's order.
inline Floats SumsOfLanes(const std::array<Floats, Floats::size>& rows) {
  const auto four_sums = [&rows](std::size_t first) -> Floats::Half {
    const float32x4_t low_01 =
        vpaddq_f32(rows[first].Low(), rows[first + 1].Low());
    const float32x4_t low_23 =
        vpaddq_f32(rows[first + 2].Low(), rows[first + 3].Low());
    const float32x4_t high_01 =
        vpaddq_f32(rows[first].High(), rows[first + 1].High());
    const float32x4_t high_23 =
        vpaddq_f32(rows[first + 2].High(), rows[first + 3].High());
    return vaddq_f32(vpaddq_f32(low_01, low_23), vpaddq_f32(high_01, high_23));
  };
  return {four_sums(0), four_sums(Floats::Half::size)};
}

// Copies four rows of four floats as columns.
inline void Transpose4x4(const float* from, std::size_t from_stride, float* to,
                         std::size_t to_stride) {
  const float32x4x2_t rows_02 =
      vzipq_f32(vld1q_f32(from), vld1q_f32(from + 2 * from_stride));
  const float32x4x2_t rows_13 = vzipq_f32(vld1q_f32(from + from_stride),
                                          vld1q_f32(from + 3 * from_stride));
  const float32x4x2_t cols_01 = vzipq_f32(rows_02.val[0], rows_13.val[0]);
  const float32x4x2_t cols_23 = vzipq_f32(rows_02.val[1], rows_13.val[1]);
  vst1q_f32(to, cols_01.val[0]);
  vst1q_f32(to + to_stride, cols_01.val[1]);
  vst1q_f32(to + 2 * to_stride, cols_23.val[0]);
  vst1q_f32(to + 3 * to_stride, cols_23.val[1]);
}

}  // namespace KVLAB_KERNELS

#endif  // KVLAB_KIT_KERNELS_VECTORS_ARM_H_
