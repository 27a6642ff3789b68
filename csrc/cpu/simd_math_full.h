// Elementary functions of vectors of double to about an ulp, where there is a fused multiply-add;
// the rest comes from the C library, lane by lane. The coefficients are from tools/minimax.py.
#pragma once

#include "cpu/simd_math_double.h"

namespace tallow::cpu::TALLOW_ISA::math {

#if TALLOW_ISA_LEVEL > 0

struct Full : Library {
  // ---- Exponentials.

  // Multiplies by 2^n for the integer n in `rounded` - kRounder, |n| <= 2100, rounding once.
  static TALLOW_INLINE Doubles times_power_of_two(Doubles x, Doubles rounded) {
#if TALLOW_ISA_LEVEL == 2
    return bits_as<Doubles>(_mm512_maskz_scalef_pd(simd::kAll8, bits_as<__m512d>(x),
                                                   bits_as<__m512d>(rounded - Brief::kRounder)));
#else
    const Doubles n = rounded - Brief::kRounder;
    const Doubles half = 0.5 * n + Brief::kRounder;
    const Doubles rest = n - (half - Brief::kRounder) + Brief::kRounder;
    return x * Brief::power_of_two(half) * Brief::power_of_two(rest);
#endif
  }

  // e^r = 1 + p for |r| <= ln(2) / 2; returns p, error 2^-58.
  static TALLOW_INLINE Doubles expm1_reduced(Doubles r) {
    const Doubles q =
        polynomial(r, 0.50000000000000127341, 0.1666666666666669927, 0.041666666666515471321,
                   0.0083333333333071120014, 0.0013888888947003063849, 0.00019841269917559185726,
                   0.000024801489954843605991, 2.7557216151233710964e-6, 2.7631276000327361635e-7,
                   2.5117907731192665169e-8);
    return fma(r * r, q, r);
  }
  // x - n ln 2 with n = rounded - kRounder; the first difference is exact.
  static TALLOW_INLINE Doubles reduce(Doubles x, Doubles& rounded) {
    rounded = fma(x, splat<Doubles>(1 / kLn2), splat<Doubles>(Brief::kRounder));
    const Doubles n = rounded - Brief::kRounder;
    const Doubles r = fma(n, splat<Doubles>(-0x1.62e42fefa39efp-1), x);
    return fma(n, splat<Doubles>(-0x1.abc9e3b39803fp-56), r);
  }

  static TALLOW_INLINE Doubles exp(Doubles x) {
    Doubles rounded;
    const Doubles r = reduce(clamped(x, -746, 710), rounded);
    return times_power_of_two(1 + expm1_reduced(r), rounded);
  }
  static TALLOW_INLINE Doubles exp2(Doubles x) {
    x = clamped(x, -1076, 1025);
    const Doubles rounded = x + Brief::kRounder;
    const Doubles part = x - (rounded - Brief::kRounder);
    // part ln 2 in two parts, of which the second is added to the result.
    const Doubles r = part * kLn2;
    const Doubles low = fma(part, splat<Doubles>(kLn2), -r) + part * 0x1.abc9e3b39803fp-56;
    return times_power_of_two(1 + (expm1_reduced(r) + low), rounded);
  }
  // 2 (2^(n-1) p + 2^(n-1) - 1/2): the power fits even where the result is near the largest number.
  static TALLOW_INLINE Doubles expm1(Doubles x) {
    Doubles rounded;
    const Doubles p = expm1_reduced(reduce(clamped(x, -746, 710), rounded));
    const Doubles n = rounded - 1;
    const Doubles low = splat<Doubles>(Brief::kRounder - 1000);
    const Doubles half_power = Brief::power_of_two(low < n ? n : low);
    const Doubles result = 2 * fma(half_power, p, half_power - 0.5);
    return abs(x) < 0x1p-54 ? x : result;
  }

  // ---- Logarithms.

  // e ln 2 + log(1 + f) + low for f in [sqrt(1/2) - 1, sqrt(2) - 1] and a tiny low, with
  // s = f / (2 + f): log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + s^2 q(s^2)).
  // Source: the rearrangement of FreeBSD's e_log.c (Sun Microsystems, 1993), which keeps f exact.
  static TALLOW_INLINE Doubles log_of_parts(Doubles e, Doubles f, Doubles low) {
    const Doubles s = f / (2 + f);
    const Doubles z = s * s;
    const Doubles q =
        z * polynomial(z, 0.66666666666667346036, 0.39999999999413178371, 0.28571428742762846219,
                       0.22222198530850636842, 0.18183566708887095396, 0.15313985251691654385,
                       0.14796643747459697801);
    const Doubles half_square = 0.5 * f * f;
    const Doubles rest = fma(e, splat<Doubles>(0x1.a39ef35793c76p-33), low);
    const Doubles small = half_square - fma(s, half_square + q, rest);
    return fma(e, splat<Doubles>(0x1.62e42feep-1), f - small);
  }
  // Subnormal numbers are scaled up.
  static TALLOW_INLINE Doubles split(Doubles x, Doubles& e) {
    const auto tiny = x < 0x1p-1022;
    const Doubles m = Brief::split_exponent(tiny ? x * 0x1p54 : x, e);
    e = tiny ? e - 54 : e;
    return m - 1;
  }

  static TALLOW_INLINE Doubles log(Doubles x) {
    Doubles e;
    const Doubles f = split(x, e);
    return Brief::log_ends(x, log_of_parts(e, f, Doubles{}));
  }
  static TALLOW_INLINE Doubles log2(Doubles x) {
    Doubles e;
    const Doubles f = split(x, e);
    const Doubles reduced = log_of_parts(Doubles{}, f, Doubles{});
    return Brief::log_ends(x, fma(reduced, splat<Doubles>(1 / kLn2), e));
  }
  // What rounding 1 + x loses counts 1 / (1 + x).
  static TALLOW_INLINE Doubles log1p(Doubles x) {
    Doubles e;
    const Doubles sum = 1 + x;
    const Doubles m = Brief::split_exponent(sum, e) - 1;
    const auto small = e == 0;  // where x itself can be used
    const Doubles lost = 1 < x ? 1 - (sum - x) : x - (sum - 1);
    const Doubles result = log_of_parts(e, small ? x : m, small ? Doubles{} : lost / sum);
    return copysign(Brief::log_ends(sum, result), x);  // which -0 would lose
  }

  // ---- Hyperbolic tangent and trigonometric functions.

  static TALLOW_INLINE Doubles tanh(Doubles x) {
    const Doubles t = expm1(-2 * abs(x));
    return copysign(t / (t + 2), x);
  }

  // Beyond this, the library is asked.
  static constexpr double kLargeAngle = 0x1p20;

  // The sine of x + quarter_turns pi / 2.
  static TALLOW_INLINE Doubles sine(Doubles x, uint64_t quarter_turns) {
    Doubles r;
    const DoubleBits k = Brief::reduce_angle(x, r) + quarter_turns;
    const Doubles z = r * r;
    const Doubles s = fma(
        r * z,
        polynomial(z, -0.16666666666666632027, 0.0083333333333224122889, -0.00019841269829806197971,
                   2.7557313691236525284e-6, -2.5050757993587034554e-8, 1.5896787890076715262e-10),
        r);
    const Doubles half = 0.5 * z;
    const Doubles first = 1 - half;
    const Doubles c = first + fma(z * z,
                                  polynomial(z, 0.041666666666666599473, -0.0013888888888874123045,
                                             0.000024801587289481499164, -2.7557314352107338508e-7,
                                             2.0875723239406292254e-9, -1.135964589488491972e-11),
                                  (1 - first) - half);
    const Doubles value = (k & 1) == 1 ? c : (r == 0 ? r : s);  // -0 stays
    return bits_as<Doubles>(bits_as<DoubleBits>(value) ^ ((k & 2) << 62));
  }
  template <class F>
  static TALLOW_INLINE Doubles with_large_angles(Doubles x, Doubles result, const F& f) {
    const auto large = ~(abs(x) < kLargeAngle);
    if (TALLOW_UNLIKELY(any(large))) {
      for (int i = 0; i < kLanes<double>; ++i) {
        if (large[i]) result[i] = f(x[i]);
      }
    }
    return result;
  }
  static TALLOW_INLINE Doubles sin(Doubles x) {
    return with_large_angles(x, sine(x, 0), [](double v) { return __builtin_sin(v); });
  }
  static TALLOW_INLINE Doubles cos(Doubles x) {
    return with_large_angles(x, sine(x, 1), [](double v) { return __builtin_cos(v); });
  }
};

#else

struct Full : Library {
  static TALLOW_INLINE Doubles tanh(Doubles x) {
    return each(x, [](double v) { return __builtin_tanh(v); });
  }
};

#endif

}  // namespace tallow::cpu::TALLOW_ISA::math
