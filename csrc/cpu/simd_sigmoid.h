// The logistic function and x times it, for both vector types. In float they are bound by the
// number of operations, which a table of sixteen powers of two makes small.
#pragma once

#include "cpu/simd_math.h"

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

// table[index mod 16], lane by lane.
template <class T>
TALLOW_INLINE Vec<T> look_up(const T (&table)[16], Ints index) {
  static_assert(sizeof(T) == 4);
#if TALLOW_ISA_LEVEL == 2
  return bits_as<Vec<T>>(_mm512_maskz_permutexvar_epi32(simd::kAll16, bits_as<__m512i>(index),
                                                        bits_as<__m512i>(load(table))));
#elif TALLOW_ISA_LEVEL == 1
  const __m256i lanes = bits_as<__m256i>(index);
  const __m256i low = _mm256_permutevar8x32_epi32(bits_as<__m256i>(load(table)), lanes);
  const __m256i high = _mm256_permutevar8x32_epi32(bits_as<__m256i>(load(table + 8)), lanes);
  return bits_as<Vec<T>>(
      _mm256_blendv_ps(bits_as<__m256>(low), bits_as<__m256>(high), bits_as<__m256>(index << 28)));
#else
  Vec<T> result;
  for (int i = 0; i < kLanes<T>; ++i) result[i] = table[index[i] & 15];
  return result;
#endif
}

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

TALLOW_INLINE bool any_tiny(Floats x) {
#if TALLOW_ISA_LEVEL == 2
  const __m512 limit = bits_as<__m512>(splat<Floats>(kSmallestSigmoid));
  return _mm512_cmp_ps_mask(bits_as<__m512>(x), limit, _CMP_LT_OQ) != 0;
#else
  return any(x < kSmallestSigmoid);
#endif
}

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
  if (TALLOW_LIKELY(!any_tiny(x))) return result;
  return x < kSmallestSigmoid ? exp(x) : result;
}

// x * sigmoid(x)
TALLOW_INLINE Floats silu(Floats x) {
  const SigmoidParts s = sigmoid_parts(x);
  const Floats scaled = x * s.power;
  const Floats small = scaled + fma(scaled, s.p, fma(x, s.power, -scaled));
  const Floats result = (x < 0 ? small : x) / s.denominator;
  if (TALLOW_LIKELY(!any_tiny(x))) return result;
  const Floats bounded = at_least(x, -150);  // where it is -0 already: -infinity has this limit
  const Exponential e = exponential(bounded);
  return x < kSmallestSigmoid ? times_power_of_two(fma(bounded, e.p(), bounded), e) : result;
}

TALLOW_INLINE Doubles sigmoid(Doubles x) { return 1 / (1 + Full::exp(-x)); }
TALLOW_INLINE Doubles silu(Doubles x) {
  const Doubles bounded = clamped(x, -800, __builtin_inf());  // as for floats
  return bounded * sigmoid(bounded);
}

}  // namespace tallow::cpu::TALLOW_ISA::math
