// In-register transposes of square blocks, for packing matrices and for turning sums round.
#pragma once

#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Lane shuffles by index list, e.g. shuffle<0, 16, 1, 17>(a, b); indices past the width name b.
template <int... kIndex, class V>
TALLOW_INLINE V shuffle(V a, V b) {
  return __builtin_shufflevector(a, b, kIndex...);
}

// Transposes the kLanes x kLanes block held in `row`, in place. Interleaves neighbours within
// 128-bit lanes first, then moves whole lanes, so that every step is one instruction.
TALLOW_INLINE void transpose(Vec<float> (&row)[kLanes<float>]) {
#if TALLOW_ISA_LEVEL >= 2
  Vec<float> t[16];
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 2) {
    t[i] = shuffle<0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29>(row[i], row[i + 1]);
    t[i + 1] =
        shuffle<2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31>(row[i], row[i + 1]);
  }
  // row[i + j] now collects, in its four lanes, columns j, 4 + j, 8 + j, 12 + j of rows i..i+3.
#pragma GCC unroll 16
  for (int i = 0; i < 16; i += 4) {
#pragma GCC unroll 16
    for (int j = 0; j < 2; ++j) {
      row[i + 2 * j] =
          shuffle<0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29>(t[i + j], t[i + 2 + j]);
      row[i + 2 * j + 1] = shuffle<2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31>(
          t[i + j], t[i + 2 + j]);
    }
  }
#pragma GCC unroll 16
  for (int j = 0; j < 4; ++j) {
    const auto even = [](Vec<float> a, Vec<float> b) {
      return shuffle<0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27>(a, b);
    };
    const auto odd = [](Vec<float> a, Vec<float> b) {
      return shuffle<4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31>(a, b);
    };
    const Vec<float> e0 = even(row[j], row[4 + j]), o0 = odd(row[j], row[4 + j]);
    const Vec<float> e1 = even(row[8 + j], row[12 + j]), o1 = odd(row[8 + j], row[12 + j]);
    t[j] = even(e0, e1);
    t[8 + j] = odd(e0, e1);
    t[4 + j] = even(o0, o1);
    t[12 + j] = odd(o0, o1);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 16; ++i) row[i] = t[i];
#elif TALLOW_ISA_LEVEL == 1
  Vec<float> t[8];
#pragma GCC unroll 16
  for (int i = 0; i < 8; i += 2) {
    t[i] = shuffle<0, 8, 1, 9, 4, 12, 5, 13>(row[i], row[i + 1]);
    t[i + 1] = shuffle<2, 10, 3, 11, 6, 14, 7, 15>(row[i], row[i + 1]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 8; i += 4) {
#pragma GCC unroll 16
    for (int j = 0; j < 2; ++j) {
      row[i + 2 * j] = shuffle<0, 1, 8, 9, 4, 5, 12, 13>(t[i + j], t[i + 2 + j]);
      row[i + 2 * j + 1] = shuffle<2, 3, 10, 11, 6, 7, 14, 15>(t[i + j], t[i + 2 + j]);
    }
  }
#pragma GCC unroll 16
  for (int j = 0; j < 4; ++j) {
    t[j] = shuffle<0, 1, 2, 3, 8, 9, 10, 11>(row[j], row[4 + j]);
    t[4 + j] = shuffle<4, 5, 6, 7, 12, 13, 14, 15>(row[j], row[4 + j]);
  }
#pragma GCC unroll 16
  for (int i = 0; i < 8; ++i) row[i] = t[i];
#else
  const Vec<float> t0 = shuffle<0, 4, 1, 5>(row[0], row[1]);
  const Vec<float> t1 = shuffle<2, 6, 3, 7>(row[0], row[1]);
  const Vec<float> t2 = shuffle<0, 4, 1, 5>(row[2], row[3]);
  const Vec<float> t3 = shuffle<2, 6, 3, 7>(row[2], row[3]);
  row[0] = shuffle<0, 1, 4, 5>(t0, t2);
  row[1] = shuffle<2, 3, 6, 7>(t0, t2);
  row[2] = shuffle<0, 1, 4, 5>(t1, t3);
  row[3] = shuffle<2, 3, 6, 7>(t1, t3);
#endif
}

TALLOW_INLINE void transpose(Vec<double> (&row)[kLanes<double>]) {
#if TALLOW_ISA_LEVEL >= 2
  Vec<double> t[8];
#pragma GCC unroll 16
  for (int i = 0; i < 8; i += 2) {
    t[i] = shuffle<0, 8, 2, 10, 4, 12, 6, 14>(row[i], row[i + 1]);
    t[i + 1] = shuffle<1, 9, 3, 11, 5, 13, 7, 15>(row[i], row[i + 1]);
  }
#pragma GCC unroll 16
  for (int j = 0; j < 2; ++j) {
    const Vec<double> e0 = shuffle<0, 1, 4, 5, 8, 9, 12, 13>(t[j], t[2 + j]);
    const Vec<double> o0 = shuffle<2, 3, 6, 7, 10, 11, 14, 15>(t[j], t[2 + j]);
    const Vec<double> e1 = shuffle<0, 1, 4, 5, 8, 9, 12, 13>(t[4 + j], t[6 + j]);
    const Vec<double> o1 = shuffle<2, 3, 6, 7, 10, 11, 14, 15>(t[4 + j], t[6 + j]);
    row[j] = shuffle<0, 1, 4, 5, 8, 9, 12, 13>(e0, e1);
    row[4 + j] = shuffle<2, 3, 6, 7, 10, 11, 14, 15>(e0, e1);
    row[2 + j] = shuffle<0, 1, 4, 5, 8, 9, 12, 13>(o0, o1);
    row[6 + j] = shuffle<2, 3, 6, 7, 10, 11, 14, 15>(o0, o1);
  }
#elif TALLOW_ISA_LEVEL == 1
  const Vec<double> t0 = shuffle<0, 4, 2, 6>(row[0], row[1]);
  const Vec<double> t1 = shuffle<1, 5, 3, 7>(row[0], row[1]);
  const Vec<double> t2 = shuffle<0, 4, 2, 6>(row[2], row[3]);
  const Vec<double> t3 = shuffle<1, 5, 3, 7>(row[2], row[3]);
  row[0] = shuffle<0, 1, 4, 5>(t0, t2);
  row[1] = shuffle<0, 1, 4, 5>(t1, t3);
  row[2] = shuffle<2, 3, 6, 7>(t0, t2);
  row[3] = shuffle<2, 3, 6, 7>(t1, t3);
#else
  const Vec<double> t = shuffle<0, 2>(row[0], row[1]);
  row[1] = shuffle<1, 3>(row[0], row[1]);
  row[0] = t;
#endif
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
