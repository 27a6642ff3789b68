// The logistic function and x times it, for both vector types. In float they are bound by the
// number of operations, which a table of sixteen powers of two makes small.
#pragma once

#include "cpu/simd_math.h"
#include "cpu/simd_table.h"

namespace tallow::cpu::TALLOW_ISA::math {

// 2^(j / 16), rounded, less j 2^19 in its bits, so that adding (16 n + j) 2^19 gives 2^(n + j /
// 16); and by what share the power itself is larger.
alignas(64) inline constexpr int32_t kPowers[16] = {
    0x3f800000, 0x3f7daac3, 0x3f7b95c2, 0x3f79c3d3, 0x3f7837f0, 0x3f76f532, 0x3f75fed7, 0x3f75583f,
    0x3f7504f3, 0x3f7508a4, 0x3f75672a, 0x3f76248c, 0x3f7744fd, 0x3f78ccdf, 0x3f7ac0c7, 0x3f7d257d};
alignas(64) inline constexpr float kPowersLow[16] = {0,
                                                     0x1.8d96d4p-25f,
                                                     -0x1.9c0c22p-27f,
                                                     0x1.964904p-25f,
                                                     0x1.125002p-25f,
                                                     0x1.370be4p-25f,
                                                     -0x1.0a3550p-25f,
                                                     -0x1.00d8acp-27f,
                                                     0x1.26055cp-26f,
                                                     -0x1.05cb44p-25f,
                                                     0x1.67a1cap-28f,
                                                     0x1.a3b5e4p-28f,
                                                     -0x1.f9c304p-27f,
                                                     -0x1.6961b4p-28f,
                                                     -0x1.a5217cp-28f,
                                                     0x1.61428ep-28f};

// e^x = power (1 + p) with |p| < 0.022 for -87 <= x <= 88. p carries the error of `power`.
struct TableExponential {
  Floats power;
  Floats p;
};
TALLOW_INLINE TableExponential table_exponential(Floats x) {
  // ln(2) / 16 in two parts, the first with so few bits that its product with k is exact.
  constexpr float kHigh = 0x1.62ep-5f;
  constexpr float kLow = 0x1.0bfbe8p-19f;
  const Floats rounded = fma(x, splat<Floats>(0x1.715476p4f), splat<Floats>(kRounder));
  const Floats k = rounded - kRounder;
  const Ints bits = bits_as<Ints>(rounded);
  Floats r = fma(k, splat<Floats>(-kHigh), x) + look_up(kPowersLow, bits);
  r = fma(k, splat<Floats>(-kLow), r);
  // e^r = 1 + r + r^2 q(r), error 2^-36.
  Floats q = fma(splat<Floats>(0x1.5556b4p-5f), r, splat<Floats>(0x1.5556ep-3f));
  q = fma(q, r, splat<Floats>(0.5f));
  return {bits_as<Floats>(look_up(kPowers, bits) + (bits << 19)), fma(r * r, q, r)};
}

// Below, e^x is subnormal and the sigmoid is e^x.
inline constexpr float kSmallestSigmoid = -87;

// With t = e^-|x|, the sigmoid is 1 / (1 + t) or t / (1 + t). What rounding 1 + t loses is taken
// from p, where it costs least: its share is lost / (1 + t), for which 1 - t / 2 is near enough.
struct SigmoidParts {
  Floats power;
  Floats p;
  Floats denominator;
};
TALLOW_INLINE SigmoidParts sigmoid_parts(Floats x) {
  const Floats minus_abs = bits_as<Floats>(bits_as<Vec<uint32_t>>(x) | 0x80000000u);
  const TableExponential e = table_exponential(at_least(minus_abs, kSmallestSigmoid));
  const Floats t = fma(e.power, e.p, e.power);
  const Floats denominator = 1 + t;
  const Floats lost = t - (denominator - 1);
  const Floats inverse = fma(splat<Floats>(-0.5f), t, splat<Floats>(1));
  return {e.power, fma(-lost, inverse, e.p), denominator};
}

TALLOW_INLINE Floats sigmoid(Floats x) {
  const SigmoidParts s = sigmoid_parts(x);
  const Floats small = fma(s.power, s.p, s.power);
  const Floats result = (x < 0 ? small : splat<Floats>(1)) / s.denominator;
  if (TALLOW_LIKELY(!any_less(x, splat<Floats>(kSmallestSigmoid)))) return result;
  return x < kSmallestSigmoid ? exp(x) : result;
}

// x * sigmoid(x)
TALLOW_INLINE Floats silu(Floats x) {
  const SigmoidParts s = sigmoid_parts(x);
  const Floats scaled = x * s.power;
  const Floats small = scaled + fma(scaled, s.p, fma(x, s.power, -scaled));
  const Floats result = (x < 0 ? small : x) / s.denominator;
  if (TALLOW_LIKELY(!any_less(x, splat<Floats>(kSmallestSigmoid)))) return result;
  const Floats bounded = at_least(x, -150);  // where it is -0 already: -infinity has this limit
  const Exponential e = exponential(bounded);
  return x < kSmallestSigmoid ? times_power_of_two(fma(bounded, e.p(), bounded), e) : result;
}

TALLOW_INLINE Doubles sigmoid(Doubles x) { return 1 / (1 + Full::exp(-x)); }
TALLOW_INLINE Doubles silu(Doubles x) {
  const Doubles bounded = larger_or_first(x, splat<Doubles>(-800));  // as for floats
  return bounded / (1 + Full::exp(-bounded));
}

}  // namespace tallow::cpu::TALLOW_ISA::math
