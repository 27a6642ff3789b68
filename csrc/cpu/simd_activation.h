// Activations that are more than one elementary function, and their slopes; each formula in double,
// for both vector types (see simd_math.h).
#pragma once

#include "cpu/simd_math.h"

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

template <class V>
TALLOW_INLINE V gelu(V x) {
  return apply<GeluFunction>(x);
}
template <class V>
TALLOW_INLINE V gelu_slope(V x) {
  return apply<GeluSlopeFunction>(x);
}
template <class V>
TALLOW_INLINE V gelu_tanh(V x) {
  return apply<TanhGeluFunction>(x);
}
template <class V>
TALLOW_INLINE V gelu_tanh_slope(V x) {
  return apply<TanhGeluSlopeFunction>(x);
}
template <class V>
TALLOW_INLINE V silu_slope(V x) {
  return apply<SiluSlopeFunction>(x);
}
template <class V>
TALLOW_INLINE V mish(V x) {
  return apply<MishFunction>(x);
}
template <class V>
TALLOW_INLINE V mish_slope(V x) {
  return apply<MishSlopeFunction>(x);
}
template <class V>
TALLOW_INLINE V softplus(V x) {
  return apply<SoftplusFunction>(x);
}
template <class V>
TALLOW_INLINE V log_sigmoid(V x) {
  return apply<LogSigmoidFunction>(x);
}
template <class V>
TALLOW_INLINE V logaddexp(V x, V y) {
  return apply<LogaddexpFunction>(x, y);
}
template <class V>
TALLOW_INLINE V xlogy(V x, V y) {
  return apply<XlogyFunction>(x, y);
}

}  // namespace tallow::cpu::TALLOW_ISA::math
