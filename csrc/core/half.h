// Half (IEEE binary16) and BFloat16: storage and exact conversion only. Arithmetic happens in
// float: kernels convert at load and store.
#pragma once

#include <cstdint>

#include "core/macros.h"

namespace tallow {

namespace detail {

TALLOW_INLINE uint32_t float_bits(float value) { return __builtin_bit_cast(uint32_t, value); }
TALLOW_INLINE float bits_float(uint32_t bits) { return __builtin_bit_cast(float, bits); }

// binary16 -> binary32, exact, subnormals and NaN payloads included.
TALLOW_INLINE float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  if (magnitude >= 0x7c00u) return bits_float(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  if (magnitude >= 0x0400u) return bits_float(sign | ((magnitude << 13) + 0x38000000u));
  // A subnormal is `magnitude` units of 2^-24; the product is exact.
  return bits_float(sign | float_bits(static_cast<float>(magnitude) * 0x1p-24f));
}

// binary32 -> binary16, rounding to nearest even; overflow gives infinity, NaN stays NaN.
TALLOW_INLINE uint16_t float_to_half(float value) {
  const uint32_t bits = float_bits(value);
  const uint16_t sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude >= 0x7f800000u) {
    return sign | (magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u);
  }
  if (magnitude >= 0x477ff000u) return sign | 0x7c00u;  // rounds to >= 65520
  if (magnitude < 0x38800000u) {
    // Subnormal result: adding 0.5 puts the wanted bits at the bottom of the significand, where
    // the addition itself rounds to nearest even.
    const float shifted = bits_float(magnitude) + 0.5f;
    return sign | static_cast<uint16_t>(float_bits(shifted) - 0x3f000000u);
  }
  const uint32_t rounded = magnitude - 0x38000000u + 0x0fffu + ((magnitude >> 13) & 1u);
  return sign | static_cast<uint16_t>(rounded >> 13);
}

// binary32 -> bfloat16, rounding to nearest even; NaN becomes the quiet NaN 0x7fc0.
TALLOW_INLINE uint16_t float_to_bfloat16(float value) {
  const uint32_t bits = float_bits(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0x7fc0u;
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

}  // namespace detail

struct Half {
  uint16_t bits = 0;
  TALLOW_INLINE Half() = default;
  TALLOW_INLINE explicit Half(float value) : bits(detail::float_to_half(value)) {}
  TALLOW_INLINE operator float() const { return detail::half_to_float(bits); }
};

struct BFloat16 {
  uint16_t bits = 0;
  TALLOW_INLINE BFloat16() = default;
  TALLOW_INLINE explicit BFloat16(float value) : bits(detail::float_to_bfloat16(value)) {}
  TALLOW_INLINE operator float() const {
    return detail::bits_float(static_cast<uint32_t>(bits) << 16);
  }
};

}  // namespace tallow
