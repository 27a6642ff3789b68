// What the headers of formulas have in common: macros that define a formula as a functor, and
// arithmetic that is the same for integers, floating and complex numbers.
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

}  // namespace tallow::cuda::formula
