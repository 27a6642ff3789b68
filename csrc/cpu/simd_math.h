// Elementary functions of vectors of float and double; the formula and not the instruction set
// decides the bits. The hottest float functions are evaluated in float here; the others, and double,
// come from simd_math_double.h. Bounds are in units in the last place (ulp) over all floats, as
// tests/ops/test_unary_math.py checks them.
#pragma once

#include "cpu/simd_math_double.h"

namespace tallow::cpu::TALLOW_ISA::math {

using Floats = Vec<float>;
using Ints = Vec<int32_t>;

// ---- Exponential, in float.

// e^x = 2^n (1 + p): p is in [-0.3, 0.42] and given as a sum, so that 1 + p and 1 - 2^n (1 + p) can
// be formed without losing its last bits.
struct Exponential {
  Ints n;
  Floats p;
  Floats p_low;
};

// 2^n for -126 <= n <= 127.
TALLOW_INLINE Floats power_of_two(Ints n) { return bits_as<Floats>((n + 127) << 23); }

// Multiplies by 2^n for -252 <= n <= 254, rounding once (and into the subnormals, if need be).
TALLOW_INLINE Floats times_power_of_two(Floats x, Ints n) {
  const Ints half = n >> 1;
  return x * power_of_two(half) * power_of_two(n - half);
}

// For |x| <= 126 ln 2.
TALLOW_INLINE Exponential exponential(Floats x) {
  // ln 2 in two parts, the first with so few bits that its product with n is exact.
  constexpr float kHigh = 0x1.62e4p-1f;
  constexpr float kLow = 0x1.7f7d1cp-20f;
  const Floats rounded = round_even(x * 0x1.715476p0f);
  Floats r = fma(rounded, splat<Floats>(-kHigh), x);
  r = fma(rounded, splat<Floats>(-kLow), r);
  // e^r = 1 + r + r^2 q(r), error 2^-28.
  Floats q = fma(splat<Floats>(0x1.6db480p-10), r, splat<Floats>(0x1.123b92p-7));
  q = fma(q, r, splat<Floats>(0x1.55545ep-5));
  q = fma(q, r, splat<Floats>(0x1.55548ep-3));
  q = fma(q, r, splat<Floats>(0x1.000000p-1));
  const Floats rest = r * r * q;
  const Floats p = r + rest;
  return {convert<Ints>(rounded), p, rest - (p - r)};
}

// Brings x into [low, high]; NaN stays.
TALLOW_INLINE Floats clamped(Floats x, float low, float high) {
  const Floats below = splat<Floats>(high) < x ? splat<Floats>(high) : x;
  return below < splat<Floats>(low) ? splat<Floats>(low) : below;
}

TALLOW_INLINE Floats exp(Floats x) {
  const Exponential e = exponential(clamped(x, -104, 89));
  return times_power_of_two(1 + e.p, e.n);
}

// ---- Sigmoid and tanh: quotients of sums of 1 and t = exp(-a) for a >= 0, with numerator and
// denominator in two parts and one division.

struct TwoPart {
  Floats high;
  Floats low;
};

// t = exp(-a) in two parts, -a >= -104; scaled down no further than 2^-100, which is enough beside 1.
TALLOW_INLINE TwoPart two_part(const Exponential& e) {
  const Ints n = e.n < -100 ? Ints{} - 100 : e.n;
  const Floats scale = power_of_two(n);
  const Floats high = fma(scale, e.p, scale);
  return {high, fma(scale, e.p, scale - high) + scale * e.p_low};
}

// numerator / (1 + t). The division is corrected by its remainder, for which a rough reciprocal of
// 1 + t in [1, 2] will do.
TALLOW_INLINE Floats over_one_plus(TwoPart numerator, TwoPart t) {
  const Floats high = 1 + t.high;
  const Floats low = t.high - (high - 1) + t.low;
  const Floats quotient = numerator.high / high;
  const Floats remainder = fma(-quotient, high, numerator.high) + (numerator.low - quotient * low);
  return fma(remainder, 1.457f - 0.5f * high, quotient);
}

// sigmoid(x) = m 2^n: n is 0 for x >= 0, and scaling last keeps tiny results exact.
TALLOW_INLINE Floats sigmoid_parts(Floats x, Ints& n) {
  const Exponential e = exponential(clamped(-abs(x), -104, 0));
  const Floats one = splat<Floats>(1);
  // 1 / (1 + t) for x >= 0, t / (1 + t) below, t's power of two taken out of the numerator.
  const Floats high = 1 + e.p;
  const TwoPart numerator{x < 0 ? high : one, x < 0 ? e.p - (high - 1) + e.p_low : Floats{}};
  n = x < 0 ? e.n : Ints{};
  return over_one_plus(numerator, two_part(e));
}

TALLOW_INLINE Floats sigmoid(Floats x) {
  Ints n;
  const Floats m = sigmoid_parts(x, n);
  return times_power_of_two(m, n);
}

// x * sigmoid(x)
TALLOW_INLINE Floats silu(Floats x) {
  Ints n;
  const Floats m = sigmoid_parts(x, n);
  return times_power_of_two(x * m, n);
}

// (1 - t) / (1 + t) with t = exp(-2 |x|); for small x, 1 - t is -p itself.
TALLOW_INLINE Floats tanh(Floats x) {
  const Exponential e = exponential(clamped(-2 * abs(x), -40, 0));
  const Floats scale = power_of_two(e.n);
  const Floats ones = 1 - scale;  // exact: the result is 1 long before it is not
  const Floats product = scale * e.p;
  const Floats high = ones - product;
  const Floats low = (ones - high) - product - scale * e.p_low;
  return copysign(over_one_plus({high, low}, two_part(e)), x);
}

// ---- Logarithm and reciprocal square root, in float.

TALLOW_INLINE Floats log(Floats x) {
  constexpr int32_t kSqrtHalf = 0x3f3504f3;
  constexpr float kHigh = 0x1.62e4p-1f;  // ln 2
  constexpr float kLow = 0x1.7f7d1cp-20f;
  const auto tiny = x < 0x1p-126f;  // subnormal numbers are scaled up
  const Ints bits = bits_as<Ints>(tiny ? x * 0x1p23f : x) - kSqrtHalf;
  const Ints exponent = (bits >> 23) - (tiny ? Ints{} + 23 : Ints{});
  const Floats e = convert<Floats>(exponent);
  // m in [sqrt(1/2), sqrt(2)), f = m - 1: log(1 + f) = f - f^2 / 2 + f^3 q(f), error 2^-30.
  const Floats f = bits_as<Floats>((bits & 0x7fffff) + kSqrtHalf) - 1;
  Floats q = fma(splat<Floats>(0x1.1457b0p-4), f, splat<Floats>(-0x1.de3c18p-4));
  q = fma(q, f, splat<Floats>(0x1.e6f068p-4));
  q = fma(q, f, splat<Floats>(-0x1.fc2206p-4));
  q = fma(q, f, splat<Floats>(0x1.233768p-3));
  q = fma(q, f, splat<Floats>(-0x1.555c4ep-3));
  q = fma(q, f, splat<Floats>(0x1.99a4b6p-3));
  q = fma(q, f, splat<Floats>(-0x1.000006p-2));
  q = fma(q, f, splat<Floats>(0x1.555548p-2));
  const Floats z = f * f;
  const Floats small = fma(z, splat<Floats>(-0.5), fma(f * z, q, e * kLow));
  // e ln 2 + f, and what its rounding lost.
  const Floats whole = e * kHigh;
  const Floats sum = whole + f;
  const Floats lost = f - (sum - whole);
  const Floats result = sum + (lost + small);
  const Floats infinity = splat<Floats>(__builtin_inf());
  const Floats large = x < infinity ? result : x;
  const Floats positive = 0 < x ? large : splat<Floats>(__builtin_nan(""));
  return x == 0 ? -infinity : positive;
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

TALLOW_INLINE Doubles exp(Doubles x) { return Library::exp(x); }
TALLOW_INLINE Doubles log(Doubles x) { return Library::log(x); }
TALLOW_INLINE Doubles sigmoid(Doubles x) { return 1 / (1 + Library::exp(-x)); }
TALLOW_INLINE Doubles silu(Doubles x) { return x * sigmoid(x); }
TALLOW_INLINE Doubles tanh(Doubles x) {
  return each(x, [](double v) { return __builtin_tanh(v); });
}

// Function must have `template <class Precision> static Doubles of(Doubles...)`.
template <class Function>
TALLOW_INLINE Floats apply(Floats x) {
  return in_double(x, [](Doubles v) { return Function::template of<Brief>(v); });
}
template <class Function>
TALLOW_INLINE Doubles apply(Doubles x) {
  return Function::template of<Library>(x);
}
template <class Function>
TALLOW_INLINE Floats apply(Floats x, Floats y) {
  return in_double(x, y, [](Doubles v, Doubles w) { return Function::template of<Brief>(v, w); });
}
template <class Function>
TALLOW_INLINE Doubles apply(Doubles x, Doubles y) {
  return Function::template of<Library>(x, y);
}

// Declares `name(x)` or `name(x, y)` for both vector types from the function of that name in Brief
// and Library.
#define TALLOW_MATH_UNARY(name)                                         \
  struct name##_function {                                              \
    template <class Precision>                                          \
    static TALLOW_INLINE Doubles of(Doubles x) { return Precision::name(x); } \
  };                                                                    \
  template <class V>                                                    \
  TALLOW_INLINE V name(V x) { return apply<name##_function>(x); }
#define TALLOW_MATH_BINARY(name)                                        \
  struct name##_function {                                              \
    template <class Precision>                                          \
    static TALLOW_INLINE Doubles of(Doubles x, Doubles y) { return Precision::name(x, y); } \
  };                                                                    \
  template <class V>                                                    \
  TALLOW_INLINE V name(V x, V y) { return apply<name##_function>(x, y); }

TALLOW_MATH_UNARY(exp2)
TALLOW_MATH_UNARY(expm1)
TALLOW_MATH_UNARY(log2)
TALLOW_MATH_UNARY(log10)
TALLOW_MATH_UNARY(log1p)
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
TALLOW_MATH_UNARY(erf)
TALLOW_MATH_UNARY(erfc)
TALLOW_MATH_BINARY(pow)
TALLOW_MATH_BINARY(atan2)
TALLOW_MATH_BINARY(hypot)
#undef TALLOW_MATH_UNARY
#undef TALLOW_MATH_BINARY

TALLOW_INLINE float fmod_element(float a, float b) { return __builtin_fmodf(a, b); }
TALLOW_INLINE double fmod_element(double a, double b) { return __builtin_fmod(a, b); }

}  // namespace tallow::cpu::TALLOW_ISA::math
