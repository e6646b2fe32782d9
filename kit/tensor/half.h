// The two 16-bit float types of checkpoints, widened to float32 exactly.
#ifndef KVLAB_KIT_TENSOR_HALF_H_
#define KVLAB_KIT_TENSOR_HALF_H_

#include <bit>
#include <cstdint>

namespace kvlab {

// IEEE 754 binary16: 1 sign, 5 exponent, 10 mantissa bits.
inline float HalfToFloat(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1FU;
  const std::uint32_t mantissa = bits & 0x3FFU;
  if (exponent == 0) {  // zero or subnormal: mantissa * 2^-24
    const float value = static_cast<float>(mantissa) * 0x1p-24F;
    return sign != 0 ? -value : value;
  }
  const std::uint32_t wide_exponent = exponent == 31 ? 255 : exponent + 112;
  return std::bit_cast<float>(sign | (wide_exponent << 23U) |
                              (mantissa << 13U));
}

// The upper half of a float32.
inline float BFloat16ToFloat(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

}  // namespace kvlab

#endif  // KVLAB_KIT_TENSOR_HALF_H_
