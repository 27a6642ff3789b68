// The 8-bit floating-point types: storage and conversion to and from float, nothing else. Tensors
// of them hold quantised weights; whoever computes converts first.
// Source: P. Micikevicius et al., "FP8 formats for deep learning", 2022 (E4M3FN, E5M2); B. Noune et
// al., "8-bit numerical formats for deep neural networks", 2022 (the FNUZ ones); OCP Microscaling
// Formats specification 1.0, 2023 (E8M0).
#pragma once

#include <cstdint>

#include "core/half.h"

namespace tallow {

// What the codes at the upper end mean.
enum class Float8Kind : uint8_t {
  kFinite,        // no infinity: the greatest code of either sign is NaN, overflow saturates
  kIeee,          // infinity and NaNs as in IEEE 754
  kUnsignedZero,  // no infinity: overflow and NaN are the code that would be -0
};

template <int kMantissa, int kBias, Float8Kind kKind>
struct Float8 {
  uint8_t bits = 0;

  TALLOW_INLINE Float8() = default;

  // Rounds to nearest even.
  TALLOW_INLINE explicit Float8(float value) {
    const uint32_t all = detail::float_bits(value);
    const uint32_t given = all & 0x7fffffffu;
    const uint32_t magnitude = given < kTop ? given : kTop;
    constexpr int kDropped = 23 - kMantissa;
    const uint32_t half = ((1u << (kDropped - 1)) - 1) + ((magnitude >> kDropped) & 1u);
    const uint32_t normal = (magnitude - kShift + half) >> kDropped;
    // Subnormal results: next to a number whose last bit weighs as much as theirs, the addition
    // itself rounds.
    constexpr uint32_t kMagic = (127u + kDropped + 1 - kBias) << 23;
    const uint32_t subnormal =
        detail::float_bits(detail::bits_float(magnitude) + detail::bits_float(kMagic)) - kMagic;
    uint32_t code = magnitude < kShift + (1u << 23) ? subnormal : normal;
    const uint32_t sign = (all >> 24) & 0x80u;
    if constexpr (kKind == Float8Kind::kUnsignedZero) {
      code = given > 0x7f800000u || code >= 0x80u ? 0x80u : code == 0 ? 0 : sign | code;
    } else {
      code = sign | (given > 0x7f800000u ? 0x7fu : code);
    }
    bits = static_cast<uint8_t>(code);
  }

  TALLOW_INLINE operator float() const {
    const uint32_t magnitude = bits & 0x7fu;
    const uint32_t normal = (magnitude << (23 - kMantissa)) + kShift;
    const uint32_t subnormal = detail::float_bits(static_cast<float>(static_cast<int>(magnitude)) *
                                                  detail::bits_float(kUnit));
    uint32_t result = magnitude < (1u << kMantissa) ? subnormal : normal;
    if constexpr (kKind == Float8Kind::kUnsignedZero) {
      if (bits == 0x80u) result = 0x7fc00000u;
    } else if constexpr (kKind == Float8Kind::kFinite) {
      if (magnitude == 0x7fu) result = 0x7fc00000u;
    } else {
      if (magnitude == 0x7cu) result = 0x7f800000u;
      if (magnitude > 0x7cu) result = 0x7fc00000u;
    }
    return detail::bits_float(result | (bits & 0x80u) << 24);
  }

  static constexpr uint32_t kLargestCode = kKind == Float8Kind::kFinite ? 0x7e
                                           : kKind == Float8Kind::kIeee ? 0x7b
                                                                        : 0x7f;

 private:
  // What the exponent of a float exceeds that of its code by, in place.
  static constexpr uint32_t kShift = (127u - kBias) << 23;
  // The smallest subnormal number.
  static constexpr uint32_t kUnit = (127u + 1 - kBias - kMantissa) << 23;
  // Greater magnitudes become this one, whose code is the one for overflow.
  static constexpr uint32_t kTop =
      ((kLargestCode + (kKind == Float8Kind::kFinite ? 0 : 1)) << (23 - kMantissa)) + kShift;
};

using Float8E4M3FN = Float8<3, 7, Float8Kind::kFinite>;
using Float8E5M2 = Float8<2, 15, Float8Kind::kIeee>;
using Float8E4M3FNUZ = Float8<3, 8, Float8Kind::kUnsignedZero>;
using Float8E5M2FNUZ = Float8<2, 16, Float8Kind::kUnsignedZero>;

// A power of two, 2^(bits - 127): the scale of a block of numbers. Signs are lost.
struct Float8E8M0FNU {
  uint8_t bits = 0;

  TALLOW_INLINE Float8E8M0FNU() = default;

  // To the nearer power of two, the larger one in the middle; below 2^-126 the smaller one.
  TALLOW_INLINE explicit Float8E8M0FNU(float value) {
    const uint32_t magnitude = detail::float_bits(value) & 0x7fffffffu;
    const uint32_t half = magnitude < 0x00800000u ? 0x3fffffu : 0x400000u;
    const uint32_t code = (magnitude + half) >> 23;
    bits = static_cast<uint8_t>(magnitude >= 0x7f800000u ? 0xffu : code);
  }

  TALLOW_INLINE operator float() const {
    uint32_t result = static_cast<uint32_t>(bits) << 23;
    if (bits == 0) result = 0x00400000u;
    if (bits == 0xffu) result = 0x7fc00000u;
    return detail::bits_float(result);
  }
};

}  // namespace tallow
