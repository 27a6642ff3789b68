// Elementary functions of vectors of double by calls of the C library, lane by lane.
#pragma once

#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA::math {

using Doubles = Vec<double>;

// Applies a function of double to every lane.
template <class F>
TALLOW_INLINE Doubles each(Doubles x, const F& f) {
  Doubles result;
  for (int i = 0; i < kLanes<double>; ++i) result[i] = f(x[i]);
  return result;
}
template <class F>
TALLOW_INLINE Doubles each(Doubles x, Doubles y, const F& f) {
  Doubles result;
  for (int i = 0; i < kLanes<double>; ++i) result[i] = f(x[i], y[i]);
  return result;
}

struct Library {
  static TALLOW_INLINE Doubles exp(Doubles x) {
    return each(x, [](double v) { return __builtin_exp(v); });
  }
  static TALLOW_INLINE Doubles exp2(Doubles x) {
    return each(x, [](double v) { return __builtin_exp2(v); });
  }
  static TALLOW_INLINE Doubles expm1(Doubles x) {
    return each(x, [](double v) { return __builtin_expm1(v); });
  }
  static TALLOW_INLINE Doubles log(Doubles x) {
    return each(x, [](double v) { return __builtin_log(v); });
  }
  static TALLOW_INLINE Doubles log2(Doubles x) {
    return each(x, [](double v) { return __builtin_log2(v); });
  }
  static TALLOW_INLINE Doubles log10(Doubles x) {
    return each(x, [](double v) { return __builtin_log10(v); });
  }
  static TALLOW_INLINE Doubles log1p(Doubles x) {
    return each(x, [](double v) { return __builtin_log1p(v); });
  }
  static TALLOW_INLINE Doubles sin(Doubles x) {
    return each(x, [](double v) { return __builtin_sin(v); });
  }
  static TALLOW_INLINE Doubles cos(Doubles x) {
    return each(x, [](double v) { return __builtin_cos(v); });
  }
  static TALLOW_INLINE Doubles tan(Doubles x) {
    return each(x, [](double v) { return __builtin_tan(v); });
  }
  static TALLOW_INLINE Doubles asin(Doubles x) {
    return each(x, [](double v) { return __builtin_asin(v); });
  }
  static TALLOW_INLINE Doubles acos(Doubles x) {
    return each(x, [](double v) { return __builtin_acos(v); });
  }
  static TALLOW_INLINE Doubles atan(Doubles x) {
    return each(x, [](double v) { return __builtin_atan(v); });
  }
  static TALLOW_INLINE Doubles atan2(Doubles y, Doubles x) {
    return each(y, x, [](double a, double b) { return __builtin_atan2(a, b); });
  }
  static TALLOW_INLINE Doubles sinh(Doubles x) {
    return each(x, [](double v) { return __builtin_sinh(v); });
  }
  static TALLOW_INLINE Doubles cosh(Doubles x) {
    return each(x, [](double v) { return __builtin_cosh(v); });
  }
  static TALLOW_INLINE Doubles asinh(Doubles x) {
    return each(x, [](double v) { return __builtin_asinh(v); });
  }
  static TALLOW_INLINE Doubles acosh(Doubles x) {
    return each(x, [](double v) { return __builtin_acosh(v); });
  }
  static TALLOW_INLINE Doubles atanh(Doubles x) {
    return each(x, [](double v) { return __builtin_atanh(v); });
  }
  static TALLOW_INLINE Doubles erf(Doubles x) {
    return each(x, [](double v) { return __builtin_erf(v); });
  }
  static TALLOW_INLINE Doubles erfc(Doubles x) {
    return each(x, [](double v) { return __builtin_erfc(v); });
  }
  static TALLOW_INLINE Doubles pow(Doubles x, Doubles y) {
    return each(x, y, [](double a, double b) { return __builtin_pow(a, b); });
  }
  static TALLOW_INLINE Doubles hypot(Doubles x, Doubles y) {
    return each(x, y, [](double a, double b) { return __builtin_hypot(a, b); });
  }
};

}  // namespace tallow::cpu::TALLOW_ISA::math
