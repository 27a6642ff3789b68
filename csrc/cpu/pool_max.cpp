// Maximum pooling: lanes are neighbouring windows of an output row.
#include <limits>

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/pool.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class C>
using TapOf = typename SignedOf<sizeof(C)>::type;

// One output row: rows `begin` to `end` of the windows are inside the image; `first` is column 0 of
// row 0 of window 0.
template <class C>
struct WindowRow {
  const C* first;
  int64_t row_step;     // elements between rows of a window
  int64_t column_step;  // dilation
  int64_t stride;
  int64_t begin, end;
  int64_t columns;            // of a window
  const TapOf<C>* first_tap;  // smallest column of each window that is inside the image
};

template <class C>
struct Maxima {
  Vec<C> value;
  Vec<TapOf<C>> tap;
};

// Windows [w, w + count). A later element wins only if it is larger or, with kNaN, if it is NaN.
// Without kNaN the answer is wrong if a NaN is among the elements; `sum` tells: it is then NaN too.
template <class C, int kStride, int kColumns, bool kTaps, bool kNaN>
TALLOW_INLINE Maxima<C> scan_windows(const WindowRow<C>& row, int64_t w, int64_t count,
                                     Vec<C>& sum) {
  using Tap = TapOf<C>;
  Maxima<C> best{broadcast(-std::numeric_limits<C>::infinity()), Vec<Tap>{}};
  const int64_t columns = kColumns ? kColumns : row.columns;
  if constexpr (kTaps) {
    const Vec<Tap> first = count >= kLanes<C>
                               ? load(row.first_tap + w)
                               : load_partial(row.first_tap + w, static_cast<int>(count));
    best.tap = first + static_cast<Tap>(row.begin * columns);
  }
  for (int64_t i = row.begin; i < row.end; ++i) {
    const C* const from = row.first + i * row.row_step + w * row.stride;
#pragma GCC unroll 3
    for (int64_t j = 0; j < columns; ++j) {
      const Vec<C> value = load_strided<C, kStride>(from + j * row.column_step, row.stride, count);
      Vec<Tap> wins = value > best.value;
      if constexpr (kNaN) {
        wins |= value != value;
      } else {
        sum += value;
      }
      best.value = wins ? value : best.value;
      if constexpr (kTaps) {
        best.tap = wins ? broadcast(static_cast<Tap>(i * columns + j)) : best.tap;
      }
    }
  }
  return best;
}

template <class C, int kStride, int kColumns, bool kTaps>
TALLOW_INLINE Maxima<C> find_maxima(const WindowRow<C>& row, int64_t w, int64_t count) {
  Vec<C> sum{};
  const Maxima<C> best = scan_windows<C, kStride, kColumns, kTaps, false>(row, w, count, sum);
  if (TALLOW_LIKELY(!any(sum != sum))) return best;
  return scan_windows<C, kStride, kColumns, kTaps, true>(row, w, count, sum);
}

// Where the positions of one output row go.
struct IndexRow {
  PoolIndex kind;
  void* to;
  int64_t first;  // flat position of tap 0 of window 0
};

template <class C>
TALLOW_INLINE void store_index(const PoolArgs& args, const IndexRow& row, Vec<TapOf<C>> taps,
                               int64_t w, int64_t count) {
  constexpr int kW = kLanes<C>;
  if (row.kind == PoolIndex::kTap) {
    uint8_t* const to = static_cast<uint8_t*>(row.to) + w;
    const auto bytes = __builtin_convertvector(taps, Vec<uint8_t, kW>);
    if (count >= kW) {
      std::memcpy(to, &bytes, sizeof(bytes));
    } else {
      for (int64_t i = 0; i < count; ++i) to[i] = bytes[i];
    }
    return;
  }
  int64_t* const to = static_cast<int64_t*>(row.to) + w;
  const TapOf<C> columns = static_cast<TapOf<C>>(args.kernel[1]);
  for (int64_t i = 0; i < smaller(count, kW); ++i) {
    const int64_t tap_row = taps[i] / columns;
    const int64_t tap_column = taps[i] - tap_row * columns;
    to[i] = row.first + (w + i) * args.stride[1] + tap_row * args.dilation[0] * args.in_size[1] +
            tap_column * args.dilation[1];
  }
}

template <class T, int kStride, int kColumns, bool kTaps>
void max_row(const PoolArgs& args, const WindowRow<Compute<T>>& row, const IndexRow& index,
             T* out) {
  using C = Compute<T>;
  int64_t w = 0;
  const auto step = [&](int64_t count) {
    const Maxima<C> best = find_maxima<C, kStride, kColumns, kTaps>(row, w, count);
    store_row<T>(out + w, best.value, count);
    if constexpr (kTaps) store_index<C>(args, index, best.tap, w, count);
  };
  for (; w + kLanes<C> <= args.out_size[1]; w += kLanes<C>) step(kLanes<C>);
  if (w < args.out_size[1]) step(args.out_size[1] - w);
}

template <class T>
using MaxRow = void (*)(const PoolArgs&, const WindowRow<Compute<T>>&, const IndexRow&, T*);

template <class T, int kStride, bool kTaps>
MaxRow<T> pick_columns(int64_t columns) {
  if (columns == 2) return max_row<T, kStride, 2, kTaps>;
  if (columns == 3) return max_row<T, kStride, 3, kTaps>;
  return max_row<T, kStride, 0, kTaps>;
}
template <class T, bool kTaps>
MaxRow<T> pick_max_row(int64_t stride, int64_t columns) {
  if (stride == 1) return pick_columns<T, 1, kTaps>(columns);
  if (stride == 2) return pick_columns<T, 2, kTaps>(columns);
  return max_row<T, 0, 0, kTaps>;
}

TALLOW_INLINE int64_t index_bytes(PoolIndex kind) { return kind == PoolIndex::kTap ? 1 : 8; }

template <class T>
Status max_floating(const PoolArgs& args, const T* in, T* out, PoolIndex kind, void* index) {
  using C = Compute<T>;
  const int64_t in_pixels = args.in_size[0] * args.in_size[1];
  const int64_t out_pixels = args.out_size[0] * args.out_size[1];
  const bool staging = needs_stage<T>(args);
  const int64_t pitch = staging ? spanned_columns(args) : args.in_size[1];
  const Scratch<TapOf<C>> first_tap(args.out_size[1]);
  if (!first_tap) return first_tap.failure();
  for (int64_t w = 0; w < args.out_size[1]; ++w) {
    first_tap[w] = static_cast<TapOf<C>>(TapRange(args, 1, w).begin);
  }
  const MaxRow<T> compute_row = kind == PoolIndex::kNone
                                    ? pick_max_row<T, false>(args.stride[1], args.kernel[1])
                                    : pick_max_row<T, true>(args.stride[1], args.kernel[1]);
  const int64_t staged_size = staging ? args.in_size[0] * pitch : 0;
  int64_t failed = 0;
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    const Scratch<C> staged(staged_size);
    if (staging && !staged) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t plane = begin; plane < end; ++plane) {
      const T* const source = in + plane * in_pixels;
      const C* rows = nullptr;
      if (staging) {
        stage_plane(args, source, -std::numeric_limits<C>::infinity(), staged.get());
        rows = staged.get();
      } else if constexpr (sizeof(T) == sizeof(C)) {
        rows = source;
      }
      for (int64_t y = 0; y < args.out_size[0]; ++y) {
        const TapRange taps(args, 0, y);
        const int64_t top = y * args.stride[0] - args.padding[0];
        const WindowRow<C> row{rows + top * pitch, args.dilation[0] * pitch,
                               args.dilation[1],   args.stride[1],
                               taps.begin,         taps.end,
                               args.kernel[1],     first_tap.get()};
        const int64_t position = plane * out_pixels + y * args.out_size[1];
        const IndexRow index_row{kind, static_cast<char*>(index) + position * index_bytes(kind),
                                 top * args.in_size[1] - args.padding[1]};
        compute_row(args, row, index_row, out + position);
      }
    }
  });
  return failed ? out_of_memory(staged_size * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

template <class T>
Status max_integer(const PoolArgs& args, const T* in, T* out, PoolIndex kind, void* index) {
  const int64_t in_pixels = args.in_size[0] * args.in_size[1];
  const int64_t out_pixels = args.out_size[0] * args.out_size[1];
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin * out_pixels; o < end * out_pixels; ++o) {
      const T* const plane = in + o / out_pixels * in_pixels;
      const int64_t y = o % out_pixels / args.out_size[1];
      const int64_t x = o % args.out_size[1];
      const TapRange rows(args, 0, y);
      const TapRange columns(args, 1, x);
      const int64_t top = y * args.stride[0] - args.padding[0];
      const int64_t left = x * args.stride[1] - args.padding[1];
      T best = std::numeric_limits<T>::min();
      int64_t tap = rows.begin * args.kernel[1] + columns.begin;
      const auto position = [&](int64_t i, int64_t j) {
        return (top + i * args.dilation[0]) * args.in_size[1] + left + j * args.dilation[1];
      };
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        for (int64_t j = columns.begin; j < columns.end; ++j) {
          const T value = plane[position(i, j)];
          if (value <= best) continue;
          best = value;
          tap = i * args.kernel[1] + j;
        }
      }
      out[o] = best;
      if (kind == PoolIndex::kTap) static_cast<uint8_t*>(index)[o] = static_cast<uint8_t>(tap);
      if (kind == PoolIndex::kFlat) {
        static_cast<int64_t*>(index)[o] = position(tap / args.kernel[1], tap % args.kernel[1]);
      }
    }
  });
  return Status::kOk;
}

Status max(const PoolArgs& args, const void* in, void* out, PoolIndex kind, void* index) {
  return dispatch(Real{}, args.dtype, "max_pool2d", [&]<class T>() -> Status {
    if constexpr (std::numeric_limits<T>::is_integer) {
      return max_integer(args, static_cast<const T*>(in), static_cast<T*>(out), kind, index);
    } else {
      return max_floating(args, static_cast<const T*>(in), static_cast<T*>(out), kind, index);
    }
  });
}

}  // namespace

void fill_pool_max(PoolKernels& table) { table.max = max; }

}  // namespace tallow::cpu::TALLOW_ISA
