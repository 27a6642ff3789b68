// Elementary functions of vectors of float and double; the formula and not the instruction set
// decides the bits. The hottest float functions are evaluated in float here; the others, and
// double, come from simd_math_double.h and simd_math_full.h. Bounds are in units in the last place
// (ulp) over all floats, as tests/ops/test_unary_math.py checks them.
#pragma once

#include "cpu/simd_math_full.h"
#include "cpu/simd_pieces.h"
#include "cpu/simd_table.h"

namespace tallow::cpu::TALLOW_ISA::math {

using Floats = Vec<float>;
using Ints = Vec<int32_t>;

// ---- Exponential, in float.

// Adding it rounds to an integer and leaves that in the low bits.
inline constexpr float kRounder = 0x1.8p23f;

// Brings x into [low, infinity) or [low, high]; NaN stays.
TALLOW_INLINE Floats at_least(Floats x, float low) {
  return larger_or_first(x, splat<Floats>(low));
}
TALLOW_INLINE Floats clamped(Floats x, float low, float high) {
  return smaller_or_first(at_least(x, low), splat<Floats>(high));
}

// e^x = 2^n (1 + p) with p in [-0.3, 0.42]. Not rounding the sum lets callers form 1 - 2^n (1 + p)
// and the like without losing p's last bits.
struct Exponential {
  Floats rounded;  // kRounder + n
  Floats r;        // x - n ln 2
  Floats rest;     // p = r + rest

  TALLOW_INLINE Floats p() const { return r + rest; }
  // What rounding p loses.
  TALLOW_INLINE Floats p_low() const { return rest - (p() - r); }
  // 1 + p, and about the share of it that rounding loses.
  TALLOW_INLINE Floats one_plus_p() const { return 1 + p(); }
  TALLOW_INLINE Floats lost_share() const { return p() - (one_plus_p() - 1); }
  TALLOW_INLINE Ints n() const {
    return bits_as<Ints>(rounded) - __builtin_bit_cast(int32_t, kRounder);
  }
};

// 2^n for -126 <= n <= 127.
TALLOW_INLINE Floats power_of_two(Ints n) { return bits_as<Floats>((n + 127) << 23); }

// Multiplies by 2^n for -252 <= n <= 254, rounding once (and into the subnormals, if need be).
TALLOW_INLINE Floats times_power_of_two(Floats x, const Exponential& e) {
#if TALLOW_ISA_LEVEL == 2
  return bits_as<Floats>(_mm512_maskz_scalef_ps(simd::kAll16, bits_as<__m512>(x),
                                                bits_as<__m512>(e.rounded - kRounder)));
#else
  const Ints n = e.n();
  const Ints half = n >> 1;
  return x * power_of_two(half) * power_of_two(n - half);
#endif
}

// x - n ln 2 for |x| <= 370, and kRounder + n.
struct Remainder {
  Floats rounded;
  Floats r;
};
TALLOW_INLINE Remainder remainder_of_ln2(Floats x) {
  // ln 2 in two parts, the first with so few bits that its product with n is exact.
  constexpr float kHigh = 0x1.62e4p-1f;
  constexpr float kLow = 0x1.7f7d1cp-20f;
  const Floats rounded = fma(x, splat<Floats>(0x1.715476p0), splat<Floats>(kRounder));
  const Floats n = rounded - kRounder;
  const Floats r = fma(n, splat<Floats>(-kHigh), x);
  return {rounded, fma(n, splat<Floats>(-kLow), r)};
}
// q of e^r = 1 + r + r^2 q, error 2^-28.
TALLOW_INLINE Floats exponential_rest(Floats r) {
  Floats q = fma(splat<Floats>(0x1.6db480p-10), r, splat<Floats>(0x1.123b92p-7));
  q = fma(q, r, splat<Floats>(0x1.55545ep-5));
  q = fma(q, r, splat<Floats>(0x1.55548ep-3));
  return fma(q, r, splat<Floats>(0x1.000000p-1));
}

// For |x| <= 150; `low` is added to x without being rounded off.
TALLOW_INLINE Exponential exponential(Floats x) {
  const Remainder e = remainder_of_ln2(x);
  return {e.rounded, e.r, e.r * e.r * exponential_rest(e.r)};
}
TALLOW_INLINE Exponential exponential(Floats x, Floats low) {
  const Remainder e = remainder_of_ln2(x);
  const Floats r = e.r + low;
  return {e.rounded, r, r * r * exponential_rest(r)};
}

TALLOW_INLINE Floats exp(Floats x) {
  const Exponential e = exponential(clamped(x, -104, 89));
  return times_power_of_two(1 + e.p(), e);
}

TALLOW_INLINE Floats exp2(Floats x) {
  x = clamped(x, -151, 129);
  const Floats rounded = x + kRounder;
  const Floats r = x - (rounded - kRounder);
  // 2^r = 1 + r q(r), error 2^-30.
  Floats q = fma(splat<Floats>(0x1.44902cp-13f), r, splat<Floats>(0x1.5f47bp-10f));
  q = fma(q, r, splat<Floats>(0x1.3b29aap-7f));
  q = fma(q, r, splat<Floats>(0x1.c6aedp-5f));
  q = fma(q, r, splat<Floats>(0x1.ebfbep-3f));
  q = fma(q, r, splat<Floats>(0x1.62e43p-1f));
  return times_power_of_two(1 + r * q, {rounded, r, q});
}

// ---- Hyperbolic tangent and error function: polynomials up to where they are 1.

TALLOW_INLINE Floats tanh(Floats x) {
  const Floats a = smaller_or_first(abs(x), splat<Floats>(9.1f));
  return copysign(piecewise_split(kTanh, find_piece(a, 0.2890625f), a), x);
}
TALLOW_INLINE Floats erf(Floats x) {
  const Floats a = smaller_or_first(abs(x), splat<Floats>(3.93f));
  return copysign(piecewise_split(kErf, find_piece(a, 0.125f), a), x);
}

// ---- Logarithm and reciprocal square root, in float.

// e ln 2 + log(1 + f) + rest for f in [sqrt(1/2) - 1, sqrt(2) - 1] and a tiny rest.
TALLOW_INLINE Floats log_of_parts(Floats e, Floats f, Floats rest) {
  constexpr float kHigh = 0x1.62e4p-1f;  // ln 2
  constexpr float kLow = 0x1.7f7d1cp-20f;
  // log(1 + f) = f - f^2 / 2 + f^3 q(f), error 2^-30.
  Floats q = fma(splat<Floats>(0x1.1457b0p-4), f, splat<Floats>(-0x1.de3c18p-4));
  q = fma(q, f, splat<Floats>(0x1.e6f068p-4));
  q = fma(q, f, splat<Floats>(-0x1.fc2206p-4));
  q = fma(q, f, splat<Floats>(0x1.233768p-3));
  q = fma(q, f, splat<Floats>(-0x1.555c4ep-3));
  q = fma(q, f, splat<Floats>(0x1.99a4b6p-3));
  q = fma(q, f, splat<Floats>(-0x1.000006p-2));
  q = fma(q, f, splat<Floats>(0x1.555548p-2));
  const Floats z = f * f;
  const Floats small =
      fma(z, splat<Floats>(-0.5), fma(f * z, q, fma(e, splat<Floats>(kLow), rest)));
  // e ln 2 + f, and what its rounding lost.
  const Floats whole = e * kHigh;
  const Floats sum = whole + f;
  const Floats lost = f - (sum - whole);
  return sum + (lost + small);
}

// x = m 2^exponent with m in [sqrt(1/2), sqrt(2)), if x is normal and positive.
struct LogParts {
  Ints exponent;
  Floats m;
};
TALLOW_INLINE LogParts split_exponent(Floats x) {
  constexpr int32_t kSqrtHalf = 0x3f3504f3;
  // Unsigned, since the bits of a negative number are near the least integer.
  const Ints bits = bits_as<Ints>(bits_as<Vec<uint32_t>>(x) - uint32_t{kSqrtHalf});
  return {bits >> 23, bits_as<Floats>((bits & 0x7fffff) + kSqrtHalf)};
}
// Puts back what splitting destroys: 0, infinity, negative numbers and NaN.
TALLOW_INLINE Floats log_ends(Floats x, Floats result) {
  const Floats infinity = splat<Floats>(__builtin_inf());
  const Floats large = x < infinity ? result : x;
  const Floats positive = 0 < x ? large : splat<Floats>(__builtin_nan(""));
  return x == 0 ? -infinity : positive;
}

TALLOW_INLINE Floats log(Floats x) {
  const auto tiny = x < 0x1p-126f;  // subnormal numbers are scaled up
  const LogParts parts = split_exponent(tiny ? x * 0x1p23f : x);
  const Ints exponent = parts.exponent - (tiny ? Ints{} + 23 : Ints{});
  return log_ends(x, log_of_parts(convert<Floats>(exponent), parts.m - 1, Floats{}));
}

// What rounding 1 + x loses counts 1 / (1 + x).
TALLOW_INLINE Floats log1p(Floats x) {
  const Floats sum = 1 + x;
  const LogParts parts = split_exponent(sum);
  const auto small = parts.exponent == 0;  // where x itself can be used
  const Floats lost = 1 < x ? 1 - (sum - x) : x - (sum - 1);
  const Floats result = log_of_parts(convert<Floats>(parts.exponent), small ? x : parts.m - 1,
                                     small ? Floats{} : lost / sum);
  return copysign(log_ends(sum, result), x);  // which -0 would lose
}

// log(1 + t), t = e^-|x|. What rounding t loses counts 1 / (1 + t), about 1 - t / 2.
TALLOW_INLINE Floats log1p_exp(Floats x) {
  const Exponential e = exponential(at_least(-abs(x), -104));
  const Floats t = times_power_of_two(e.one_plus_p(), e);
  const Floats rest = t * e.lost_share() * fma(splat<Floats>(-0.5), t, splat<Floats>(1));
  const auto halved = 0.41421356f < t;  // 1 + t = 2 (1 + f)
  const Floats f = halved ? fma(splat<Floats>(0.5), t, splat<Floats>(-0.5)) : t;
  return log_of_parts(halved ? splat<Floats>(1) : Floats{}, f, rest);
}

// 1 / sqrt(x), corrected once by what x y^2 misses to 1.
TALLOW_INLINE Floats rsqrt(Floats x) {
  const Floats y = 1 / sqrt(x);
  const Floats h = x * y;
  const Floats h_low = fma(x, y, -h);
  const Floats missing = fma(-h, y, splat<Floats>(1)) - h_low * y;
  const Floats corrected = fma(0.5f * y, missing, y);
  const auto ordinary = (0 < x) & (x < splat<Floats>(__builtin_inf()));
  return ordinary ? corrected : y;
}
TALLOW_INLINE Doubles rsqrt(Doubles x) { return 1 / sqrt(x); }

// ---- The other functions: in double, to the precision the result needs.

TALLOW_INLINE Doubles exp(Doubles x) { return Full::exp(x); }
TALLOW_INLINE Doubles exp2(Doubles x) { return Full::exp2(x); }
TALLOW_INLINE Doubles log(Doubles x) { return Full::log(x); }
TALLOW_INLINE Doubles log1p(Doubles x) { return Full::log1p(x); }
TALLOW_INLINE Doubles tanh(Doubles x) { return Full::tanh(x); }
TALLOW_INLINE Doubles erf(Doubles x) { return Full::erf(x); }

// Function must have `template <class Precision> static Doubles of(Doubles...)`.
template <class Function>
TALLOW_INLINE Floats apply(Floats x) {
  return in_double(x, [](Doubles v) { return Function::template of<Brief>(v); });
}
template <class Function>
TALLOW_INLINE Doubles apply(Doubles x) {
  return Function::template of<Full>(x);
}
template <class Function>
TALLOW_INLINE Floats apply(Floats x, Floats y) {
  return in_double(x, y, [](Doubles v, Doubles w) { return Function::template of<Brief>(v, w); });
}
template <class Function>
TALLOW_INLINE Doubles apply(Doubles x, Doubles y) {
  return Function::template of<Full>(x, y);
}

// Declares `name(x)` or `name(x, y)` for both vector types from the function of that name in Brief
// and Full.
#define TALLOW_MATH_UNARY(name)                  \
  struct name##_function {                       \
    template <class Precision>                   \
    static TALLOW_INLINE Doubles of(Doubles x) { \
      return Precision::name(x);                 \
    }                                            \
  };                                             \
  template <class V>                             \
  TALLOW_INLINE V name(V x) {                    \
    return apply<name##_function>(x);            \
  }
#define TALLOW_MATH_BINARY(name)                            \
  struct name##_function {                                  \
    template <class Precision>                              \
    static TALLOW_INLINE Doubles of(Doubles x, Doubles y) { \
      return Precision::name(x, y);                         \
    }                                                       \
  };                                                        \
  template <class V>                                        \
  TALLOW_INLINE V name(V x, V y) {                          \
    return apply<name##_function>(x, y);                    \
  }

TALLOW_MATH_UNARY(expm1)
TALLOW_MATH_UNARY(log2)
TALLOW_MATH_UNARY(log10)
TALLOW_MATH_UNARY(sin)
TALLOW_MATH_UNARY(cos)
TALLOW_MATH_UNARY(tan)
TALLOW_MATH_UNARY(asin)
TALLOW_MATH_UNARY(acos)
TALLOW_MATH_UNARY(atan)
TALLOW_MATH_UNARY(sinh)
TALLOW_MATH_UNARY(cosh)
TALLOW_MATH_UNARY(asinh)
TALLOW_MATH_UNARY(acosh)
TALLOW_MATH_UNARY(atanh)
TALLOW_MATH_UNARY(erfc)
TALLOW_MATH_BINARY(pow)
TALLOW_MATH_BINARY(atan2)
TALLOW_MATH_BINARY(hypot)
#undef TALLOW_MATH_UNARY
#undef TALLOW_MATH_BINARY

// a - trunc(a / b) b, which is exact. The rounded quotient is at most one off, and as long as it is
// far from the end of the mantissa the remainder that it leaves is exact, too.
template <class V>
TALLOW_INLINE V fmod(V a, V b) {
  using T = Lane<V>;
  constexpr T kLargest = sizeof(T) == 4 ? T(0x1p21) : T(0x1p50);
  const V quotient = trunc(a / b);
  const V size = abs(b);
  V rest = fma(-quotient, b, a);
  const V sign = copysign(size, a);
  rest = copysign(splat<V>(1), a) * rest < 0 ? rest + sign : rest;
  rest = size <= abs(rest) ? rest - sign : rest;
  rest = copysign(rest, a);
  const auto hard = ~((abs(quotient) < kLargest) & (size < splat<V>(__builtin_inf())));
  if (TALLOW_UNLIKELY(any(hard))) {
    for (int i = 0; i < kLanes<T>; ++i) {
      if (!hard[i]) continue;
      rest[i] = sizeof(T) == 4 ? T(__builtin_fmodf(a[i], b[i])) : T(__builtin_fmod(a[i], b[i]));
    }
  }
  return rest;
}

}  // namespace tallow::cpu::TALLOW_ISA::math
