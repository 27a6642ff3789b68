// Sequences of pairs in two vectors: taking them apart and putting them together.
#pragma once

#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Elements 0, 2, 4 ... and 1, 3, 5 ... of the sequence a, b.
template <class V>
TALLOW_INLINE V even_elements(V a, V b) {
  constexpr int kCount = sizeof(V) / sizeof(a[0]);
  if constexpr (kCount == 16) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  } else if constexpr (kCount == 8) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
  } else if constexpr (kCount == 4) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6);
  } else {
    return __builtin_shufflevector(a, b, 0, 2);
  }
}
template <class V>
TALLOW_INLINE V odd_elements(V a, V b) {
  constexpr int kCount = sizeof(V) / sizeof(a[0]);
  if constexpr (kCount == 16) {
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  } else if constexpr (kCount == 8) {
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
  } else if constexpr (kCount == 4) {
    return __builtin_shufflevector(a, b, 1, 3, 5, 7);
  } else {
    return __builtin_shufflevector(a, b, 1, 3);
  }
}

// The last lane of `before`, then all but the last of
// `v`.
template <class V>
TALLOW_INLINE V shift_in(V before, V v) {
  constexpr int kW = sizeof(V) / sizeof(v[0]);
  if constexpr (kW == 16) {
    return __builtin_shufflevector(before, v, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
                                   28, 29, 30);
  } else if constexpr (kW == 8) {
    return __builtin_shufflevector(before, v, 7, 8, 9, 10, 11, 12, 13, 14);
  } else if constexpr (kW == 4) {
    return __builtin_shufflevector(before, v, 3, 4, 5, 6);
  } else {
    return __builtin_shufflevector(before, v, 1, 2);
  }
}

template <class V>
struct Pair {
  V low, high;
};
// The sequence a[0], b[0], a[1], b[1] ...
template <class V>
TALLOW_INLINE Pair<V> join_pairs(V a, V b) {
  constexpr int kCount = sizeof(V) / sizeof(a[0]);
  if constexpr (kCount == 16) {
    return {__builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
            __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15,
                                    31)};
  } else if constexpr (kCount == 8) {
    return {__builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11),
            __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)};
  } else if constexpr (kCount == 4) {
    return {__builtin_shufflevector(a, b, 0, 4, 1, 5), __builtin_shufflevector(a, b, 2, 6, 3, 7)};
  } else {
    return {__builtin_shufflevector(a, b, 0, 2), __builtin_shufflevector(a, b, 1, 3)};
  }
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
