// Formulas of two operands: floating, complex and integer numbers.
#pragma once

#include "cuda/kernels/formula_parts.h"

namespace tallow::cuda::formula {

// ---- Two operands: floating and complex.

// Python's rules on top of C's fmod: the remainder has the sign of the divisor.
template <class T>
TL_HD T floored_remainder(T a, T b) {
  const T rest = std::fmod(a, b);
  return rest != T(0) && (b < T(0)) != (rest < T(0)) ? rest + b : rest;
}
// floor(a / b) as if the quotient had been computed exactly.
template <class T>
TL_HD T floored_quotient(T a, T b) {
  if (b == T(0)) return a / b;
  const T rest = std::fmod(a, b);
  T quotient = (a - rest) / b;
  if (rest != T(0) && (b < T(0)) != (rest < T(0))) quotient -= T(1);
  if (quotient == T(0)) return std::copysign(T(0), a / b);
  const T whole = std::floor(quotient);
  return quotient - whole > T(0.5) ? whole + T(1) : whole;
}
// Smith's method.
// Source: R. L. Smith, "Algorithm 116: Complex division", CACM 5(8), 1962.
template <class T>
TL_HD T divide(T a, T b) {
  if constexpr (kIsComplex<T>) {
    using P = decltype(b.real);
    const P abs_real = std::fabs(b.real);
    const P abs_imag = std::fabs(b.imag);
    if (abs_real >= abs_imag) {
      if (abs_real == P(0) && abs_imag == P(0)) return {a.real / abs_real, a.imag / abs_imag};
      const P ratio = b.imag / b.real;
      const P scale = P(1) / (b.real + b.imag * ratio);
      return {(a.real + a.imag * ratio) * scale, (a.imag - a.real * ratio) * scale};
    }
    const P ratio = b.real / b.imag;
    const P scale = P(1) / (b.imag + b.real * ratio);
    return {(a.real * ratio + a.imag) * scale, (a.imag * ratio - a.real) * scale};
  } else {
    return a / b;
  }
}
template <class T>
TL_HD T logaddexp(T a, T b) {  // equal infinities have no difference
  return a == b ? a + T(0.69314718055994530942)
                : larger(a, b) + std::log1p(std::exp(-std::fabs(a - b)));
}

TL_FORMULA2(Add, add(a, b))
TL_FORMULA2(Sub, subtract(a, b))
TL_FORMULA2(Mul, multiply(a, b))
TL_FORMULA2(Div, divide(a, b))
TL_FORMULA2(DivTrunc, std::trunc(a / b))
TL_FORMULA2(DivFloor, floored_quotient(a, b))
TL_FORMULA2(Remainder, floored_remainder(a, b))
TL_FORMULA2(Fmod, std::fmod(a, b))
TL_FORMULA2(Pow, std::pow(a, b))
TL_FORMULA2(Maximum, larger(a, b))
TL_FORMULA2(Minimum, smaller(a, b))
TL_FORMULA2(Fmax, a != a || a < b ? b : a)  // NaN loses
TL_FORMULA2(Fmin, a != a || b < a ? b : a)
TL_FORMULA2(Atan2, std::atan2(a, b))
TL_FORMULA2(Hypot, std::hypot(a, b))
TL_FORMULA2(Copysign, std::copysign(a, b))
TL_FORMULA2(Xlogy, b != b ? b : a == T(0) ? T(0) : a * std::log(b))
TL_FORMULA2(Logaddexp, logaddexp(a, b))
TL_FORMULA2(Heaviside, a == T(0) ? b : static_cast<T>(T(0) < a))

// ---- Two operands: integers. As on any GPU, division by 0 is no error: the quotient is -1 (all
// bits), the remainder what is divided.

template <class T>
TL_HD T truncated_quotient(T a, T b) {
  if (b == T(0)) return static_cast<T>(-1);
  // The one quotient that does not fit.
  if (std::is_signed_v<T> && b == static_cast<T>(-1)) return subtract(T(0), a);
  return static_cast<T>(a / b);
}
template <class T>
TL_HD T truncated_remainder(T a, T b) {
  if (b == T(0)) return a;
  return std::is_signed_v<T> && b == static_cast<T>(-1) ? T(0) : static_cast<T>(a % b);
}
template <class T>
TL_HD T integer_floored_quotient(T a, T b) {
  if (b == T(0)) return static_cast<T>(-1);
  const T quotient = truncated_quotient(a, b);
  const T rest = truncated_remainder(a, b);
  return static_cast<T>(quotient - (rest != T(0) && (negative(rest)) != (negative(b))));
}
template <class T>
TL_HD T integer_floored_remainder(T a, T b) {
  const T rest = truncated_remainder(a, b);
  return b != T(0) && rest != T(0) && (negative(rest)) != (negative(b)) ? static_cast<T>(rest + b)
                                                                        : rest;
}
// By squaring; a negative exponent leaves only 1 and -1 away from 0.
template <class T>
TL_HD T integer_power(T a, T b) {
  if (negative(b)) {
    if (a == T(1)) return T(1);
    if (a == static_cast<T>(-1)) return b % 2 == 0 ? T(1) : static_cast<T>(-1);
    return T(0);
  }
  Wrapping<T> result = 1;
  Wrapping<T> power = static_cast<Wrapping<T>>(a);
  for (uint64_t exponent = static_cast<uint64_t>(b); exponent != 0; exponent >>= 1) {
    if (exponent & 1) result *= power;
    power *= power;
  }
  return static_cast<T>(result);
}
template <class T>
TL_HD T shift_left(T a, T b) {
  constexpr int kBits = static_cast<int>(sizeof(T)) * 8;
  return negative(b) || b >= T(kBits) ? T(0) : static_cast<T>(Wrapping<T>(a) << b);
}
template <class T>
TL_HD T shift_right(T a, T b) {
  constexpr int kBits = static_cast<int>(sizeof(T)) * 8;
  if (negative(b) || b >= T(kBits)) return negative(a) ? static_cast<T>(-1) : T(0);
  return static_cast<T>(a >> b);
}

TL_FORMULA2(IntegerDivTrunc, truncated_quotient(a, b))
TL_FORMULA2(IntegerDivFloor, integer_floored_quotient(a, b))
TL_FORMULA2(IntegerRemainder, integer_floored_remainder(a, b))
TL_FORMULA2(IntegerFmod, truncated_remainder(a, b))
TL_FORMULA2(IntegerPow, integer_power(a, b))
TL_FORMULA2(BitwiseAnd, static_cast<T>(a& b))
TL_FORMULA2(BitwiseOr, static_cast<T>(a | b))
TL_FORMULA2(BitwiseXor, static_cast<T>(a ^ b))
TL_FORMULA2(ShiftLeft, shift_left(a, b))
TL_FORMULA2(ShiftRight, shift_right(a, b))

}  // namespace tallow::cuda::formula
