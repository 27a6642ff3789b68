// Elementary functions of vectors of double to about an ulp, where there is a fused multiply-add;
// the rest comes from the C library, lane by lane. The coefficients are from tools/minimax.py.
#pragma once

#include "cpu/simd_math_double.h"

namespace tallow::cpu::TALLOW_ISA::math {

// c[0] + c[1] x + ...: a loop, which is a tenth of the code, of two sums that do not wait for each
// other.
template <int N>
TALLOW_INLINE Doubles series(Doubles x, const double (&c)[N]) {
  constexpr int kTop = (N - 1) / 2 * 2;  // the last even power
  const Doubles z = x * x;
  Doubles even = splat<Doubles>(c[kTop]);
  Doubles odd = splat<Doubles>(kTop + 1 < N ? c[kTop + 1] : 0.0);
  for (int i = kTop - 2; i >= 0; i -= 2) {
    even = mul_add(even, z, splat<Doubles>(c[i]));
    odd = mul_add(odd, z, splat<Doubles>(c[i + 1]));
  }
  return mul_add(odd, x, even);
}

// (1 + 2 x) exp(x^2) erfc(x), of (x - 3) / (x + 3) for x >= 0: interpolated at 64 Chebyshev nodes
// in 60 digits and cut off at 2^-57.
inline constexpr double kErfcx[] = {
    1.2530080582697296,    -0.13562110612458116,    -0.047562294353449197,   0.12964515870275939,
    -0.11927366341538638,  0.068308027344009904,    -0.023770514917171337,   0.0025293918156939695,
    0.0018886903449991718, -0.00077983226965433065, -0.00010515971958448065, 0.00012509934245837291,
    4.9491966499683453e-6, -2.0100542268525611e-5,  -7.3082814687836139e-7,  3.4723709449771682e-6,
    3.5576086684080594e-7, -6.1660114603987259e-7,  -1.4047654315428462e-7,  1.0183620603842737e-7,
    4.1064013667940353e-8, -1.3312919661038688e-8,  -8.2175950587114539e-9,  9.8625335103455876e-10,
    8.3937348586908775e-10};
TALLOW_INLINE Doubles erfcx_right(Doubles x) {
  return series((x - 3) / (x + 3), kErfcx) / (1 + 2 * x);
}

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

  // e^r = 1 + p for |r| <= ln(2) / 2; returns p, error 2^-58. The polynomial is added up in pairs:
  // one term after another, each vector would wait for most of its time.
  static TALLOW_INLINE Doubles expm1_reduced(Doubles r) {
    const Doubles z = r * r;
    const Doubles w = z * z;
    const Doubles low = fma(z, polynomial(r, 0.041666666666515471321, 0.0083333333333071120014),
                            polynomial(r, 0.50000000000000127341, 0.1666666666666669927));
    const Doubles high = fma(z, polynomial(r, 0.000024801489954843605991, 2.7557216151233710964e-6),
                             polynomial(r, 0.0013888888947003063849, 0.00019841269917559185726));
    const Doubles top = polynomial(r, 2.7631276000327361635e-7, 2.5117907731192665169e-8);
    return fma(z, fma(w, fma(w, top, high), low), r);
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
  // e log10(2) in two parts, the first with so few bits that its product is exact.
  static TALLOW_INLINE Doubles log10(Doubles x) {
    Doubles e;
    const Doubles f = split(x, e);
    const Doubles reduced = log_of_parts(Doubles{}, f, Doubles{}) * 0.43429448190325182765;
    const Doubles low = fma(e, splat<Doubles>(0x1.3fde623e2566bp-43), reduced);
    return Brief::log_ends(x, fma(e, splat<Doubles>(0x1.34413509f7000p-2), low));
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

  // ---- Hyperbolic functions, trigonometric functions and their inverses.

  // e^a / 2 for a beyond 709, where e^a itself may be too large.
  static TALLOW_INLINE Doubles half_exp(Doubles a) {
    const Doubles root = exp(0.5 * a);
    return 0.5 * root * root;
  }
  static TALLOW_INLINE Doubles sinh(Doubles x) {
    const Doubles a = abs(x);
    const Doubles e = expm1(a);
    const Doubles value = 0.5 * (e + e / (e + 1));
    return copysign(a < 709 ? value : half_exp(a), x);
  }
  static TALLOW_INLINE Doubles cosh(Doubles x) {
    const Doubles a = abs(x);
    const Doubles e = exp(a);
    return a < 709 ? 0.5 * e + 0.5 / e : half_exp(a);
  }
  static TALLOW_INLINE Doubles atanh(Doubles x) {
    const Doubles a = abs(x);
    return copysign(0.5 * log1p(2 * a / (1 - a)), x);
  }
  static TALLOW_INLINE Doubles tanh(Doubles x) {
    const Doubles t = expm1(-2 * abs(x));
    return copysign(t / (t + 2), x);
  }

  // Beyond this, the library is asked.
  static constexpr double kLargeAngle = 0x1p20;

  // Sine and cosine for |r| <= pi / 4.
  static TALLOW_INLINE Doubles sin_reduced(Doubles r) {
    const Doubles z = r * r;
    const Doubles s = fma(
        r * z,
        polynomial(z, -0.16666666666666632027, 0.0083333333333224122889, -0.00019841269829806197971,
                   2.7557313691236525284e-6, -2.5050757993587034554e-8, 1.5896787890076715262e-10),
        r);
    return r == 0 ? r : s;  // -0 stays
  }
  static TALLOW_INLINE Doubles cos_reduced(Doubles r) {
    const Doubles z = r * r;
    const Doubles half = 0.5 * z;
    const Doubles first = 1 - half;
    return first + fma(z * z,
                       polynomial(z, 0.041666666666666599473, -0.0013888888888874123045,
                                  0.000024801587289481499164, -2.7557314352107338508e-7,
                                  2.0875723239406292254e-9, -1.135964589488491972e-11),
                       (1 - first) - half);
  }

  // The sine of x + quarter_turns pi / 2.
  static TALLOW_INLINE Doubles sine(Doubles x, uint64_t quarter_turns) {
    Doubles r;
    const DoubleBits k = Brief::reduce_angle(x, r) + quarter_turns;
    const Doubles value = (k & 1) == 1 ? cos_reduced(r) : sin_reduced(r);
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

  static TALLOW_INLINE Doubles tan(Doubles x) {
    Doubles r;
    const auto odd = (Brief::reduce_angle(x, r) & 1) == 1;
    const Doubles s = sin_reduced(r), c = cos_reduced(r);
    const Doubles quotient = (odd ? -c : s) / (odd ? s : c);
    return with_large_angles(x, quotient, [](double v) { return __builtin_tan(v); });
  }

  // The parts of pi / 2: what rounding it leaves.
  static constexpr double kHalfPiLow = 0x1.1a62633145c07p-54;

  // The angle of the point (x, y) for x >= 0, y >= 0, as in Brief; the three intervals meet at 0.5
  // and at 1.07, which keeps the rounding of t below that of the result.
  static TALLOW_INLINE Doubles first_quadrant(Doubles y, Doubles x) {
    // The sum of both must not overflow, nor products be subnormal.
    const Doubles larger = larger_or_first(x, y);
    const Doubles up = larger < 0x1p-900 ? splat<Doubles>(0x1p200) : splat<Doubles>(1);
    const Doubles scale = 0x1p1000 < larger ? splat<Doubles>(0.25) : up;
    y = y * scale;
    x = x * scale;
    const auto steep = 1.83 * x < y;
    const auto middle = 0.5463 * x < y;
    const Doubles above = steep ? -x : (middle ? y - x : y);
    const Doubles below = steep ? y : (middle ? y + x : x);
    const Doubles turns = steep ? splat<Doubles>(1) : (middle ? splat<Doubles>(0.5) : Doubles{});
    const Doubles t = above / (below == 0 ? splat<Doubles>(1) : below);  // the origin: 0
    const Doubles z = t * t;
    const Doubles q =
        polynomial(z, -0.33333333333333332583, 0.19999999999999735945, -0.14285714285681653321,
                   0.11111111109064581375, -0.090909090143586109813, 0.076923058236603720665,
                   -0.066666351985041166359, 0.058819741085387736431, -0.052598233560828728579,
                   0.047401658218217907344, -0.042423223110369212105, 0.036194637781589291147,
                   -0.026910802955712547753, 0.014792367498186424701, -0.0042859115441124176742);
    return turns * (kPi / 2) + fma(t * z, q, fma(turns, splat<Doubles>(kHalfPiLow), t));
  }
  static TALLOW_INLINE Doubles atan(Doubles x) {
    return copysign(first_quadrant(abs(x), splat<Doubles>(1)), x);
  }
  static TALLOW_INLINE Doubles asin(Doubles x) {
    return copysign(first_quadrant(abs(x), sqrt((1 - x) * (1 + x))), x);
  }
  static TALLOW_INLINE Doubles acos(Doubles x) {
    const Doubles angle = first_quadrant(sqrt((1 - x) * (1 + x)), abs(x));
    return x < 0 ? kPi - (angle - 2 * kHalfPiLow) : angle;
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
    return copysign(left ? kPi - (angle - 2 * kHalfPiLow) : angle, y);
  }

  // ---- Error function and powers.

  // For |x| < 0.8, error 2^-59; x itself is not rounded.
  static TALLOW_INLINE Doubles erf_near(Doubles x) {
    static constexpr double kErf[] = {
        0.12837916709551256,     -0.3761263890318363,     0.11283791670947427,
        -0.026866170643245212,   0.00522397760173251,     -0.0008548325282945292,
        0.00012055253196076464,  -1.4923294876173547e-05, 1.6417213443378016e-06,
        -1.5828820351993134e-07, 1.1082620133193931e-08};
    return fma(x, series(x * x, kErf), x);
  }
  // erfc(|x|): what rounding the square loses counts as much as the square itself.
  static TALLOW_INLINE Doubles erfc_tail(Doubles x) {
    const Doubles a = smaller_or_first(abs(x), splat<Doubles>(28));
    const Doubles square = a * a;
    const Doubles power = exp(-square);
    return erfcx_right(a) * fma(power, -fma(a, a, -square), power);
  }
  static TALLOW_INLINE Doubles erf(Doubles x) {
    return abs(x) < 0.8 ? erf_near(x) : copysign(1 - erfc_tail(x), x);
  }
  static TALLOW_INLINE Doubles erfc(Doubles x) {
    const Doubles tail = erfc_tail(x);
    const Doubles far = x < 0 ? 2 - tail : tail;
    return abs(x) < 0.5 ? 1 - erf_near(x) : far;
  }

  // The logarithm of x > 0 as high + low, to about 2^-64 of it: 2 s + s z (2/3 + z q(z)) with
  // s = f / (2 + f), z = s^2, where all but the last term are carried in two parts.
  static TALLOW_INLINE Doubles log_in_parts(Doubles x, Doubles& low) {
    Doubles e;
    const Doubles f = split(x, e);
    const Doubles below = 2 + f;
    const Doubles s = f / below;
    const Doubles s_low = (fma(-s, below, f) - s * (f - (below - 2))) / below;
    const Doubles z = s * s;
    const Doubles z_low = fma(s, s, -z) + 2 * s * s_low;
    const Doubles q = polynomial(z, 0.4, 0.28571428571429372, 0.22222222221652449,
                                 0.18181818336119914, 0.1538459488937353, 0.13334808465929357,
                                 0.1170613999890386, 0.11724144183988208);
    constexpr double kTwoThirds = 2.0 / 3, kTwoThirdsLow = 0x1.5555555555555p-55;
    const Doubles p = z * kTwoThirds;
    const Doubles p_low =
        fma(z, splat<Doubles>(kTwoThirds), -p) + (z * kTwoThirdsLow + z_low * kTwoThirds);
    const Doubles t = s * p;
    const Doubles t_low = fma(s, p, -t) + (s * p_low + s_low * p);
    const Doubles first = 2 * s + t;
    const Doubles rest = (2 * s - first) + t + (2 * s_low + t_low + s * (z * z * q));
    const Doubles whole = e * 0x1.62e42feep-1;  // ln 2; exact
    const Doubles sum = whole + first;
    const Doubles back = sum - whole;
    const Doubles lost = (whole - (sum - back)) + (first - back);
    const Doubles tail = lost + (rest + e * 0x1.a39ef35793c76p-33);
    const Doubles high = sum + tail;
    low = (sum - high) + tail;
    return high;
  }

  // Cases that IEEE 754 fixes: as in Brief.
  static TALLOW_INLINE Doubles pow(Doubles x, Doubles y) {
    const Doubles infinity = splat<Doubles>(__builtin_inf());
    const Doubles a = abs(x);
    Doubles low;
    const Doubles log = Brief::log_ends(a, log_in_parts(a, low));
    const Doubles product = y * log;
    const auto ordinary = abs(product) < 800;
    const Doubles rest = ordinary ? fma(y, log, -product) + y * low : Doubles{};
    Doubles rounded;
    const Doubles r = reduce(clamped(product, -760, 720), rounded) + rest;
    const Doubles magnitude = times_power_of_two(1 + expm1_reduced(r), rounded);
    return Brief::with_sign_of_power(x, y, product == infinity ? infinity : magnitude);
  }

  // Scaled where a square would overflow or lose bits to the subnormals.
  static TALLOW_INLINE Doubles hypot(Doubles x, Doubles y) {
    const Doubles infinity = splat<Doubles>(__builtin_inf());
    const Doubles a = abs(x), b = abs(y);
    const Doubles larger = larger_or_first(a, b);
    const Doubles one = splat<Doubles>(1);
    const Doubles up = larger < 0x1p-450 ? splat<Doubles>(0x1p600) : one;
    const Doubles scale = 0x1p450 < larger ? splat<Doubles>(0x1p-600) : up;
    const Doubles p = a * scale, q = b * scale;
    const Doubles result = sqrt(fma(p, p, q * q)) / scale;
    return (a == infinity) | (b == infinity) ? infinity : result;  // even beside NaN
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
