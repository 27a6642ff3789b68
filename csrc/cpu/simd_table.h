// Tables that are looked up lane by lane, and functions that are polynomials on 32 intervals: fewer
// operations than one formula for the whole range, where the CPU can permute registers.
#pragma once

#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA::math {

#if TALLOW_ISA_LEVEL == 1
namespace table {

// The lane of the table's part `part` of eight.
template <class T>
TALLOW_INLINE __m256 eight(const T* table, int part, Vec<int32_t> index) {
  return _mm256_permutevar8x32_ps(bits_as<__m256>(load(table + 8 * part)), bits_as<__m256i>(index));
}
// `second` where bit `bit` of the index is set.
TALLOW_INLINE __m256 choose(Vec<int32_t> index, int bit, __m256 first, __m256 second) {
  return _mm256_blendv_ps(first, second, bits_as<__m256>(index << (31 - bit)));
}

}  // namespace table
#endif

// table[index mod 16].
template <class T>
TALLOW_INLINE Vec<T> look_up(const T (&table)[16], Vec<int32_t> index) {
  static_assert(sizeof(T) == 4);
#if TALLOW_ISA_LEVEL == 2
  return bits_as<Vec<T>>(_mm512_maskz_permutexvar_epi32(simd::kAll16, bits_as<__m512i>(index),
                                                        bits_as<__m512i>(load(table))));
#elif TALLOW_ISA_LEVEL == 1
  return bits_as<Vec<T>>(
      table::choose(index, 3, table::eight(table, 0, index), table::eight(table, 1, index)));
#else
  Vec<T> result;
  for (int i = 0; i < kLanes<T>; ++i) result[i] = table[index[i] & 15];
  return result;
#endif
}

// table[index mod 32].
TALLOW_INLINE Vec<float> look_up(const float (&table)[32], Vec<int32_t> index) {
#if TALLOW_ISA_LEVEL == 2
  return bits_as<Vec<float>>(
      _mm512_maskz_permutex2var_ps(simd::kAll16, bits_as<__m512>(load(table)),
                                   bits_as<__m512i>(index), bits_as<__m512>(load(table + 16))));
#elif TALLOW_ISA_LEVEL == 1
  const __m256 low =
      table::choose(index, 3, table::eight(table, 0, index), table::eight(table, 1, index));
  const __m256 high =
      table::choose(index, 3, table::eight(table, 2, index), table::eight(table, 3, index));
  return bits_as<Vec<float>>(table::choose(index, 4, low, high));
#else
  Vec<float> result;
  for (int i = 0; i < kLanes<float>; ++i) result[i] = table[index[i] & 31];
  return result;
#endif
}

// Adding it leaves the nearest integer in the low bits.
inline constexpr float kToInteger = 0x1.8p23f;

// Where in the intervals of a width a >= 0 is: `index`, and `offset` from the interval's centre.
// The width must be the multiple of a power of two that makes the centres exact.
struct Piece {
  Vec<int32_t> index;
  Vec<float> offset;
};
TALLOW_INLINE Piece find_piece(Vec<float> a, float width) {
  const Vec<float> rounded = fma(a, splat<Vec<float>>(1 / width), splat<Vec<float>>(kToInteger));
  return {bits_as<Vec<int32_t>>(rounded), fma(rounded - kToInteger, splat<Vec<float>>(-width), a)};
}

// The polynomial of rows kFrom, kFrom + 1, ... in the piece's offset.
template <int kFrom, int kRows>
TALLOW_INLINE Vec<float> piecewise(const float (&rows)[kRows][32], const Piece& at) {
  Vec<float> value = look_up(rows[kRows - 1], at.index);
#pragma GCC unroll 8
  for (int i = kRows - 2; i >= kFrom; --i)
    value = fma(value, at.offset, look_up(rows[i], at.index));
  return value;
}
// The same at `a` where rows 0 and 1 are the constant coefficient in two parts, and what is added
// to the polynomials of the first two intervals is a: half an ulp of error, or hardly more.
template <int kRows>
TALLOW_INLINE Vec<float> piecewise_split(const float (&rows)[kRows][32], const Piece& at,
                                         Vec<float> a) {
  const auto small = at.index < Vec<int32_t>{} + (__builtin_bit_cast(int32_t, kToInteger) + 2);
  return (small ? a : look_up(rows[0], at.index)) + piecewise<1>(rows, at);
}

}  // namespace tallow::cpu::TALLOW_ISA::math
