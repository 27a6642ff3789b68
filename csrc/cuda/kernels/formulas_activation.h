// Activations and their derivatives.
#pragma once

#include "cuda/kernels/formula_parts.h"

namespace tallow::cuda::formula {

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

}  // namespace tallow::cuda::formula
