// Loads and stores of vectors: whole, partial, and of half-precision numbers as floats. Any
// alignment; partial forms touch exactly `count` elements, 0 <= count < lanes.
#pragma once

#include <cstdint>
#include <cstring>

#include "core/half.h"
#include "cpu/simd_vector.h"

namespace tallow::cpu::TALLOW_ISA {

template <class T>
TALLOW_INLINE Vec<T> load(const T* from) {
  Vec<T> v;
  std::memcpy(&v, from, sizeof(v));
  return v;
}

template <class T>
TALLOW_INLINE void store(T* to, Vec<T> v) {
  std::memcpy(to, &v, sizeof(v));
}

namespace simd {

#if TALLOW_ISA_LEVEL == 1
// -1 in the first `count` lanes of 32 bits.
TALLOW_INLINE __m256i first_lanes(int count) {
  const __m256i index = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), index);
}
#endif

// Copies 0 <= nbytes < kVectorBytes in powers of two, without a call to memcpy.
TALLOW_INLINE void copy_bytes(char* to, const char* from, int nbytes) {
  int done = 0;
#pragma GCC unroll 6
  for (int step = kVectorBytes / 2; step > 0; step /= 2) {
    if (nbytes & step) {
      switch (step) {
        case 32:
          std::memcpy(to + done, from + done, 32);
          break;
        case 16:
          std::memcpy(to + done, from + done, 16);
          break;
        case 8:
          std::memcpy(to + done, from + done, 8);
          break;
        case 4:
          std::memcpy(to + done, from + done, 4);
          break;
        case 2:
          std::memcpy(to + done, from + done, 2);
          break;
        default:
          to[done] = from[done];
      }
      done += step;
    }
  }
}

}  // namespace simd

// The lanes beyond `count` are 0.
template <class T>
TALLOW_INLINE Vec<T> load_partial(const T* from, int count) {
#if TALLOW_ISA_LEVEL == 2
  if constexpr (sizeof(T) == 4) {
    return bits_as<Vec<T>>(
        _mm512_maskz_loadu_epi32(static_cast<__mmask16>((1u << count) - 1u), from));
  } else if constexpr (sizeof(T) == 8) {
    return bits_as<Vec<T>>(
        _mm512_maskz_loadu_epi64(static_cast<__mmask8>((1u << count) - 1u), from));
  } else if constexpr (sizeof(T) == 2) {
    return bits_as<Vec<T>>(_mm512_maskz_loadu_epi16((__mmask32{1} << count) - 1u, from));
  } else {
    return bits_as<Vec<T>>(_mm512_maskz_loadu_epi8((__mmask64{1} << count) - 1u, from));
  }
#else
#if TALLOW_ISA_LEVEL == 1
  if constexpr (sizeof(T) == 4 || sizeof(T) == 8) {
    return bits_as<Vec<T>>(
        _mm256_maskload_epi32(reinterpret_cast<const int*>(from),
                              simd::first_lanes(count * static_cast<int>(sizeof(T) / 4))));
  }
#endif
  Vec<T> v{};
  simd::copy_bytes(reinterpret_cast<char*>(&v), reinterpret_cast<const char*>(from),
                   count * static_cast<int>(sizeof(T)));
  return v;
#endif
}

template <class T>
TALLOW_INLINE void store_partial(T* to, Vec<T> v, int count) {
#if TALLOW_ISA_LEVEL == 2
  const __m512i bits = bits_as<__m512i>(v);
  if constexpr (sizeof(T) == 4) {
    _mm512_mask_storeu_epi32(to, static_cast<__mmask16>((1u << count) - 1u), bits);
  } else if constexpr (sizeof(T) == 8) {
    _mm512_mask_storeu_epi64(to, static_cast<__mmask8>((1u << count) - 1u), bits);
  } else if constexpr (sizeof(T) == 2) {
    _mm512_mask_storeu_epi16(to, (__mmask32{1} << count) - 1u, bits);
  } else {
    _mm512_mask_storeu_epi8(to, (__mmask64{1} << count) - 1u, bits);
  }
#else
#if TALLOW_ISA_LEVEL == 1
  if constexpr (sizeof(T) == 4 || sizeof(T) == 8) {
    _mm256_maskstore_epi32(reinterpret_cast<int*>(to),
                           simd::first_lanes(count * static_cast<int>(sizeof(T) / 4)),
                           bits_as<__m256i>(v));
    return;
  }
#endif
  simd::copy_bytes(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(&v),
                   count * static_cast<int>(sizeof(T)));
#endif
}

// kLanes<float> half-precision numbers as floats, and back (rounding to nearest even).
TALLOW_INLINE Vec<float> load_float(const float* from) { return load(from); }
TALLOW_INLINE void store_float(float* to, Vec<float> v) { store(to, v); }

TALLOW_INLINE Vec<float> load_float(const Half* from) {
#if TALLOW_ISA_LEVEL == 2
  return bits_as<Vec<float>>(_mm512_maskz_cvtph_ps(
      simd::kAll16, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))));
#elif TALLOW_ISA_LEVEL == 1
  return bits_as<Vec<float>>(
      _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))));
#else
  Vec<float> v;
  for (int i = 0; i < kLanes<float>; ++i) v[i] = from[i];
  return v;
#endif
}

TALLOW_INLINE void store_float(Half* to, Vec<float> v) {
#if TALLOW_ISA_LEVEL == 2
  _mm256_storeu_si256(
      reinterpret_cast<__m256i*>(to),
      _mm512_maskz_cvtps_ph(simd::kAll16, bits_as<__m512>(v), _MM_FROUND_TO_NEAREST_INT));
#elif TALLOW_ISA_LEVEL == 1
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to),
                   _mm256_cvtps_ph(bits_as<__m256>(v), _MM_FROUND_TO_NEAREST_INT));
#else
  for (int i = 0; i < kLanes<float>; ++i) to[i] = Half(v[i]);
#endif
}

// The compiler widens 16 lanes in two halves, where one instruction does.
TALLOW_INLINE Vec<float> load_float(const BFloat16* from) {
#if TALLOW_ISA_LEVEL == 2
  const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  const __m512i wide = _mm512_maskz_cvtepu16_epi32(simd::kAll16, half);
  return bits_as<Vec<float>>(bits_as<Vec<uint32_t>>(wide) << 16);
#else
  Vec<uint16_t, kLanes<float>> half;
  std::memcpy(&half, from, sizeof(half));
  return bits_as<Vec<float>>(convert<Vec<uint32_t>>(half) << 16);
#endif
}

TALLOW_INLINE void store_float(BFloat16* to, Vec<float> v) {
  const Vec<uint32_t> bits = bits_as<Vec<uint32_t>>(v);
  const Vec<uint32_t> rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  const Vec<uint32_t> result = v != v ? Vec<uint32_t>{} + 0x7fc0u : rounded;
  const auto half = convert<Vec<uint16_t, kLanes<float>>>(result);
  std::memcpy(static_cast<void*>(to), &half, sizeof(half));
}

// The first `count` elements only; the other lanes are 0.
template <class T>
TALLOW_INLINE Vec<float> load_float_partial(const T* from, int count) {
  if constexpr (sizeof(T) == 4) {
    return load_partial(from, count);
  } else {
    T buffer[kLanes<float>] = {};
    simd::copy_bytes(reinterpret_cast<char*>(buffer), reinterpret_cast<const char*>(from),
                     count * 2);
    return load_float(buffer);
  }
}

template <class T>
TALLOW_INLINE void store_float_partial(T* to, Vec<float> v, int count) {
  if constexpr (sizeof(T) == 4) {
    store_partial(to, v, count);
  } else {
    T buffer[kLanes<float>];
    store_float(buffer, v);
    simd::copy_bytes(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(buffer), count * 2);
  }
}

}  // namespace tallow::cpu::TALLOW_ISA
