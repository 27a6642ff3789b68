// Average pooling: lanes are neighbouring windows of an output row.
#include <limits>

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/pool.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

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

// The divisors of an output row are rows * columns[w].
template <class C>
struct Divisors {
  C rows;
  const C* columns;
  TALLOW_INLINE Vec<C> at(int64_t w, int64_t count) const {
    const Vec<C> vector =
        count >= kLanes<C> ? load(columns + w) : load_partial(columns + w, static_cast<int>(count));
    return vector * broadcast(rows);
  }
};

template <class C>
void list_divisors(const PoolArgs& args, bool count_padding, int64_t divisor, C* columns) {
  for (int64_t w = 0; w < args.out_size[1]; ++w) {
    columns[w] =
        divisor ? static_cast<C>(divisor) : static_cast<C>(counted(args, 1, w, count_padding));
  }
}

template <class T, int kStride>
void average_row(const PoolArgs& args, const Compute<T>* first, int64_t pitch, TapRange taps,
                 const Divisors<Compute<T>>& divisors, T* out) {
  using C = Compute<T>;
  for (int64_t w = 0; w < args.out_size[1]; w += kLanes<C>) {
    const int64_t count = args.out_size[1] - w;
    Vec<C> sum{};
    for (int64_t i = taps.begin; i < taps.end; ++i) {
      const C* const from = first + i * pitch + w * args.stride[1];
      for (int64_t j = 0; j < args.kernel[1]; ++j) {
        sum += load_strided<C, kStride>(from + j, args.stride[1], count);
      }
    }
    store_row<T>(out + w, sum / divisors.at(w, count), count);
  }
}

template <class T>
Status average_floating(const PoolArgs& args, bool count_padding, int64_t divisor, const T* in,
                        T* out) {
  using C = Compute<T>;
  const int64_t in_pixels = args.in_size[0] * args.in_size[1];
  const bool staging = needs_stage<T>(args);
  const int64_t pitch = staging ? spanned_columns(args) : args.in_size[1];
  const Scratch<C> columns(args.out_size[1]);
  if (!columns) return columns.failure();
  list_divisors(args, count_padding, divisor, columns.get());
  const auto compute_row = args.stride[1] == 1   ? average_row<T, 1>
                           : args.stride[1] == 2 ? average_row<T, 2>
                                                 : average_row<T, 0>;
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
        stage_plane(args, source, C(0), staged.get());
        rows = staged.get();
      } else if constexpr (sizeof(T) == sizeof(C)) {
        rows = source;
      }
      for (int64_t y = 0; y < args.out_size[0]; ++y) {
        const int64_t counted_rows = divisor ? 1 : counted(args, 0, y, count_padding);
        compute_row(args, rows + (y * args.stride[0] - args.padding[0]) * pitch, pitch,
                    TapRange(args, 0, y), {static_cast<C>(counted_rows), columns.get()},
                    out + (plane * args.out_size[0] + y) * args.out_size[1]);
      }
    }
  });
  return failed ? out_of_memory(staged_size * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

Status average_integer(const PoolArgs& args, bool count_padding, int64_t divisor, const int64_t* in,
                       int64_t* out) {
  const int64_t in_pixels = args.in_size[0] * args.in_size[1];
  const int64_t out_pixels = args.out_size[0] * args.out_size[1];
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin * out_pixels; o < end * out_pixels; ++o) {
      const int64_t y = o % out_pixels / args.out_size[1];
      const int64_t x = o % args.out_size[1];
      const TapRange rows(args, 0, y);
      const TapRange columns(args, 1, x);
      const int64_t* const first = in + o / out_pixels * in_pixels +
                                   (y * args.stride[0] - args.padding[0]) * args.in_size[1] +
                                   x * args.stride[1] - args.padding[1];
      uint64_t sum = 0;  // wraps around
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        for (int64_t j = columns.begin; j < columns.end; ++j) {
          sum += static_cast<uint64_t>(first[i * args.in_size[1] + j]);
        }
      }
      const int64_t count =
          divisor ? divisor
                  : counted(args, 0, y, count_padding) * counted(args, 1, x, count_padding);
      out[o] = count ? static_cast<int64_t>(sum) / count : 0;
    }
  });
  return Status::kOk;
}

Status average(const PoolArgs& args, bool count_padding, int64_t divisor, const void* in,
               void* out) {
  using Supported = Types<float, double, Half, BFloat16, int64_t>;
  return dispatch(Supported{}, args.dtype, "avg_pool2d", [&]<class T>() -> Status {
    if constexpr (std::numeric_limits<T>::is_integer) {
      return average_integer(args, count_padding, divisor, static_cast<const int64_t*>(in),
                             static_cast<int64_t*>(out));
    } else {
      return average_floating(args, count_padding, divisor, static_cast<const T*>(in),
                              static_cast<T*>(out));
    }
  });
}

// ---- Backward. A plane's sums are kept split by column modulo the stride, so that the shares of
// neighbouring windows are added to neighbouring elements.

template <class C>
struct SplitPlane {
  C* data;
  int64_t stride;
  int64_t pitch;  // of one row of one residue
  TALLOW_INLINE C* row(int64_t y, int64_t residue) const {
    return data + (y * stride + residue) * pitch;
  }
};

template <class T>
void spread_row(const PoolArgs& args, const T* grad, int64_t y,
                const Divisors<Compute<T>>& divisors, const SplitPlane<Compute<T>>& sums) {
  using C = Compute<T>;
  const TapRange taps(args, 0, y);
  const int64_t top = y * args.stride[0] - args.padding[0];
  for (int64_t w = 0; w < args.out_size[1]; w += kLanes<C>) {
    const int64_t count = args.out_size[1] - w;
    Vec<C> share = load_row(grad + w, count) / divisors.at(w, count);
    if (count < kLanes<C>) {
      for (int64_t i = count; i < kLanes<C>; ++i) share[i] = C(0);
    }
    for (int64_t i = taps.begin; i < taps.end; ++i) {
      for (int64_t j = 0; j < args.kernel[1]; ++j) {
        C* const to = sums.row(top + i, j % args.stride[1]) + j / args.stride[1] + w;
        store(to, load(to) + share);
      }
    }
  }
}

template <class T>
Status average_backward_typed(const PoolArgs& args, bool count_padding, int64_t divisor,
                              const T* grad_out, T* grad_in) {
  using C = Compute<T>;
  const int64_t stride = args.stride[1];
  const Scratch<C> columns(args.out_size[1]);
  if (!columns) return columns.failure();
  list_divisors(args, count_padding, divisor, columns.get());
  // Wide enough for every image column and for the last vector of windows at the last tap.
  const int64_t pitch = larger(args.out_size[1] + (args.kernel[1] - 1) / stride + kLanes<C>,
                               (args.in_size[1] + args.padding[1]) / stride + 1);
  const int64_t size = args.in_size[0] * stride * pitch;
  int64_t failed = 0;
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    const Scratch<C> scratch(size);
    if (!scratch) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    const SplitPlane<C> sums{scratch.get(), stride, pitch};
    for (int64_t plane = begin; plane < end; ++plane) {
      for (int64_t i = 0; i < size; ++i) scratch[i] = C(0);
      for (int64_t y = 0; y < args.out_size[0]; ++y) {
        const int64_t rows = divisor ? 1 : counted(args, 0, y, count_padding);
        spread_row(args, grad_out + (plane * args.out_size[0] + y) * args.out_size[1], y,
                   {static_cast<C>(rows), columns.get()}, sums);
      }
      T* to = grad_in + plane * args.in_size[0] * args.in_size[1];
      for (int64_t y = 0; y < args.in_size[0]; ++y) {
        int64_t residue = args.padding[1] % stride;
        int64_t element = args.padding[1] / stride;
        for (int64_t x = 0; x < args.in_size[1]; ++x) {
          *to++ = static_cast<T>(sums.row(y, residue)[element]);
          if (++residue == stride) {
            residue = 0;
            ++element;
          }
        }
      }
    }
  });
  return failed ? out_of_memory(size * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

Status average_backward(const PoolArgs& args, bool count_padding, int64_t divisor,
                        const void* grad_out, void* grad_in) {
  return dispatch(FloatingAndHalf{}, args.dtype, "avg_pool2d_backward", [&]<class T>() -> Status {
    return average_backward_typed(args, count_padding, divisor, static_cast<const T*>(grad_out),
                                  static_cast<T*>(grad_in));
  });
}

}  // namespace

void fill_pool_average(PoolKernels& table) {
  table.average = average;
  table.average_backward = average_backward;
}

}  // namespace tallow::cpu::TALLOW_ISA
