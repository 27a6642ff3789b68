// The vector types of an instruction-set level; see simd.h, which everyone else includes.
#pragma once

#include <cstdint>
#include <type_traits>
#include <utility>

#include "core/macros.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tallow::cpu::TALLOW_ISA {

inline constexpr int kVectorBytes = TALLOW_ISA_LEVEL == 2 ? 64 : TALLOW_ISA_LEVEL == 1 ? 32 : 16;

template <class T>
inline constexpr int kLanes = kVectorBytes / static_cast<int>(sizeof(T));

template <class T, int Lanes>
struct VectorOf {
  typedef T type __attribute__((vector_size(Lanes * sizeof(T))));
};
template <class T, int Lanes = kLanes<T>>
using Vec = typename VectorOf<T, Lanes>::type;

// The signed integer type as wide as T: what comparing two Vec<T> gives, lane by lane.
template <int Bytes>
struct SignedOf;
template <>
struct SignedOf<1> {
  using type = int8_t;
};
template <>
struct SignedOf<2> {
  using type = int16_t;
};
template <>
struct SignedOf<4> {
  using type = int32_t;
};
template <>
struct SignedOf<8> {
  using type = int64_t;
};
template <class T>
using Mask = Vec<typename SignedOf<sizeof(T)>::type>;

template <class T>
TALLOW_INLINE Vec<T> broadcast(T value) {
  return value - Vec<T>{};  // x - 0 is x for every x, -0.0 and NaN included
}

// The type of a vector's lanes, and a vector of type V with `value` in each.
template <class V>
using Lane = std::remove_cvref_t<decltype(std::declval<V&>()[0])>;
template <class V>
TALLOW_INLINE V splat(double value) {
  return static_cast<Lane<V>>(value) - V{};
}

// The same bits as another vector type of the same size.
template <class To, class From>
TALLOW_INLINE To bits_as(From from) {
  static_assert(sizeof(To) == sizeof(From));
  return reinterpret_cast<To>(from);
}

// Lane-wise value conversion, as static_cast.
template <class To, class From>
TALLOW_INLINE To convert(From from) {
  return __builtin_convertvector(from, To);
}

template <class M, class V>
TALLOW_INLINE V select(M mask, V if_true, V if_false) {
  return mask ? if_true : if_false;
}

#if TALLOW_ISA_LEVEL == 2
namespace simd {

// Masks for the zero-masking forms of intrinsics whose plain forms make g++ 12 warn about the
// deliberately undefined register inside them (gcc.gnu.org/PR105593). No mask is emitted.
inline constexpr __mmask16 kAll16 = 0xffff;
inline constexpr __mmask8 kAll8 = 0xff;

}  // namespace simd
#endif

}  // namespace tallow::cpu::TALLOW_ISA
