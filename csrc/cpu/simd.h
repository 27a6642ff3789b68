// Vectors of the instruction-set level's register width, built on the compiler's vector extension,
// so that one source serves every level: + - * / & | ^ << >> and comparisons are the language's
// own operators (a comparison gives an integer vector of 0 and -1), the rest is here.
#pragma once

#include "cpu/simd_memory.h"
#include "cpu/simd_vector.h"

namespace tallow::cpu::TALLOW_ISA {

// ---- Arithmetic the language has no operator for.

// a * b + c with one rounding, on every level: formulas whose accuracy rests on it give the same
// bits everywhere. Without the instruction a float goes through double (whose second rounding
// differs from a true fma about once in 2^29 cases) and is several times slower.
TALLOW_INLINE Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
#if TALLOW_ISA_LEVEL == 2
  return bits_as<Vec<float>>(
      _mm512_fmadd_ps(bits_as<__m512>(a), bits_as<__m512>(b), bits_as<__m512>(c)));
#elif TALLOW_ISA_LEVEL == 1
  return bits_as<Vec<float>>(
      _mm256_fmadd_ps(bits_as<__m256>(a), bits_as<__m256>(b), bits_as<__m256>(c)));
#elif defined(__FP_FAST_FMAF)
  Vec<float> r;
  for (int i = 0; i < kLanes<float>; ++i) r[i] = __builtin_fmaf(a[i], b[i], c[i]);
  return r;
#else
  using Doubles = Vec<double, kLanes<float>>;
  return __builtin_convertvector(
      __builtin_convertvector(a, Doubles) * __builtin_convertvector(b, Doubles) +
          __builtin_convertvector(c, Doubles),
      Vec<float>);
#endif
}

TALLOW_INLINE Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
#if TALLOW_ISA_LEVEL == 2
  return bits_as<Vec<double>>(
      _mm512_fmadd_pd(bits_as<__m512d>(a), bits_as<__m512d>(b), bits_as<__m512d>(c)));
#elif TALLOW_ISA_LEVEL == 1
  return bits_as<Vec<double>>(
      _mm256_fmadd_pd(bits_as<__m256d>(a), bits_as<__m256d>(b), bits_as<__m256d>(c)));
#else
  Vec<double> r;
  for (int i = 0; i < kLanes<double>; ++i) r[i] = __builtin_fma(a[i], b[i], c[i]);
  return r;
#endif
}

// a * b + c as fast as the level can: fused where there is an instruction, else two roundings.
template <class V>
TALLOW_INLINE V mul_add(V a, V b, V c) {
#if TALLOW_ISA_LEVEL > 0 || defined(__FP_FAST_FMAF)
  return fma(a, b, c);
#else
  return a * b + c;
#endif
}

// The two halves of a vector of floats as doubles, and back (rounding to nearest even).
TALLOW_INLINE void widen(Vec<float> v, Vec<double>& low, Vec<double>& high) {
#if TALLOW_ISA_LEVEL == 2
  using Half = Vec<float, 8>;
  const Half first = __builtin_shufflevector(v, v, 0, 1, 2, 3, 4, 5, 6, 7);
  const Half second = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15);
  low = bits_as<Vec<double>>(_mm512_maskz_cvtps_pd(simd::kAll8, bits_as<__m256>(first)));
  high = bits_as<Vec<double>>(_mm512_maskz_cvtps_pd(simd::kAll8, bits_as<__m256>(second)));
#elif TALLOW_ISA_LEVEL == 1
  const __m256 bits = bits_as<__m256>(v);
  low = bits_as<Vec<double>>(_mm256_cvtps_pd(_mm256_castps256_ps128(bits)));
  high = bits_as<Vec<double>>(_mm256_cvtps_pd(_mm256_extractf128_ps(bits, 1)));
#else
  for (int i = 0; i < kLanes<double>; ++i) {
    low[i] = v[i];
    high[i] = v[kLanes<double> + i];
  }
#endif
}

TALLOW_INLINE Vec<float> narrow(Vec<double> low, Vec<double> high) {
#if TALLOW_ISA_LEVEL == 2
  using Half = Vec<float, 8>;
  const Half first = bits_as<Half>(_mm512_maskz_cvtpd_ps(simd::kAll8, bits_as<__m512d>(low)));
  const Half second = bits_as<Half>(_mm512_maskz_cvtpd_ps(simd::kAll8, bits_as<__m512d>(high)));
  return __builtin_shufflevector(first, second, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                                 15);
#elif TALLOW_ISA_LEVEL == 1
  return bits_as<Vec<float>>(_mm256_set_m128(_mm256_cvtpd_ps(bits_as<__m256d>(high)),
                                             _mm256_cvtpd_ps(bits_as<__m256d>(low))));
#else
  Vec<float> v;
  for (int i = 0; i < kLanes<double>; ++i) {
    v[i] = static_cast<float>(low[i]);
    v[kLanes<double> + i] = static_cast<float>(high[i]);
  }
  return v;
#endif
}

TALLOW_INLINE Vec<float> sqrt(Vec<float> v) {
#if TALLOW_ISA_LEVEL == 2
  return bits_as<Vec<float>>(_mm512_maskz_sqrt_ps(simd::kAll16, bits_as<__m512>(v)));
#elif TALLOW_ISA_LEVEL == 1
  return bits_as<Vec<float>>(_mm256_sqrt_ps(bits_as<__m256>(v)));
#else
  Vec<float> r;
  for (int i = 0; i < kLanes<float>; ++i) r[i] = __builtin_sqrtf(v[i]);
  return r;
#endif
}

TALLOW_INLINE Vec<double> sqrt(Vec<double> v) {
#if TALLOW_ISA_LEVEL == 2
  return bits_as<Vec<double>>(_mm512_maskz_sqrt_pd(simd::kAll8, bits_as<__m512d>(v)));
#elif TALLOW_ISA_LEVEL == 1
  return bits_as<Vec<double>>(_mm256_sqrt_pd(bits_as<__m256d>(v)));
#else
  Vec<double> r;
  for (int i = 0; i < kLanes<double>; ++i) r[i] = __builtin_sqrt(v[i]);
  return r;
#endif
}

TALLOW_INLINE Vec<float> abs(Vec<float> v) {
  return bits_as<Vec<float>>(bits_as<Vec<uint32_t>>(v) & 0x7fffffffu);
}
TALLOW_INLINE Vec<double> abs(Vec<double> v) {
  return bits_as<Vec<double>>(bits_as<Vec<uint64_t>>(v) & 0x7fffffffffffffffu);
}

// The magnitude of `magnitude` with the sign of `sign`.
TALLOW_INLINE Vec<float> copysign(Vec<float> magnitude, Vec<float> sign) {
  return bits_as<Vec<float>>((bits_as<Vec<uint32_t>>(magnitude) & 0x7fffffffu) |
                             (bits_as<Vec<uint32_t>>(sign) & 0x80000000u));
}
TALLOW_INLINE Vec<double> copysign(Vec<double> magnitude, Vec<double> sign) {
  return bits_as<Vec<double>>((bits_as<Vec<uint64_t>>(magnitude) & 0x7fffffffffffffffu) |
                              (bits_as<Vec<uint64_t>>(sign) & 0x8000000000000000u));
}

// b > a ? b : a and b < a ? b : a: the machine's instructions, which give a if either is NaN.
template <class V>
TALLOW_INLINE V larger_or_first(V a, V b) {
#if TALLOW_ISA_LEVEL == 2
  if constexpr (std::is_same_v<Lane<V>, float>) {
    return bits_as<V>(_mm512_maskz_max_ps(simd::kAll16, bits_as<__m512>(b), bits_as<__m512>(a)));
  } else if constexpr (std::is_same_v<Lane<V>, double>) {
    return bits_as<V>(_mm512_maskz_max_pd(simd::kAll8, bits_as<__m512d>(b), bits_as<__m512d>(a)));
  }
#elif TALLOW_ISA_LEVEL == 1
  if constexpr (std::is_same_v<Lane<V>, float>) {
    return bits_as<V>(_mm256_max_ps(bits_as<__m256>(b), bits_as<__m256>(a)));
  } else if constexpr (std::is_same_v<Lane<V>, double>) {
    return bits_as<V>(_mm256_max_pd(bits_as<__m256d>(b), bits_as<__m256d>(a)));
  }
#endif
  return a < b ? b : a;
}
template <class V>
TALLOW_INLINE V smaller_or_first(V a, V b) {
#if TALLOW_ISA_LEVEL == 2
  if constexpr (std::is_same_v<Lane<V>, float>) {
    return bits_as<V>(_mm512_maskz_min_ps(simd::kAll16, bits_as<__m512>(b), bits_as<__m512>(a)));
  } else if constexpr (std::is_same_v<Lane<V>, double>) {
    return bits_as<V>(_mm512_maskz_min_pd(simd::kAll8, bits_as<__m512d>(b), bits_as<__m512d>(a)));
  }
#elif TALLOW_ISA_LEVEL == 1
  if constexpr (std::is_same_v<Lane<V>, float>) {
    return bits_as<V>(_mm256_min_ps(bits_as<__m256>(b), bits_as<__m256>(a)));
  } else if constexpr (std::is_same_v<Lane<V>, double>) {
    return bits_as<V>(_mm256_min_pd(bits_as<__m256d>(b), bits_as<__m256d>(a)));
  }
#endif
  return b < a ? b : a;
}

// The larger, the smaller; a where they are equal; NaN if either is NaN. Integers too.
template <class V>
TALLOW_INLINE V maximum(V a, V b) {
  const V larger = larger_or_first(a, b);
  return b != b ? b : larger;
}
template <class V>
TALLOW_INLINE V minimum(V a, V b) {
  const V smaller = smaller_or_first(a, b);
  return b != b ? b : smaller;
}

// The machine's rounding by the mode in its two low bits: to even, down, up, towards 0. Keeps the
// sign of zero.
#if TALLOW_ISA_LEVEL == 2
template <int kMode, class V>
TALLOW_INLINE V rounded_to(V v) {
  constexpr int kQuietly = 0x08 | kMode;
  if constexpr (sizeof(v[0]) == 4) {
    return bits_as<V>(_mm512_maskz_roundscale_ps(simd::kAll16, bits_as<__m512>(v), kQuietly));
  } else {
    return bits_as<V>(_mm512_maskz_roundscale_pd(simd::kAll8, bits_as<__m512d>(v), kQuietly));
  }
}
#elif TALLOW_ISA_LEVEL == 1
template <int kMode, class V>
TALLOW_INLINE V rounded_to(V v) {
  constexpr int kQuietly = 0x08 | kMode;
  if constexpr (sizeof(v[0]) == 4) {
    return bits_as<V>(_mm256_round_ps(bits_as<__m256>(v), kQuietly));
  } else {
    return bits_as<V>(_mm256_round_pd(bits_as<__m256d>(v), kQuietly));
  }
}
#else
template <int kMode, class V>
TALLOW_INLINE V rounded_to(V v) {
  // Adding 2^23 (2^52) leaves no room for a fraction; larger numbers have none.
  const V limit = V{} + (sizeof(v[0]) == 4 ? 0x1p23f : 0x1p52);
  const V magnitude = abs(v);
  const V rounded = (magnitude + limit) - limit;
  const V even = copysign(magnitude < limit ? rounded : magnitude, v);
  if constexpr (kMode == 0) return even;
  if constexpr (kMode == 1) return copysign(even > v ? even - 1 : even, v);
  if constexpr (kMode == 2) return copysign(even < v ? even + 1 : even, v);
  const V shorter = abs(even);
  return copysign(shorter > magnitude ? shorter - 1 : shorter, v);
}
#endif

// Nearest integer, halves to even.
template <class V>
TALLOW_INLINE V round_even(V v) {
  return rounded_to<0>(v);
}
template <class V>
TALLOW_INLINE V floor(V v) {
  return rounded_to<1>(v);
}
template <class V>
TALLOW_INLINE V ceil(V v) {
  return rounded_to<2>(v);
}
template <class V>
TALLOW_INLINE V trunc(V v) {
  return rounded_to<3>(v);
}

// Is any lane of a comparison's result set?
template <class M>
TALLOW_INLINE bool any(M mask) {
#if TALLOW_ISA_LEVEL == 2
  return _mm512_movepi8_mask(bits_as<__m512i>(mask)) != 0;
#elif TALLOW_ISA_LEVEL == 1
  return _mm256_movemask_epi8(bits_as<__m256i>(mask)) != 0;
#else
  const auto words = bits_as<Vec<int64_t>>(mask);
  return (words[0] | words[1]) != 0;
#endif
}

// Is a < b in any lane? Fewer instructions than any(a < b).
TALLOW_INLINE bool any_less(Vec<float> a, Vec<float> b) {
#if TALLOW_ISA_LEVEL == 2
  return _mm512_cmp_ps_mask(bits_as<__m512>(a), bits_as<__m512>(b), _CMP_LT_OQ) != 0;
#else
  return any(a < b);
#endif
}

// ---- Sixteen logical lanes, whatever the register width: a reduction that keeps one partial
// result per logical lane and combines them in the fixed order of fold() has the same bits on
// every level.

inline constexpr int kWideLanes = 16;

template <class T>
struct Wide {
  static constexpr int kParts = kWideLanes / kLanes<T>;
  static_assert(kParts >= 1);
  Vec<T> part[kParts];

  static TALLOW_INLINE Wide filled(T value) {
    Wide w;
    for (int p = 0; p < kParts; ++p) w.part[p] = broadcast(value);
    return w;
  }
  // From float storage or a half type; T = double converts nothing.
  template <class S>
  static TALLOW_INLINE Wide load(const S* from) {
    Wide w;
    for (int p = 0; p < kParts; ++p) {
      if constexpr (sizeof(S) == sizeof(T)) {
        w.part[p] = TALLOW_ISA::load(from + p * kLanes<T>);
      } else {
        w.part[p] = load_float(from + p * kLanes<T>);
      }
    }
    return w;
  }
  // The first `count` < 16 elements; the other lanes get `rest`.
  template <class S>
  static TALLOW_INLINE Wide load_partial(const S* from, int64_t count, T rest) {
    Wide w;
    alignas(kVectorBytes) T lanes[kWideLanes];
    for (int i = 0; i < kWideLanes; ++i) lanes[i] = i < count ? static_cast<T>(from[i]) : rest;
    std::memcpy(&w, lanes, sizeof(lanes));
    return w;
  }
  TALLOW_INLINE Wide operator+(const Wide& b) const {
    Wide w;
    for (int p = 0; p < kParts; ++p) w.part[p] = part[p] + b.part[p];
    return w;
  }
  TALLOW_INLINE Wide operator-(const Wide& b) const {
    Wide w;
    for (int p = 0; p < kParts; ++p) w.part[p] = part[p] - b.part[p];
    return w;
  }
  TALLOW_INLINE Wide operator*(const Wide& b) const {
    Wide w;
    for (int p = 0; p < kParts; ++p) w.part[p] = part[p] * b.part[p];
    return w;
  }
  // Applies `f`, a function of vectors, part by part.
  template <class F>
  TALLOW_INLINE Wide map(const F& f) const {
    Wide w;
    for (int p = 0; p < kParts; ++p) w.part[p] = f(part[p]);
    return w;
  }
  // Combines lane i with lane i + 8, then i + 4, i + 2, i + 1; `f` is a function of two T.
  template <class F>
  TALLOW_INLINE T fold(const F& f) const {
    T lanes[kWideLanes];
    std::memcpy(lanes, part, sizeof(lanes));
    for (int half = kWideLanes / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) lanes[i] = f(lanes[i], lanes[i + half]);
    }
    return lanes[0];
  }
};

}  // namespace tallow::cpu::TALLOW_ISA
