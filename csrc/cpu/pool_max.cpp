// Maximum pooling: lanes are neighbouring windows of an output row.
#include <limits>

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/pool_max_rows.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The windows of one output row: their rows `begin` to `end` are inside the image.
template <class C>
struct WindowRow {
  const C* const* rows;  // staged, see SplitRow
  int64_t begin, end;
  const int64_t* column;  // where tap column j of window 0 lies in a staged row
  int64_t columns;
  const TapOf<C>* first_tap;  // smallest column of each window that is inside the image
};

// A row of windows: their largest elements to `value`, and where they are to `tap`. kColumns 0
// stands for any number.
template <class C, int kColumns, bool kTaps, bool kNaN>
void max_row(const WindowRow<C>& row, int64_t windows, C* value, TapOf<C>* tap) {
  using Tap = TapOf<C>;
  const int64_t columns = kColumns ? kColumns : row.columns;
  for (int64_t w = 0; w < windows; w += kLanes<C>) {
    Maxima<C, kTaps, kNaN> best;
    if constexpr (kTaps) best.tap = load(row.first_tap + w) + static_cast<Tap>(row.begin * columns);
    for (int64_t i = row.begin; i < row.end; ++i) {
#pragma GCC unroll 3
      for (int64_t j = 0; j < columns; ++j) {
        best.take(load(row.rows[i] + row.column[j] + w), i * columns + j);
      }
    }
    store_row(value + w, best.value, windows - w);
    if constexpr (kTaps) store(tap + w, best.tap);
  }
}

template <class C>
using MaxRow = void (*)(const WindowRow<C>&, int64_t, C*, TapOf<C>*);

template <class C, bool kTaps>
MaxRow<C> pick_max_row(int64_t columns) {
  if (columns == 2) return max_row<C, 2, kTaps, false>;
  if (columns == 3) return max_row<C, 3, kTaps, false>;
  return max_row<C, 0, kTaps, false>;
}

// What all planes share.
template <class C>
struct MaxPlan {
  SplitRow split;
  int64_t ring;       // staged rows that are kept: as many as a window spans
  int64_t out_width;  // rounded up to whole vectors
  MaxRow<C> without_nan, with_nan;
  // Null if windows do not halve the image. Nothing is padded or dilated then.
  bool (*halve)(const C*, int64_t, int64_t, int64_t, C*, TapOf<C>*) = nullptr;
  // Null if windows are not 3 x 3 at stride 2 with a border of 1.
  bool (*three)(const C*, int64_t, int64_t, bool, int64_t, const TapOf<C>*, Kept<C>&, C*,
                TapOf<C>*) = nullptr;
  Scratch<int64_t> column, tap_offset;
  Scratch<TapOf<C>> first_tap;

  MaxPlan(const PoolArgs& args, PoolIndex kind)
      : split(args, C(0)),
        ring(smaller(args.in_size[0], (args.kernel[0] - 1) * args.dilation[0] + 1)),
        out_width((args.out_size[1] + kLanes<C> - 1) / kLanes<C> * kLanes<C>),
        column(args.kernel[1]),
        tap_offset(kind == PoolIndex::kFlat ? args.kernel[0] * args.kernel[1] : 1),
        first_tap(out_width) {
    if (!*this) return;
    const bool taps = kind != PoolIndex::kNone;
    without_nan =
        taps ? pick_max_row<C, true>(args.kernel[1]) : pick_max_row<C, false>(args.kernel[1]);
    with_nan = taps ? max_row<C, 0, true, true> : max_row<C, 0, false, true>;
    if (args.kernel[1] == 2 && args.stride[1] == 2 && args.dilation[0] == 1 &&
        args.dilation[1] == 1 && args.padding[0] == 0 && spanned_columns(args) <= args.in_size[1] &&
        args.padding[1] == 0) {
      halve = taps ? halve_row<C, true> : halve_row<C, false>;
    }
    if (is_three(args, 0) && is_three(args, 1)) {
      three = taps ? three_rows<C, true> : three_rows<C, false>;
    }
    for (int64_t j = 0; j < args.kernel[1]; ++j) column[j] = split.at(j * args.dilation[1]);
    for (int64_t w = 0; w < out_width; ++w) {
      first_tap[w] =
          w < args.out_size[1] ? static_cast<TapOf<C>>(TapRange(args, 1, w).begin) : TapOf<C>(0);
    }
    for (int64_t t = 0; kind == PoolIndex::kFlat && t < args.kernel[0] * args.kernel[1]; ++t) {
      tap_offset[t] = t / args.kernel[1] * args.dilation[0] * args.in_size[1] +
                      t % args.kernel[1] * args.dilation[1];
    }
  }
  // No window begins behind the image, then.
  static bool is_three(const PoolArgs& args, int dimension) {
    return args.kernel[dimension] == 3 && args.stride[dimension] == 2 &&
           args.padding[dimension] == 1 && args.dilation[dimension] == 1 &&
           2 * args.out_size[dimension] <= args.in_size[dimension] + 1;
  }
  explicit operator bool() const { return column && tap_offset && first_tap; }
  Status failure() const {
    return column ? tap_offset ? first_tap.failure() : tap_offset.failure() : column.failure();
  }
};

// What a task works with: staged rows, and one row of results.
template <class C>
struct MaxBuffers {
  Scratch<C> values;       // the ring, then the row of maxima and the kept one
  Scratch<TapOf<C>> taps;  // the same two
  Scratch<const C*> rows;
  Scratch<bool> nan;  // of each staged row

  MaxBuffers(const PoolArgs& args, const MaxPlan<C>& plan)
      : values(plan.ring * plan.split.size() + 2 * plan.out_width),
        taps(2 * plan.out_width),
        rows(args.kernel[0]),
        nan(plan.ring) {}
  explicit operator bool() const { return values && taps && rows && nan; }
};

TALLOW_INLINE int64_t index_bytes(PoolIndex kind) {
  return kind == PoolIndex::kNone ? 0 : kind == PoolIndex::kTap ? 1 : 8;
}

// Where the positions of one output row go.
struct IndexRow {
  PoolIndex kind;
  void* to;
  int64_t first;  // flat position of tap 0 of window 0
};

template <class C>
void store_index(const PoolArgs& args, const MaxPlan<C>& plan, const IndexRow& row,
                 const TapOf<C>* taps) {
  if (row.kind == PoolIndex::kTap) {
    uint8_t* const to = static_cast<uint8_t*>(row.to);
    for (int64_t w = 0; w < args.out_size[1]; ++w) to[w] = static_cast<uint8_t>(taps[w]);
  } else if (row.kind == PoolIndex::kFlat) {
    int64_t* const to = static_cast<int64_t*>(row.to);
    for (int64_t w = 0; w < args.out_size[1]; ++w) {
      to[w] = row.first + w * args.stride[1] + plan.tap_offset[taps[w]];
    }
  }
}

// Stages what rows of windows need, each row of the image once, in the slots of a ring.
template <class T>
class RowStager {
  using C = Compute<T>;

 public:
  RowStager(const PoolArgs& args, const MaxPlan<C>& plan, const MaxBuffers<C>& buffers,
            const T* image)
      : args_(args), plan_(plan), buffers_(buffers), image_(image) {}

  // Makes buffers.rows[i] point to tap row i of windows that begin at row `top`. Is there a NaN?
  bool stage(int64_t top, const TapRange& taps) {
    const int64_t dilation = args_.dilation[0];
    if (next_ < top) {
      next_ = top;
      next_slot_ = top % plan_.ring;
    }
    for (; next_ <= top + (taps.end - 1) * dilation; ++next_) {
      buffers_.nan[next_slot_] =
          stage_rows(args_, image_ + next_ * args_.in_size[1], 1, 0,
                     -std::numeric_limits<C>::infinity(), plan_.split, slot(next_slot_));
      if (++next_slot_ == plan_.ring) next_slot_ = 0;
    }
    bool nan = false;
    int64_t at = (top + taps.begin * dilation) % plan_.ring;
    for (int64_t i = taps.begin; i < taps.end; ++i) {
      buffers_.rows[i] = slot(at);
      nan = nan || buffers_.nan[at];
      at += dilation;
      while (at >= plan_.ring) at -= plan_.ring;
    }
    return nan;
  }

 private:
  C* slot(int64_t i) const { return buffers_.values.get() + i * plan_.split.size(); }

  const PoolArgs& args_;
  const MaxPlan<C>& plan_;
  const MaxBuffers<C>& buffers_;
  const T* image_;
  int64_t next_ = 0, next_slot_ = 0;
};

template <class T>
void max_plane(const PoolArgs& args, const MaxPlan<Compute<T>>& plan,
               const MaxBuffers<Compute<T>>& buffers, const T* in, T* out, PoolIndex kind,
               char* index) {
  using C = Compute<T>;
  constexpr bool kWiden = sizeof(T) != sizeof(C);
  const int64_t windows = args.out_size[1];
  RowStager<T> stager(args, plan, buffers, in);
  Kept<C> kept{buffers.values.get() + plan.ring * plan.split.size() + plan.out_width,
               buffers.taps.get() + plan.out_width, false};
  for (int64_t y = 0; y < args.out_size[0]; ++y, out += windows) {
    const TapRange taps(args, 0, y);
    const int64_t top = y * args.stride[0] - args.padding[0];
    C* maxima = buffers.values.get() + plan.ring * plan.split.size();
    if constexpr (!kWiden) maxima = out;
    bool done = false;
    if constexpr (!kWiden) {
      if (plan.halve) {
        done = !plan.halve(in + top * args.in_size[1], args.in_size[1], taps.end - taps.begin,
                           windows, maxima, buffers.taps.get());
      } else if (plan.three) {
        done = !plan.three(in + (top + 1) * args.in_size[1], args.in_size[1], taps.end - 1, y > 0,
                           windows, plan.first_tap.get(), kept, maxima, buffers.taps.get());
      }
    }
    if (!done) {
      const bool nan = stager.stage(top, taps);
      const WindowRow<C> row{buffers.rows.get(), taps.begin,     taps.end,
                             plan.column.get(),  args.kernel[1], plan.first_tap.get()};
      (nan ? plan.with_nan : plan.without_nan)(row, windows, maxima, buffers.taps.get());
    }
    for (int64_t w = 0; kWiden && w < windows; w += kLanes<C>) {
      store_row(out + w, load(maxima + w), windows - w);
    }
    store_index(
        args, plan,
        {kind, index + y * windows * index_bytes(kind), top * args.in_size[1] - args.padding[1]},
        buffers.taps.get());
  }
}

template <class T>
Status max_floating(const PoolArgs& args, const T* in, T* out, PoolIndex kind, void* index) {
  using C = Compute<T>;
  const int64_t in_pixels = args.in_size[0] * args.in_size[1];
  const int64_t out_pixels = args.out_size[0] * args.out_size[1];
  const MaxPlan<C> plan(args, kind);
  if (!plan) return plan.failure();
  int64_t failed = 0;
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    const MaxBuffers<C> buffers(args, plan);
    if (!buffers) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t plane = begin; plane < end; ++plane) {
      max_plane(args, plan, buffers, in + plane * in_pixels, out + plane * out_pixels, kind,
                static_cast<char*>(index) + plane * out_pixels * index_bytes(kind));
    }
  });
  return failed ? out_of_memory(plan.ring * plan.split.size() * static_cast<int64_t>(sizeof(C)))
                : Status::kOk;
}

template <class T>
Status max_integer(const PoolArgs& args, const T* in, T* out, PoolIndex kind, void* index) {
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    for (int64_t w = begin * out_pixels(args); w < end * out_pixels(args); ++w) {
      const T* const plane = in + plane_at(args, w / out_pixels(args), in_pixels(args));
      const int64_t y = w % out_pixels(args) / args.out_size[1];
      const int64_t x = w % args.out_size[1];
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
          const T value = plane[position(i, j) * args.interleaved];
          if (value <= best) continue;
          best = value;
          tap = i * args.kernel[1] + j;
        }
      }
      const int64_t o = plane_at(args, w / out_pixels(args), out_pixels(args)) +
                        w % out_pixels(args) * args.interleaved;
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
      if (interleaved(args)) return pool_max_interleaved(args, in, out, kind, index);
      return max_floating(args, static_cast<const T*>(in), static_cast<T*>(out), kind, index);
    }
  });
}

}  // namespace

void fill_pool_max(PoolKernels& table) { table.max = max; }

}  // namespace tallow::cpu::TALLOW_ISA
