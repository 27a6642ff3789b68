// What the pooling files share: access to the rows of an image as the arithmetic type, and their
// staging for windows that are lanes.
#pragma once

#include <cstdint>
#include <limits>

#include "backend/pool.h"
#include "core/types.h"
#include "cpu/simd.h"
#include "cpu/simd_pairs.h"

namespace tallow::cpu::TALLOW_ISA {

void fill_pool_max(PoolKernels& table);
void fill_pool_max_backward(PoolKernels& table);
void fill_pool_average(PoolKernels& table);
void fill_pool_adaptive(PoolKernels& table);

// Kernels for interleaved planes of floating types.
Status pool_max_interleaved(const PoolArgs& args, const void* in, void* out, PoolIndex kind,
                            void* index);
Status pool_average_interleaved(const PoolArgs& args, bool count_padding, int64_t divisor,
                                const void* in, void* out);
Status pool_average_backward_interleaved(const PoolArgs& args, bool count_padding, int64_t divisor,
                                         const void* grad_out, void* grad_in);

namespace {

TALLOW_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
TALLOW_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

// Planes that make a task worth handing to another thread.
TALLOW_INLINE int64_t planes_per_task(const PoolArgs& args) {
  return 32768 / (args.in_size[0] * args.in_size[1] + 1) + 1;
}

// Planes whose pixels lie side by side, as in channels_last images.
TALLOW_INLINE bool interleaved(const PoolArgs& args) { return args.interleaved > 1; }
// Where the first pixel of a plane is among images of `pixels` pixels; its others follow
// args.interleaved elements apart.
TALLOW_INLINE int64_t plane_at(const PoolArgs& args, int64_t plane, int64_t pixels) {
  return plane / args.interleaved * args.interleaved * pixels + plane % args.interleaved;
}
TALLOW_INLINE int64_t in_pixels(const PoolArgs& args) { return args.in_size[0] * args.in_size[1]; }
TALLOW_INLINE int64_t out_pixels(const PoolArgs& args) {
  return args.out_size[0] * args.out_size[1];
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

// Asks for what lies 8 KB behind, some rows or the next image: the processor by itself looks a page
// ahead at most, too little where images come from memory.
template <class C>
TALLOW_INLINE void prefetch_ahead(const C* at) {
  __builtin_prefetch(reinterpret_cast<const char*>(at) + 8192);
}

// One dimension of the windows of an output row or column: taps [begin, end) are inside the image.
struct TapRange {
  int64_t begin, end;
  TALLOW_INLINE TapRange(const PoolArgs& args, int dimension, int64_t window) {
    const int64_t first = window * args.stride[dimension] - args.padding[dimension];
    const int64_t left = args.in_size[dimension] - first;
    const int64_t dilation = args.dilation[dimension];
    const int64_t kernel = args.kernel[dimension];
    begin = first >= 0 ? 0 : (-first + dilation - 1) / dilation;
    end = left > (kernel - 1) * dilation ? kernel : left > 0 ? (left + dilation - 1) / dilation : 0;
    end = larger(end, begin);
  }
};

template <class C>
using TapOf = typename SignedOf<sizeof(C)>::type;

// Taps are kept as bytes. The compiler's own conversion goes lane by lane.
template <class N>
using TapBytes = Vec<uint8_t, kLanes<N>>;
template <class N>
TALLOW_INLINE TapBytes<N> tap_bytes(Vec<N> taps) {
#if TALLOW_ISA_LEVEL == 2
  if constexpr (sizeof(N) == 4) {
    return bits_as<TapBytes<N>>(_mm512_maskz_cvtepi32_epi8(simd::kAll16, bits_as<__m512i>(taps)));
  }
#endif
  return __builtin_convertvector(taps, TapBytes<N>);
}
TALLOW_INLINE Vec<int32_t> taps_of(TapBytes<int32_t> bytes) {
#if TALLOW_ISA_LEVEL == 2
  return bits_as<Vec<int32_t>>(_mm512_maskz_cvtepu8_epi32(simd::kAll16, bits_as<__m128i>(bytes)));
#elif TALLOW_ISA_LEVEL == 1
  __m128i low{};
  std::memcpy(&low, &bytes, sizeof(bytes));
  return bits_as<Vec<int32_t>>(_mm256_cvtepu8_epi32(low));
#else
  return __builtin_convertvector(bytes, Vec<int32_t>);
#endif
}

// The largest elements so far of as many windows as there are lanes, and their taps.
template <class C, bool kTaps, bool kNaN>
struct Maxima {
  Vec<C> value = broadcast(-std::numeric_limits<C>::infinity());
  Vec<TapOf<C>> tap{};
  // A later element wins only if it is larger or, with kNaN, if it is NaN.
  TALLOW_INLINE void take(Vec<C> x, int64_t x_tap) {
    if constexpr (!kTaps && !kNaN) {
      value = larger_or_first(value, x);
    } else {
      Vec<TapOf<C>> wins = x > value;
      if constexpr (kNaN) wins |= x != x;
      value = wins ? x : value;
      if constexpr (kTaps) tap = wins ? broadcast(static_cast<TapOf<C>>(x_tap)) : tap;
    }
  }
};

// Elements of a window along one dimension that its average is divided by.
TALLOW_INLINE int64_t counted(const PoolArgs& args, int dimension, int64_t window,
                              bool count_padding) {
  if (!count_padding) {
    const TapRange taps(args, dimension, window);
    return taps.end - taps.begin;
  }
  const int64_t first = window * args.stride[dimension] - args.padding[dimension];
  return smaller(args.kernel[dimension], args.in_size[dimension] + args.padding[dimension] - first);
}

// For all windows of a row, and some more to make whole vectors.
template <class C>
void list_divisors(const PoolArgs& args, bool count_padding, int64_t divisor, C* columns) {
  for (int64_t w = 0; w < args.out_size[1] + kLanes<C>; ++w) {
    const bool exists = w < args.out_size[1];
    columns[w] = static_cast<C>(divisor  ? divisor
                                : exists ? counted(args, 1, w, count_padding)
                                         : 1);
  }
}

// Columns that the windows of an output row span, the padded border included.
TALLOW_INLINE int64_t spanned_columns(const PoolArgs& args) {
  return (args.out_size[1] - 1) * args.stride[1] + (args.kernel[1] - 1) * args.dilation[1] + 1;
}

// The first `count` <= 2 * lanes of a[0], b[0], a[1], b[1] ...
template <class T, class V>
TALLOW_INLINE void store_interleaved(T* to, V a, V b, int64_t count) {
  constexpr int kW = sizeof(V) / sizeof(a[0]);
  const Pair<V> joined = join_pairs(a, b);
  store_row(to, joined.low, count);
  if (count > kW) store_row(to + kW, joined.high, count - kW);
}

// Image rows are staged split by column modulo the stride: column x of the image, padding counted,
// is element x / stride of part x % stride. Tap j of neighbouring windows then lies in neighbouring
// elements, whatever the stride.
struct SplitRow {
  int64_t stride, pitch;  // of the parts
  template <class C>
  TALLOW_INLINE SplitRow(const PoolArgs& args, C)
      : stride(args.stride[1]), pitch(spanned_columns(args) / stride + 1 + 2 * kLanes<C>) {}
  int64_t size() const { return stride * pitch; }
  TALLOW_INLINE int64_t at(int64_t column) const {
    return column % stride * pitch + column / stride;
  }
};

// Writes the sum of `rows` image rows, `step` apart, to a split row, with `border` around it. Is
// there a NaN among the sums? (True also where infinities of both signs meet.)
template <class T>
bool stage_rows(const PoolArgs& args, const T* from, int64_t rows, int64_t step, Compute<T> border,
                const SplitRow& split, Compute<T>* to) {
  using C = Compute<T>;
  constexpr int kW = kLanes<C>;
  const int64_t left = args.padding[1];
  const int64_t span = spanned_columns(args);
  const int64_t columns = larger(smaller(args.in_size[1], span - left), 0);
  Vec<C> all{};
  const auto whole_at = [&](int64_t x) {
    Vec<C> sum = load_row(from + x, kW);
    for (int64_t i = 1; i < rows; ++i) sum += load_row(from + i * step + x, kW);
    all += sum;
    return sum;
  };
  const auto sum_at = [&](int64_t x) {
    if (x + kW <= columns) return whole_at(x);
    Vec<C> sum{};
    for (int64_t i = 0; x < columns && i < rows; ++i) {
      sum += load_row(from + i * step + x, columns - x);
    }
    all += sum;
    return sum;
  };
  for (int64_t p = 0; p < left; ++p) to[split.at(p)] = border;
  int64_t x = 0;
  if (split.stride == 1) {
    for (; x + kW <= columns; x += kW) store(to + left + x, whole_at(x));
    if (x < columns) store(to + left + x, sum_at(x));
  } else if (split.stride == 2) {
    if (left % 2 == 1 && columns > 0) to[split.at(left + x++)] = sum_at(0)[0];
    C* even = to + (left + 1) / 2;
    const auto store_parts = [&](Vec<C> a, Vec<C> b) {
      store(even, even_elements(a, b));
      store(even + split.pitch, odd_elements(a, b));
      even += kW;
    };
    for (; x + 2 * kW <= columns; x += 2 * kW) store_parts(whole_at(x), whole_at(x + kW));
    if (x < columns) store_parts(sum_at(x), sum_at(x + kW));
  } else {
    int64_t part = left % split.stride, element = left / split.stride;
    for (; x < columns; x += kW) {
      const Vec<C> sum = sum_at(x);
      for (int64_t i = 0; i < smaller(kW, columns - x); ++i) {
        to[part * split.pitch + element] = sum[i];
        if (++part == split.stride) {
          part = 0;
          ++element;
        }
      }
    }
  }
  for (int64_t p = left + columns; p < span; ++p) to[split.at(p)] = border;
  return any(all != all);
}

// The windows [first, last] that cover row or column `i`, not spread; none if first > last.
struct Covering {
  int64_t first, last;
  TALLOW_INLINE Covering(const PoolArgs& args, int d, int64_t i) {
    const int64_t place = i + args.padding[d];
    const int64_t reach = place - args.kernel[d] + 1;
    first = reach > 0 ? (reach + args.stride[d] - 1) / args.stride[d] : 0;
    last = smaller(place / args.stride[d], args.out_size[d] - 1);
  }
};

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
