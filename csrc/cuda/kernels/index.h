// What the kernels that write to given positions share: how values combine, and groups of equal
// positions, so that each target is written by one thread and in the order of the positions.
#pragma once

#include "cuda/kernels/formulas.h"
#include "cuda/kernels/sorting.h"
#include "cuda/kernels/words.h"

#include "backend/index.h"

namespace tallow::cuda {

// Up to this many positions, one thread goes through all that may meet in a target; more are sorted
// so that threads see only those that do.
inline constexpr int64_t kFewPositions = 64;

// `before` is what the target holds, or the result so far.
struct Replace {
  static constexpr bool kLastOnly = true;
  template <class A>
  TL_HD A operator()(A, A value) const {
    return value;
  }
};
struct Accumulate {
  static constexpr bool kLastOnly = false;
  template <class A>
  TL_HD A operator()(A before, A value) const {
    return formula::add(before, value);
  }
};
struct MultiplyBy {
  static constexpr bool kLastOnly = false;
  template <class A>
  TL_HD A operator()(A before, A value) const {
    return formula::multiply(before, value);
  }
};
struct KeepSmaller {
  static constexpr bool kLastOnly = false;
  template <class A>
  TL_HD A operator()(A before, A value) const {
    return formula::smaller(before, value);
  }
};
struct KeepLarger {
  static constexpr bool kLastOnly = false;
  template <class A>
  TL_HD A operator()(A before, A value) const {
    return formula::larger(before, value);
  }
};

// Elements that are combined in float are widened; the rest, and mere words, stay as they are.
template <class T>
TL_HD Compute<T> widened(T value) {
  return static_cast<Compute<T>>(value);
}
TL_HD inline Word16 widened(Word16 value) { return value; }

using SortedOffsets = SortedRows<int64_t>;
using OffsetItem = SortedOffsets::Item;

// Is item k the first of those with its key?
__device__ inline bool starts_group(const OffsetItem* items, int64_t k) {
  return k == 0 || items[k].key != items[k - 1].key;
}

}  // namespace tallow::cuda
