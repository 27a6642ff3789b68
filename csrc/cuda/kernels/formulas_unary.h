// Formulas of one operand: arithmetic and elementary functions.
#pragma once

#include "cuda/kernels/formula_parts.h"

namespace tallow::cuda::formula {

// ---- One operand: arithmetic.

template <class T>
TL_HD auto modulus(T x) {
  if constexpr (kIsComplex<T>) {
    return std::hypot(x.real, x.imag);
  } else if constexpr (std::is_integral_v<T>) {
    return negative(x) ? static_cast<T>(-x) : x;
  } else {
    return std::fabs(x);
  }
}
template <class T>
TL_HD T signum(T x) {
  if constexpr (std::is_same_v<T, bool>) {
    return x;
  } else {
    return static_cast<T>((T(0) < x) - negative(x));
  }
}
// The larger part divides, so that the squares cannot overflow.
template <class T>
TL_HD T inverse(T z) {
  if constexpr (kIsComplex<T>) {
    using P = decltype(z.real);
    if (std::fabs(z.real) >= std::fabs(z.imag)) {
      const P ratio = z.imag / z.real;
      const P scale = P(1) / (z.real + z.imag * ratio);
      return {scale, -ratio * scale};
    }
    const P ratio = z.real / z.imag;
    const P scale = P(1) / (z.imag + z.real * ratio);
    return {ratio * scale, -scale};
  } else {
    return T(1) / z;
  }
}
template <class T>
TL_HD bool is_nan(T x) {
  if constexpr (kIsComplex<T>) {
    return is_nan(x.real) || is_nan(x.imag);
  } else {
    return x != x;
  }
}
template <class T>
TL_HD bool is_inf(T x) {
  if constexpr (kIsComplex<T>) {
    return is_inf(x.real) || is_inf(x.imag);
  } else if constexpr (std::is_integral_v<T>) {
    return false;
  } else {
    return x == x && !finite(x);
  }
}
template <class T>
TL_HD bool is_finite(T x) {
  if constexpr (kIsComplex<T>) {
    return is_finite(x.real) && is_finite(x.imag);
  } else if constexpr (std::is_integral_v<T>) {
    return true;
  } else {
    return finite(x);
  }
}
template <class T>
TL_HD T complement(T x) {
  if constexpr (std::is_same_v<T, bool>) {
    return !x;
  } else {
    return static_cast<T>(~x);
  }
}

TL_FORMULA1(Neg, subtract(T(0), x))
// Not 0 - x, which would lose the sign of zero.
TL_FORMULA1(NegFloating, -x)
TL_FORMULA1(Abs, modulus(x))
TL_FORMULA1(Sign, signum(x))
TL_FORMULA1(Square, multiply(x, x))
TL_FORMULA1(Cube, multiply(multiply(x, x), x))
TL_FORMULA1(Reciprocal, inverse(x))
TL_FORMULA1(Conj, T(x.real, -x.imag))
TL_FORMULA1(BitwiseNot, complement(x))
TL_FORMULA1(LogicalNot, x == T(0))
TL_FORMULA1(IsNan, is_nan(x))
TL_FORMULA1(IsInf, is_inf(x))
TL_FORMULA1(IsFinite, is_finite(x))

// ---- One operand: floating.

TL_FORMULA1(Floor, std::floor(x))
TL_FORMULA1(Ceil, std::ceil(x))
TL_FORMULA1(Trunc, std::trunc(x))
TL_FORMULA1(Round, std::rint(x))
TL_PARAMS1(RoundDecimals, p1 != 0 ? std::rint(x / T(p1)) * T(p1) : std::rint(x * T(p0)) / T(p0))
TL_FORMULA1(Frac, x - std::trunc(x))
TL_PARAMS1(NanToNum, x != x ? T(p0) : finite(x) ? x : x > T(0) ? T(p1) : T(p2))
TL_FORMULA1(Sqrt, std::sqrt(x))
TL_FORMULA1(Rsqrt, T(1) / std::sqrt(x))
TL_FORMULA1(Exp, std::exp(x))
TL_FORMULA1(Exp2, std::exp2(x))
TL_FORMULA1(Expm1, std::expm1(x))
TL_FORMULA1(Log, std::log(x))
TL_FORMULA1(Log2, std::log2(x))
TL_FORMULA1(Log10, std::log10(x))
TL_FORMULA1(Log1p, std::log1p(x))
TL_FORMULA1(Sin, std::sin(x))
TL_FORMULA1(Cos, std::cos(x))
TL_FORMULA1(Tan, std::tan(x))
TL_FORMULA1(Asin, std::asin(x))
TL_FORMULA1(Acos, std::acos(x))
TL_FORMULA1(Atan, std::atan(x))
TL_FORMULA1(Sinh, std::sinh(x))
TL_FORMULA1(Cosh, std::cosh(x))
TL_FORMULA1(Tanh, std::tanh(x))
TL_FORMULA1(Asinh, std::asinh(x))
TL_FORMULA1(Acosh, std::acosh(x))
TL_FORMULA1(Atanh, std::atanh(x))
TL_FORMULA1(Erf, std::erf(x))
TL_FORMULA1(Erfc, std::erfc(x))

}  // namespace tallow::cuda::formula
