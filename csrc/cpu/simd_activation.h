// Activations that are more than one elementary function, and their slopes; each formula in double,
// for both vector types (see simd_math.h), and the commonest in float as well.
#pragma once

#include "cpu/simd_sigmoid.h"

namespace tallow::cpu::TALLOW_ISA::math {

// Arguments are clamped where the result has reached its limit, so that infinities give the limit
// and not infinity times 0.

struct GeluFunction {
  // x Phi(x), Phi(x) = erfc(-x / sqrt(2)) / 2: no cancellation in either tail.
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x) {
    x = clamped(x, -100, __builtin_inf());
    return 0.5 * x * P::erfc(x * -0.70710678118654752440);
  }
};
struct GeluSlopeFunction {
  // Phi(x) + x phi(x)
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x) {
    x = clamped(x, -100, 100);
    const Doubles density = P::exp(-0.5 * x * x) * 0.39894228040143267794;
    return 0.5 * P::erfc(x * -0.70710678118654752440) + x * density;
  }
};

// gelu's approximation 0.5 x (1 + tanh(v)) equals x sigmoid(2 v), with v = sqrt(2 / pi) (x + c
// x^3).
struct TanhGeluArgument {
  static constexpr double kScale = 2 * 0.79788456080286535588;
  static constexpr double kCubic = 0.044715;
  static TALLOW_INLINE Doubles of(Doubles x) { return kScale * x * (1 + kCubic * x * x); }
  static TALLOW_INLINE Doubles slope(Doubles x) { return kScale * (1 + 3 * kCubic * x * x); }
};
struct TanhGeluFunction {
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x) {
    x = clamped(x, -200, __builtin_inf());
    return x / (1 + P::exp(-TanhGeluArgument::of(x)));
  }
};
struct TanhGeluSlopeFunction {
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x) {
    x = clamped(x, -200, 200);
    const Doubles s = 1 / (1 + P::exp(-TanhGeluArgument::of(x)));
    return s + x * s * (1 - s) * TanhGeluArgument::slope(x);
  }
};

struct SiluSlopeFunction {
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x) {
    x = clamped(x, -800, 800);
    const Doubles s = 1 / (1 + P::exp(-x));
    return s * (1 + x * (1 - s));
  }
};

// With e = exp(x), tanh(log(1 + e)) = n / (n + 2) where n = e (e + 2). Beyond 40 it is 1.
struct MishFunction {
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x) {
    x = clamped(x, -800, __builtin_inf());
    const Doubles e = P::exp(minimum(x, splat<Doubles>(40)));
    const Doubles n = e * (e + 2);
    return x * (n / (n + 2));
  }
};
struct MishSlopeFunction {
  // t + x (1 - t^2) sigmoid(x), t = n / (n + 2)
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x) {
    x = clamped(x, -800, 40);
    const Doubles e = P::exp(x);
    const Doubles n = e * (e + 2);
    const Doubles inverse = 1 / (n + 2);
    return n * inverse + x * (4 * (n + 1) * inverse * inverse) * (e / (1 + e));
  }
};

// log(1 + exp(x))
struct SoftplusFunction {
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x) {
    return maximum(x, Doubles{}) + P::log1p(P::exp(-abs(x)));
  }
};
// log(sigmoid(x)) = -log(1 + exp(-x))
struct LogSigmoidFunction {
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x) {
    return minimum(x, Doubles{}) - P::log1p(P::exp(-abs(x)));
  }
};
// log(exp(x) + exp(y))
struct LogaddexpFunction {
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x, Doubles y) {
    const Doubles sum = maximum(x, y) + P::log1p(P::exp(-abs(x - y)));
    return x == y ? x + kLn2 : sum;  // equal infinities have no difference
  }
};
// x log(y), 0 where x is 0 and y is not NaN
struct XlogyFunction {
  template <class P>
  static TALLOW_INLINE Doubles of(Doubles x, Doubles y) {
    const Doubles product = x == 0 ? Doubles{} : x * P::log(y);
    return y != y ? y : product;
  }
};

// ---- In float.

// Beyond this the normal distribution's tail, relative to which gelu's error is small, is computed
// as exp(-a^2 / 2) q(1 / a^2) / a instead of from the table.
inline constexpr float kFarTail = 4.9f;

// exp(-a^2 / 2), for which a^2 is carried without rounding, and tail(a) a / exp(-a^2 / 2) as a
// polynomial of u = 1 / a^2, relative error 2^-27.
struct FarTail {
  Floats u;
  Floats ratio;
  Exponential e;
};
TALLOW_INLINE FarTail far_tail(Floats a) {
  const Floats square = a * a;
  const Floats low = fma(a, a, -square);
  const Floats u = 1 / square;
  Floats q = fma(splat<Floats>(-114.233839), u, splat<Floats>(31.4573250));
  q = fma(q, u, splat<Floats>(-5.74795007));
  q = fma(q, u, splat<Floats>(1.19396826));
  q = fma(q, u, splat<Floats>(-0.398925857));
  return {u, fma(q, u, splat<Floats>(0.398942247)), exponential(-0.5f * square, -0.5f * low)};
}
TALLOW_INLINE Floats times_exponential(Floats x, const Exponential& e) {
  return times_power_of_two(fma(x, e.p(), x), e);
}

[[maybe_unused]] static TALLOW_NOINLINE Floats gelu_far(Floats x) {
  const FarTail tail = far_tail(smaller_or_first(abs(x), splat<Floats>(14.4f)));
  return larger_or_first(x, Floats{}) - times_exponential(tail.ratio, tail.e);
}
[[maybe_unused]] static TALLOW_NOINLINE Floats gelu_slope_far(Floats x) {
  const Floats a = smaller_or_first(abs(x), splat<Floats>(16));
  const FarTail tail = far_tail(a);
  const Floats rest = fma(-tail.u, tail.ratio, splat<Floats>(0.398942280));
  const Floats small = -times_exponential(a * rest, tail.e);
  return 0 < x ? 1 - small : small;
}

// x Phi(x) = max(x, 0) - |x| tail(|x|)
TALLOW_INLINE Floats gelu(Floats x) {
  const Floats a = abs(x);
  const Floats tail = piecewise<0>(kNormalTail, find_piece(a, 0.15625f));
  const Floats result = fma(-a, tail, larger_or_first(x, Floats{}));
  if (TALLOW_LIKELY(!any_less(splat<Floats>(kFarTail), a))) return result;
  return kFarTail < a ? gelu_far(x) : result;
}
// Phi(x) + x phi(x), which is 0 below -16
TALLOW_INLINE Floats gelu_slope(Floats x) {
  const Floats a = abs(x);
  const Floats small = piecewise<0>(kGeluSlope, find_piece(a, 0.15625f));
  const Floats result = 0 < x ? 1 - small : small;
  if (TALLOW_LIKELY(!any_less(splat<Floats>(kFarTail), a))) return result;
  return kFarTail < a ? gelu_slope_far(x) : result;
}

TALLOW_INLINE Floats silu_slope(Floats x) {
  const Floats bounded = clamped(x, -150, 150);
  const Floats s = sigmoid(bounded);
  return fma(s * bounded, 1 - s, s);
}

TALLOW_INLINE Floats softplus(Floats x) { return larger_or_first(x, Floats{}) + log1p_exp(x); }
TALLOW_INLINE Floats log_sigmoid(Floats x) { return smaller_or_first(x, Floats{}) - log1p_exp(x); }
TALLOW_INLINE Floats logaddexp(Floats x, Floats y) {
  const Floats sum = larger_or_first(x, y) + log1p_exp(x - y);
  return x == y ? x + 0.6931471806f : sum;  // equal infinities have no difference
}

// ---- For both types.

TALLOW_INLINE Doubles gelu(Doubles x) { return apply<GeluFunction>(x); }
TALLOW_INLINE Doubles gelu_slope(Doubles x) { return apply<GeluSlopeFunction>(x); }
template <class V>
TALLOW_INLINE V gelu_tanh(V x) {
  return apply<TanhGeluFunction>(x);
}
template <class V>
TALLOW_INLINE V gelu_tanh_slope(V x) {
  return apply<TanhGeluSlopeFunction>(x);
}
TALLOW_INLINE Doubles silu_slope(Doubles x) { return apply<SiluSlopeFunction>(x); }
template <class V>
TALLOW_INLINE V mish(V x) {
  return apply<MishFunction>(x);
}
template <class V>
TALLOW_INLINE V mish_slope(V x) {
  return apply<MishSlopeFunction>(x);
}
TALLOW_INLINE Doubles softplus(Doubles x) { return apply<SoftplusFunction>(x); }
TALLOW_INLINE Doubles log_sigmoid(Doubles x) { return apply<LogSigmoidFunction>(x); }
TALLOW_INLINE Doubles logaddexp(Doubles x, Doubles y) { return apply<LogaddexpFunction>(x, y); }
template <class V>
TALLOW_INLINE V xlogy(V x, V y) {
  return apply<XlogyFunction>(x, y);
}

}  // namespace tallow::cpu::TALLOW_ISA::math
