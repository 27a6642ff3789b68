// Elementary functions of vectors of double, in two precisions with one interface: Brief is
// accurate to about 2^-33 and serves float functions, which are evaluated in double and rounded
// once; Full (simd_math_full.h) serves double itself.
//
// Coefficients are minimax polynomials from a Remez exchange (tools/minimax.py); the error bounds
// beside them are what it reports.
#pragma once

#include "cpu/simd_library.h"

namespace tallow::cpu::TALLOW_ISA::math {

using DoubleBits = Vec<uint64_t>;

inline constexpr double kLn2 = 0.693147180559945309417;
inline constexpr double kPi = 3.14159265358979323846;

// c0 + c1 x + c2 x^2 + ...
template <class V>
TALLOW_INLINE V polynomial(V, double c0) {
  return splat<V>(c0);
}
template <class V, class... C>
TALLOW_INLINE V polynomial(V x, double c0, C... rest) {
  return mul_add(polynomial(x, static_cast<double>(rest)...), x, splat<V>(c0));
}

// Evaluates `f`, a function of doubles, on a vector of floats.
template <class F>
TALLOW_INLINE Vec<float> in_double(Vec<float> x, const F& f) {
  Doubles low, high;
  widen(x, low, high);
  return narrow(f(low), f(high));
}
template <class F>
TALLOW_INLINE Vec<float> in_double(Vec<float> x, Vec<float> y, const F& f) {
  Doubles x_low, x_high, y_low, y_high;
  widen(x, x_low, x_high);
  widen(y, y_low, y_high);
  return narrow(f(x_low, y_low), f(x_high, y_high));
}

// Brings x into [low, high]; NaN stays.
TALLOW_INLINE Doubles clamped(Doubles x, double low, double high) {
  return larger_or_first(smaller_or_first(x, splat<Doubles>(high)), splat<Doubles>(low));
}

struct Brief {
  // ---- Exponentials. Results beyond float's range may be cut off at 2^+-300.

  // Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits.
  static constexpr double kRounder = 0x1.8p52;

  // 2^n of the integer n in the low bits of `rounded`.
  static TALLOW_INLINE Doubles power_of_two(Doubles rounded) {
    return bits_as<Doubles>((bits_as<DoubleBits>(rounded) + 1023u) << 52);
  }

  // e^r - 1 for |r| <= ln(2) / 2; absolute error 2^-33.5, relative to r better still.
  static TALLOW_INLINE Doubles expm1_reduced(Doubles r) {
    const Doubles q =
        polynomial(r, 0.50000000810431673715, 0.16666666756670907924, 0.041666239859114494327,
                   0.0083332859314830472431, 0.0013948640637153269053, 0.00019907637995300234692);
    return mul_add(r * r, q, r);
  }

  static TALLOW_INLINE Doubles exp(Doubles x) {
    x = clamped(x, -200, 200);
    const Doubles rounded = mul_add(x, splat<Doubles>(1 / kLn2), splat<Doubles>(kRounder));
    const Doubles n = rounded - kRounder;
    const Doubles scale = power_of_two(rounded);
    return mul_add(scale, expm1_reduced(mul_add(n, splat<Doubles>(-kLn2), x)), scale);
  }

  static TALLOW_INLINE Doubles exp2(Doubles x) {
    x = clamped(x, -300, 300);
    const Doubles rounded = x + kRounder;
    const Doubles scale = power_of_two(rounded);
    const Doubles r = (x - (rounded - kRounder)) * kLn2;
    return mul_add(scale, expm1_reduced(r), scale);
  }

  static TALLOW_INLINE Doubles expm1(Doubles x) {
    x = clamped(x, -200, 200);
    const Doubles rounded = mul_add(x, splat<Doubles>(1 / kLn2), splat<Doubles>(kRounder));
    const Doubles n = rounded - kRounder;
    const Doubles scale = power_of_two(rounded);
    const Doubles p = expm1_reduced(mul_add(n, splat<Doubles>(-kLn2), x));
    return copysign(mul_add(scale, p, scale - 1), x);  // which -0 would lose
  }

  // ---- Logarithms.

  // x = m 2^e with m in [sqrt(1/2), sqrt(2)), for positive normal x.
  static TALLOW_INLINE Doubles split_exponent(Doubles x, Doubles& e) {
    constexpr uint64_t kSqrtHalf = 0x3fe6a09e667f3bcdu;
    constexpr uint64_t kTwo52 = 0x4330000000000000u;
    const DoubleBits shifted = bits_as<DoubleBits>(x) - kSqrtHalf + (uint64_t{1024} << 52);
    e = bits_as<Doubles>((shifted >> 52) | kTwo52) - (0x1p52 + 1024);
    return bits_as<Doubles>((shifted & 0xfffffffffffffu) + kSqrtHalf);
  }

  // log(1 + f) for f in [sqrt(1/2) - 1, sqrt(2) - 1], relative error 2^-44: with s = f / (2 + f) it
  // is 2 atanh(s).
  static TALLOW_INLINE Doubles log1p_reduced(Doubles f) {
    const Doubles s = f / (f + 2);
    const Doubles z = s * s;
    const Doubles q =
        polynomial(z, 0.66666666673879696477, 0.39999995844899833117, 0.2857211612504416007,
                   0.22175005489099625114, 0.19610396177228936164);
    return mul_add(s * z, q, s + s);
  }

  // Puts back what splitting the exponent destroys: 0, infinity, negative numbers and NaN.
  static TALLOW_INLINE Doubles log_ends(Doubles x, Doubles result) {
    const Doubles infinity = splat<Doubles>(__builtin_inf());
    const Doubles large = x < infinity ? result : x;
    const Doubles positive = 0 < x ? large : splat<Doubles>(__builtin_nan(""));
    return x == 0 ? -infinity : positive;
  }

  static TALLOW_INLINE Doubles log(Doubles x) {
    Doubles e;
    const Doubles m = split_exponent(x, e);
    return log_ends(x, mul_add(e, splat<Doubles>(kLn2), log1p_reduced(m - 1)));
  }
  static TALLOW_INLINE Doubles log2(Doubles x) {
    Doubles e;
    const Doubles m = split_exponent(x, e);
    return log_ends(x, mul_add(log1p_reduced(m - 1), splat<Doubles>(1 / kLn2), e));
  }
  static TALLOW_INLINE Doubles log10(Doubles x) { return log(x) * 0.43429448190325182765; }

  static TALLOW_INLINE Doubles log1p(Doubles x) {
    Doubles e;
    const Doubles sum = 1 + x;
    const Doubles m = split_exponent(sum, e);
    const Doubles f = e == 0 ? x : m - 1;  // exact for tiny x, where 1 + x is not
    const Doubles result = mul_add(e, splat<Doubles>(kLn2), log1p_reduced(f));
    return copysign(log_ends(sum, result), x);  // which -0 would lose
  }

  // ---- Trigonometric functions.

  // Beyond this, reduction by a two-part pi / 2 is not exact any more.
  static constexpr double kLargeAngle = 0x1p28;

  // r = x - k pi / 2 with |r| <= pi / 4; returns k's low bits. The first product is exact wherever
  // it cancels, if fma is.
  static TALLOW_INLINE DoubleBits reduce_angle(Doubles x, Doubles& r) {
    const Doubles rounded = fma(x, splat<Doubles>(2 / kPi), splat<Doubles>(kRounder));
    const Doubles k = rounded - kRounder;
    r = fma(k, splat<Doubles>(-0x1.921fb54442d18p+0), x);
    r = fma(k, splat<Doubles>(-0x1.1a62633145c07p-54), r);
    return bits_as<DoubleBits>(rounded);
  }

  // Relative errors 2^-36.8 and 2^-41.7 on |r| <= pi / 4.
  static TALLOW_INLINE Doubles sin_reduced(Doubles r, Doubles z) {
    const Doubles q = polynomial(z, -0.16666666644130410486, 0.0083333293171155224767,
                                 -0.00019839257552234640031, 2.7173113319372195661e-6);
    return r * mul_add(z, q, splat<Doubles>(1));
  }
  static TALLOW_INLINE Doubles cos_reduced(Doubles z) {
    const Doubles q = polynomial(z, 0.041666666647859867849, -0.0013888885537476079189,
                                 0.000024799908328873976834, -2.7236849090572498874e-7);
    return mul_add(z * z, q, 1 - z * 0.5);
  }

  // sin of x + quarter_turns pi / 2.
  static TALLOW_INLINE Doubles sine(Doubles x, uint64_t quarter_turns) {
    Doubles r;
    const DoubleBits k = reduce_angle(x, r) + quarter_turns;
    const Doubles z = r * r;
    const Doubles value = (k & 1) == 1 ? cos_reduced(z) : sin_reduced(r, z);
    return bits_as<Doubles>(bits_as<DoubleBits>(value) ^ ((k & 2) << 62));
  }

  // Replaces the result in the lanes whose angle was too large by the library's.
  template <class F>
  static TALLOW_INLINE Doubles with_large_angles(Doubles x, Doubles result, const F& f) {
    const auto large = kLargeAngle < abs(x);
    if (TALLOW_UNLIKELY(any(large))) {
      for (int i = 0; i < kLanes<double>; ++i) {
        if (large[i]) result[i] = f(x[i]);
      }
    }
    return result;
  }

  static TALLOW_INLINE Doubles sin(Doubles x) {
    // -0.0 keeps its sign: it reduces to itself and the polynomial is odd.
    return with_large_angles(x, sine(x, 0), [](double v) { return __builtin_sin(v); });
  }
  static TALLOW_INLINE Doubles cos(Doubles x) {
    return with_large_angles(x, sine(x, 1), [](double v) { return __builtin_cos(v); });
  }
  static TALLOW_INLINE Doubles tan(Doubles x) {
    Doubles r;
    const DoubleBits k = reduce_angle(x, r);
    const Doubles z = r * r;
    const Doubles s = sin_reduced(r, z);
    const Doubles c = cos_reduced(z);
    const auto odd = (k & 1) == 1;
    const Doubles quotient = (odd ? -c : s) / (odd ? s : c);
    return with_large_angles(x, quotient, [](double v) { return __builtin_tan(v); });
  }

  // The angle of the point (x, y) for x >= 0, y >= 0: one of three intervals is turned to within
  // pi / 8 of 0, where the polynomial's relative error is 2^-39.
  static TALLOW_INLINE Doubles first_quadrant(Doubles y, Doubles x) {
    const auto steep = 2.41421356237309504880 * x < y;
    const auto middle = 0.41421356237309504880 * x < y;
    const Doubles numerator = steep ? -x : (middle ? y - x : y);
    const Doubles denominator = steep ? y : (middle ? y + x : x);
    const Doubles offset =
        steep ? splat<Doubles>(kPi / 2) : (middle ? splat<Doubles>(kPi / 4) : Doubles{});
    const Doubles safe = denominator == 0 ? splat<Doubles>(1) : denominator;  // the origin: 0
    const Doubles t = numerator / safe;
    const Doubles z = t * t;
    const Doubles q =
        polynomial(z, -0.33333333308491866471, 0.19999995204730344271, -0.14285440520911130433,
                   0.1110407529844342031, -0.089958940551109722529, 0.069815317930367483501,
                   -0.037681488176581327935);
    return offset + mul_add(t * z, q, t);
  }

  static TALLOW_INLINE Doubles atan2(Doubles y, Doubles x) {
    const Doubles infinity = splat<Doubles>(__builtin_inf());
    Doubles abs_y = abs(y);
    Doubles abs_x = abs(x);
    const auto both = (abs_y == infinity) & (abs_x == infinity);  // treated as a diagonal
    abs_y = both ? splat<Doubles>(1) : abs_y;
    abs_x = both ? splat<Doubles>(1) : abs_x;
    const Doubles angle = first_quadrant(abs_y, abs_x);
    const auto left = bits_as<Mask<double>>(x) < 0;  // the sign bit, that of -0.0 too
    return copysign(left ? kPi - angle : angle, y);
  }
  static TALLOW_INLINE Doubles atan(Doubles x) {
    return copysign(first_quadrant(abs(x), splat<Doubles>(1)), x);
  }
  static TALLOW_INLINE Doubles asin(Doubles x) {
    return copysign(first_quadrant(abs(x), sqrt((1 - x) * (1 + x))), x);
  }
  static TALLOW_INLINE Doubles acos(Doubles x) {
    const Doubles angle = first_quadrant(sqrt((1 - x) * (1 + x)), abs(x));
    return x < 0 ? kPi - angle : angle;
  }

  // ---- Hyperbolic functions, by their definitions.

  static TALLOW_INLINE Doubles sinh(Doubles x) {
    const Doubles e = expm1(abs(x));
    return copysign((e + e / (e + 1)) * 0.5, x);
  }
  static TALLOW_INLINE Doubles cosh(Doubles x) {
    const Doubles e = exp(abs(x));
    return (e + 1 / e) * 0.5;
  }
  static TALLOW_INLINE Doubles asinh(Doubles x) {
    const Doubles a = abs(x);
    const Doubles squared = a * a;
    const Doubles infinity = splat<Doubles>(__builtin_inf());
    const Doubles result = log1p(a + squared / (1 + sqrt(1 + squared)));
    return copysign(a == infinity ? a : result, x);
  }
  static TALLOW_INLINE Doubles acosh(Doubles x) {
    const Doubles t = x - 1;
    const Doubles result = log1p(t + sqrt(t * (t + 2)));
    return x < 1 ? splat<Doubles>(__builtin_nan("")) : result;
  }
  static TALLOW_INLINE Doubles atanh(Doubles x) {
    const Doubles a = abs(x);
    return copysign(log1p(2 * a / (1 - a)) * 0.5, x);
  }

  // ---- Error function.

  // erf(x) for |x| <= 0.8, relative error 2^-34.
  static TALLOW_INLINE Doubles erf_small(Doubles x) {
    const Doubles z = x * x;
    return x * polynomial(z, 1.1283791670286216108, -0.37612637896088717139, 0.11283766723129388175,
                          -0.026863837351516261274, 0.0052135044906654752783,
                          -0.00083040437983522074408, 0.000091528759038930634606);
  }
  // erfc(x) for x >= 0.7: exp(-x^2) times a smooth function of u = 1 / (1 + 0.4 x), whose relative
  // error is 2^-35 up to x = 10.6, where erfc is below float's range.
  static TALLOW_INLINE Doubles erfc_large(Doubles x) {
    const Doubles u = 1 / (1 + 0.4 * x);
    const Doubles q =
        polynomial(u, 0.22567519794189112594, 0.2256971136095352359, 0.20730667566959008133,
                   0.17423682021834830193, 0.10642940407849187242, 0.12485051851962002633,
                   -0.13425578388536099694, 0.25879515565518225116, -0.34072771398895704338,
                   0.19224156170559476954, -0.040252647187501659309);
    return exp(-(x * x)) * u * q;
  }
  static TALLOW_INLINE Doubles erf(Doubles x) {
    const Doubles a = abs(x);
    return a < 0.75 ? erf_small(x) : copysign(1 - erfc_large(a), x);
  }
  static TALLOW_INLINE Doubles erfc(Doubles x) {
    const Doubles a = abs(x);
    const Doubles tail = erfc_large(a);
    const Doubles large = x < 0 ? 2 - tail : tail;
    return a < 0.75 ? 1 - erf_small(x) : large;
  }

  // ---- Powers: exp2(y log2 |x|), then the sign and the cases that IEEE 754 fixes.

  static TALLOW_INLINE Doubles pow(Doubles x, Doubles y) {
    return with_sign_of_power(x, y, exp2(y * log2(abs(x))));
  }
  // x^y from |x|^y.
  static TALLOW_INLINE Doubles with_sign_of_power(Doubles x, Doubles y, Doubles magnitude) {
    const Doubles one = splat<Doubles>(1);
    const Doubles half = y * 0.5;
    const auto integer = floor(y) == y;  // true for infinities: they count as even
    const auto odd = integer & (floor(half) != half);
    const auto negative = bits_as<Mask<double>>(x) < 0;
    const Doubles is_signed = negative & odd ? -magnitude : magnitude;
    const auto undefined = (x < 0) & ~integer & (x != splat<Doubles>(-__builtin_inf()));
    const Doubles result = undefined ? splat<Doubles>(__builtin_nan("")) : is_signed;
    const auto unit = (x == 1) | (y == 0) | ((x == -1) & (abs(y) == __builtin_inf()));
    return unit ? one : result;
  }
  static TALLOW_INLINE Doubles hypot(Doubles x, Doubles y) {
    const Doubles infinity = splat<Doubles>(__builtin_inf());
    const auto infinite = (abs(x) == infinity) | (abs(y) == infinity);  // even beside NaN
    return infinite ? infinity : sqrt(mul_add(x, x, y * y));
  }
};

}  // namespace tallow::cpu::TALLOW_ISA::math
