// What the pooling files share: access to the rows of an image as the arithmetic type, and to every
// stride-th element of them as vectors.
#pragma once

#include <cstdint>

#include "backend/pool.h"
#include "core/types.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {

void fill_pool_max(PoolKernels& table);
void fill_pool_max_backward(PoolKernels& table);
void fill_pool_average(PoolKernels& table);
void fill_pool_adaptive(PoolKernels& table);

namespace {

TALLOW_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
TALLOW_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

// Planes that make a task worth handing to another thread.
TALLOW_INLINE int64_t planes_per_task(const PoolArgs& args) {
  return 65536 / (args.in_size[0] * args.in_size[1] + 1) + 1;
}

// Elements [i, i + lanes) of a row of any floating storage as vectors of the arithmetic type.
template <class T>
TALLOW_INLINE Vec<Compute<T>> load_row(const T* from, int64_t count) {
  using C = Compute<T>;
  if constexpr (sizeof(T) == 2) {
    return count >= kLanes<C> ? load_float(from)
                              : load_float_partial(from, static_cast<int>(count));
  } else {
    return count >= kLanes<C> ? load(from) : load_partial(from, static_cast<int>(count));
  }
}
template <class T>
TALLOW_INLINE void store_row(T* to, Vec<Compute<T>> value, int64_t count) {
  using C = Compute<T>;
  if constexpr (sizeof(T) == 2) {
    if (count >= kLanes<C>) {
      store_float(to, value);
    } else {
      store_float_partial(to, value, static_cast<int>(count));
    }
  } else {
    if (count >= kLanes<C>) {
      store(to, value);
    } else {
      store_partial(to, value, static_cast<int>(count));
    }
  }
}

// Elements 0, 2, 4 ... of the sequence of which `a` holds the first lanes and `b` those from number
// lanes - 1 on.
template <class V>
TALLOW_INLINE V every_second(V a, V b) {
  constexpr int kCount = sizeof(V) / sizeof(a[0]);
  if constexpr (kCount == 16) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
  } else if constexpr (kCount == 8) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 9, 11, 13, 15);
  } else if constexpr (kCount == 4) {
    return __builtin_shufflevector(a, b, 0, 2, 5, 7);
  } else {
    return __builtin_shufflevector(a, b, 0, 3);
  }
}

// The elements 0, stride, 2 * stride ... of a row, `count` <= lanes of them; touches none beyond
// the last. kStride 0 stands for any stride.
template <class C, int kStride>
TALLOW_INLINE Vec<C> load_strided(const C* from, int64_t stride, int64_t count) {
  constexpr int kW = kLanes<C>;
  if constexpr (kStride == 1) {
    return count >= kW ? load(from) : load_partial(from, static_cast<int>(count));
  } else if constexpr (kStride == 2) {
    if (count >= kW) return every_second(load(from), load(from + kW - 1));
    const int span = static_cast<int>(2 * count - 1);
    if (span < kW) return every_second(load_partial(from, span), Vec<C>{});
    return every_second(load(from), load_partial(from + kW - 1, span - kW + 1));
  } else {
    Vec<C> value{};
    for (int64_t i = 0; i < smaller(count, kW); ++i) value[i] = from[i * stride];
    return value;
  }
}

// One dimension of the windows of an output row or column: taps [begin, end) are inside the image.
struct TapRange {
  int64_t begin, end;
  TALLOW_INLINE TapRange(const PoolArgs& args, int dimension, int64_t window) {
    const int64_t first = window * args.stride[dimension] - args.padding[dimension];
    const int64_t dilation = args.dilation[dimension];
    begin = first >= 0 ? 0 : (-first + dilation - 1) / dilation;
    const int64_t left = args.in_size[dimension] - first;
    end = left > 0 ? smaller(args.kernel[dimension], (left + dilation - 1) / dilation) : 0;
    end = larger(end, begin);
  }
};

// Columns that the windows of an output row span, the padded border included.
TALLOW_INLINE int64_t spanned_columns(const PoolArgs& args) {
  return (args.out_size[1] - 1) * args.stride[1] + (args.kernel[1] - 1) * args.dilation[1] + 1;
}

// Must rows be copied before vectors of windows can read them?
template <class T>
TALLOW_INLINE bool needs_stage(const PoolArgs& args) {
  return sizeof(T) == 2 || args.padding[1] > 0 || spanned_columns(args) > args.in_size[1];
}

// Copies a plane to rows of spanned_columns() elements; `border` fills what is outside the image.
template <class T>
void stage_plane(const PoolArgs& args, const T* plane, Compute<T> border, Compute<T>* staged) {
  using C = Compute<T>;
  const int64_t pitch = spanned_columns(args);
  const int64_t left = args.padding[1];
  const int64_t columns = larger(smaller(args.in_size[1], pitch - left), 0);
  for (int64_t y = 0; y < args.in_size[0]; ++y, staged += pitch, plane += args.in_size[1]) {
    for (int64_t x = 0; x < left; ++x) staged[x] = border;
    for (int64_t x = 0; x < columns; x += kLanes<C>) {
      store_row<C>(staged + left + x, load_row(plane + x, columns - x), columns - x);
    }
    for (int64_t x = left + columns; x < pitch; ++x) staged[x] = border;
  }
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
