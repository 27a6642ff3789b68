// The formulas of the pointwise operations on one element, for the device and the host. Functors
// take operands of the type they compute in; those with parameters hold them as doubles.
#pragma once

#include "cuda/device_types.h"

#include <cmath>
#include <type_traits>

#include "cuda/gpu.h"

namespace tallow::cuda::formula {

template <class T>
inline constexpr bool kIsComplex = false;
template <>
inline constexpr bool kIsComplex<complex64> = true;
template <>
inline constexpr bool kIsComplex<complex128> = true;

// Integers wrap: their sums and products are taken in an unsigned type that is not promoted.
template <class T>
using Wrapping = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;

// The formula of one operand as a functor of the same name.
#define TL_FORMULA1(Name, ...)         \
  struct Name {                        \
    template <class T>                 \
    TL_HD auto operator()(T x) const { \
      return __VA_ARGS__;              \
    }                                  \
  };
#define TL_FORMULA2(Name, ...)              \
  struct Name {                             \
    template <class T>                      \
    TL_HD auto operator()(T a, T b) const { \
      return __VA_ARGS__;                   \
    }                                       \
  };
// With the parameters of the call.
#define TL_PARAMS1(Name, ...)       \
  struct Name {                     \
    double p0, p1, p2;              \
    template <class T>              \
    TL_HD T operator()(T x) const { \
      return __VA_ARGS__;           \
    }                               \
  };
#define TL_PARAMS2(Name, ...)            \
  struct Name {                          \
    double p0, p1, p2;                   \
    template <class T>                   \
    TL_HD T operator()(T g, T x) const { \
      return __VA_ARGS__;                \
    }                                    \
  };

// ---- Helpers.

template <class T>
TL_HD bool negative(T x) {
  if constexpr (std::is_unsigned_v<T>) {
    return false;
  } else {
    return x < T(0);
  }
}
template <class T>
TL_HD T add(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) {
    return a || b;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(Wrapping<T>(a) + Wrapping<T>(b));
  } else {
    return a + b;
  }
}
template <class T>
TL_HD T subtract(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(Wrapping<T>(a) - Wrapping<T>(b));
  } else {
    return a - b;
  }
}
template <class T>
TL_HD T multiply(T a, T b) {
  if constexpr (std::is_same_v<T, bool>) {
    return a && b;
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(Wrapping<T>(a) * Wrapping<T>(b));
  } else {
    return a * b;
  }
}
template <class T>
TL_HD T larger(T a, T b) {  // NaN wins
  return a < b || b != b ? b : a;
}
template <class T>
TL_HD T smaller(T a, T b) {
  return b < a || b != b ? b : a;
}
template <class T>
TL_HD bool finite(T x) {
  return x - x == T(0);
}
template <class T>
TL_HD T sigmoid(T x) {
  return T(1) / (T(1) + std::exp(-x));
}
template <class T>
TL_HD T softplus(T x) {
  return larger(x, T(0)) + std::log1p(std::exp(-std::fabs(x)));
}
template <class T>
TL_HD T bounded(T x, T low, T high) {
  return x < low ? low : high < x ? high : x;
}

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

// ---- Activations. Arguments are bounded where the result has reached its limit, so that
// infinities give the limit and not infinity times 0.

inline constexpr double kSqrtHalf = 0.70710678118654752440;
inline constexpr double kDensityAtZero = 0.39894228040143267794;  // 1 / sqrt(2 pi)
inline constexpr double kTanhScale = 2 * 0.79788456080286535588;  // 2 sqrt(2 / pi)
inline constexpr double kTanhCubic = 0.044715;

// x Phi(x), with Phi(x) = erfc(-x / sqrt(2)) / 2: no cancellation in either tail.
template <class T>
TL_HD T gelu(T x) {
  const T z = x < T(-100) ? T(-100) : x;
  return T(0.5) * z * std::erfc(-z * T(kSqrtHalf));
}
// Phi(x) + x phi(x)
template <class T>
TL_HD T gelu_slope(T x) {
  const T z = bounded(x, T(-100), T(100));
  return T(0.5) * std::erfc(-z * T(kSqrtHalf)) + z * std::exp(T(-0.5) * z * z) * T(kDensityAtZero);
}
// 0.5 x (1 + tanh(v)) equals x sigmoid(2 v), with v = sqrt(2 / pi) (x + c x^3).
template <class T>
TL_HD T gelu_tanh(T x) {
  const T z = x < T(-200) ? T(-200) : x;
  return z * sigmoid(T(kTanhScale) * z * (T(1) + T(kTanhCubic) * z * z));
}
template <class T>
TL_HD T gelu_tanh_slope(T x) {
  const T z = bounded(x, T(-200), T(200));
  const T s = sigmoid(T(kTanhScale) * z * (T(1) + T(kTanhCubic) * z * z));
  return s + z * s * (T(1) - s) * T(kTanhScale) * (T(1) + T(3 * kTanhCubic) * z * z);
}
template <class T>
TL_HD T silu(T x) {
  const T z = x < T(-800) ? T(-800) : x;
  return z * sigmoid(z);
}
template <class T>
TL_HD T silu_slope(T x) {
  const T z = bounded(x, T(-800), T(800));
  const T s = sigmoid(z);
  return s * (T(1) + z * (T(1) - s));
}
// tanh(log(1 + e)) = n / (n + 2) with e = exp(x) and n = e (e + 2); beyond 40 it is 1.
template <class T>
TL_HD T mish(T x) {
  const T z = x < T(-800) ? T(-800) : x;
  const T e = std::exp(z < T(40) ? z : z == z ? T(40) : z);
  const T n = e * (e + T(2));
  return z * (n / (n + T(2)));
}
template <class T>
TL_HD T mish_slope(T x) {
  const T z = bounded(x, T(-800), T(40));
  const T e = std::exp(z);
  const T n = e * (e + T(2));
  const T inverse = T(1) / (n + T(2));
  return n * inverse + z * (T(4) * (n + T(1)) * inverse * inverse) * (e / (T(1) + e));
}

TL_FORMULA1(Sigmoid, sigmoid(x))
TL_FORMULA1(LogSigmoid, smaller(x, T(0)) - std::log1p(std::exp(-std::fabs(x))))
TL_FORMULA1(Gelu, gelu(x))
TL_FORMULA1(GeluTanh, gelu_tanh(x))
TL_FORMULA1(Silu, silu(x))
TL_FORMULA1(Mish, mish(x))
TL_PARAMS1(Softplus, T(p1) < x * T(p0) ? x : softplus(x * T(p0)) / T(p0))
TL_PARAMS1(Elu, x < T(0) ? T(p0) * std::expm1(T(p2) * x) : T(p1) * x)
TL_PARAMS1(LeakyRelu, T(0) < x ? x : x * T(p0))
TL_FORMULA1(Hardswish, x* smaller(larger(x + T(3), T(0)), T(6)) / T(6))
TL_FORMULA1(Hardsigmoid, smaller(larger(x + T(3), T(0)), T(6)) / T(6))
TL_PARAMS1(Hardshrink, T(-p0) <= x && x <= T(p0) ? T(0) : x)
// NaN goes through.
TL_PARAMS1(Softshrink, T(p0) < x ? x - T(p0) : x < T(-p0) ? x + T(p0) : x * T(0))

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

// ---- Derivatives of activations: g is the incoming gradient, x the input or (y in comments) the
// result of the forward operation.

TL_FORMULA2(Prelu, T(0) < a ? a : b * a)
TL_PARAMS2(ThresholdBackward, x <= T(p0) ? T(0) : g)
TL_FORMULA2(TanhBackward, a*(T(1) - b * b))       // y
TL_FORMULA2(SigmoidBackward, a*((T(1) - b) * b))  // y
TL_FORMULA2(LogSigmoidBackward, a* sigmoid(-b))
TL_FORMULA2(GeluBackward, a* gelu_slope(b))
TL_FORMULA2(GeluTanhBackward, a* gelu_tanh_slope(b))
TL_FORMULA2(SiluBackward, a* silu_slope(b))
TL_FORMULA2(MishBackward, a* mish_slope(b))
TL_PARAMS2(SoftplusBackward, T(p1) < x * T(p0) ? g : g * sigmoid(x * T(p0)))
TL_PARAMS2(EluBackward, x <= T(0) ? g * T(p2) * T(p0) * std::exp(x * T(p2)) : g * T(p1))
TL_PARAMS2(EluBackwardResult, x <= T(0) ? g * T(p2) * (x + T(p0)) : g * T(p1))  // y
TL_PARAMS2(LeakyReluBackward, T(0) < x ? g : g * T(p0))
TL_PARAMS2(HardtanhBackward, x <= T(p0) || T(p1) <= x ? T(0) : g)
TL_FORMULA2(HardswishBackward, b <= T(-3) ? T(0) : b < T(3) ? a * (b / T(3) + T(0.5)) : a)
TL_FORMULA2(HardsigmoidBackward, T(-3) < b && b < T(3) ? a / T(6) : T(0))
TL_PARAMS2(ShrinkBackward, T(-p0) <= x && x <= T(p0) ? T(0) : g)

#undef TL_FORMULA1
#undef TL_FORMULA2
#undef TL_PARAMS1
#undef TL_PARAMS2

// ---- Comparisons and logic.

template <class T>
TL_HD bool truth(T x) {
  return x != T(0);
}

struct Equal {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return a == b;
  }
};
struct NotEqual {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return a != b;
  }
};
struct Less {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return a < b;
  }
};
struct LessEqual {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return a <= b;
  }
};
struct Greater {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return b < a;
  }
};
struct GreaterEqual {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return b <= a;
  }
};
struct LogicalAnd {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return truth(a) && truth(b);
  }
};
struct LogicalOr {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return truth(a) || truth(b);
  }
};
struct LogicalXor {
  template <class T>
  TL_HD bool operator()(T a, T b) const {
    return truth(a) != truth(b);
  }
};

// ---- Three operands.

// a + b * c, rounded once for floating types; of bools, a or (b and c).
struct AddScaled {
  template <class T>
  TL_HD T operator()(T a, T b, T c) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fma(b, c, a);
    } else {
      return add(a, multiply(b, c));
    }
  }
};
struct Clamp {
  template <class T>
  TL_HD T operator()(T a, T b, T c) const {
    return smaller(larger(a, b), c);
  }
};
// From the nearer end, so that weights 0 and 1 give the ends exactly.
struct Lerp {
  template <class T>
  TL_HD T operator()(T a, T b, T w) const {
    const T difference = b - a;
    return std::fabs(w) < T(0.5) ? a + w * difference : b - difference * (T(1) - w);
  }
};
// The scale of addcmul and addcdiv in the type of the formula.
template <class T>
TL_HD T scale_as(double scale) {
  if constexpr (kIsComplex<T>) {
    return T(static_cast<decltype(T().real)>(scale));
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(static_cast<int64_t>(scale));
  } else {
    return static_cast<T>(scale);
  }
}
struct Addcmul {
  double p0, p1, p2;
  template <class T>
  TL_HD T operator()(T a, T b, T c) const {
    return add(a, multiply(multiply(scale_as<T>(p0), b), c));
  }
};
struct Addcdiv {
  double p0, p1, p2;
  template <class T>
  TL_HD T operator()(T a, T b, T c) const {
    return a + scale_as<T>(p0) * b / c;
  }
};
struct Threshold {
  template <class T>
  TL_HD T operator()(T x, T limit, T value) const {
    return x <= limit ? value : x;
  }
};

// ---- Conversion.

// Truncation; NaN and what does not fit gives the smallest Int.
template <class Int, class Float>
TL_HD Int truncated(Float value) {
  constexpr Float kLimit = sizeof(Int) == 8 ? Float(0x1p63) : Float(0x1p31);
  constexpr Int kSmallest =
      sizeof(Int) == 8 ? static_cast<Int>(INT64_MIN) : static_cast<Int>(INT32_MIN);
  return value > -kLimit && value < kLimit ? static_cast<Int>(value) : kSmallest;
}

// As copy() converts between any two types; see backend/pointwise.h.
template <class To, class From>
TL_HD To cast(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (kIsComplex<From>) {
    if constexpr (kIsComplex<To>) {
      using Part = decltype(To().real);
      return To(static_cast<Part>(value.real), static_cast<Part>(value.imag));
    } else if constexpr (std::is_same_v<To, bool>) {
      return value.real != 0 || value.imag != 0;
    } else {
      return cast<To>(value.real);
    }
  } else if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, BFloat16>) {
    return cast<To>(static_cast<float>(value));
  } else if constexpr (kIsComplex<To>) {
    return To(static_cast<decltype(To().real)>(value));
  } else if constexpr (std::is_same_v<To, Half> || std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(value));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, int64_t>) {
    return truncated<int64_t>(value);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    return static_cast<To>(truncated<int32_t>(value));
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace tallow::cuda::formula
