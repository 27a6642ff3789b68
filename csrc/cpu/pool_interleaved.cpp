// Pooling of images whose channels are neighbours: lanes are channels, whatever the windows look
// like, and nothing is staged. Every element is computed in the order of the kernels for contiguous
// images, so that the bits are the same.
#include <limits>

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/pool.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Calls body(image, row) for all output rows of all images.
template <class Body>
void for_rows(const PoolArgs& args, const Body& body) {
  const int64_t rows = args.out_size[0];
  const int64_t work = args.interleaved * args.in_size[0] * args.in_size[1] / rows + 1;
  parallel_for(args.planes / args.interleaved * rows, 65536 / work + 1,
               [&](int64_t begin, int64_t end) {
                 for (int64_t t = begin; t < end; ++t) body(t / rows, t % rows);
               });
}

// The elements that one window covers: pixel (i, j) at data[(i * row + j * column) * channels].
template <class T>
struct Covered {
  const T* data;  // tap (0, 0), perhaps outside of the image
  int64_t row, column;
  TapRange rows, columns;

  TALLOW_INLINE Covered(const PoolArgs& args, const T* image, int64_t y, int64_t x)
      : data(image + ((y * args.stride[0] - args.padding[0]) * args.in_size[1] +
                      x * args.stride[1] - args.padding[1]) *
                         args.interleaved),
        row(args.dilation[0] * args.in_size[1] * args.interleaved),
        column(args.dilation[1] * args.interleaved),
        rows(args, 0, y),
        columns(args, 1, x) {}
  TALLOW_INLINE const T* at(int64_t i, int64_t j) const { return data + i * row + j * column; }
};

// ---- Maxima: the first of equals, or the last NaN.

// The maxima of kVectors vectors of channels from `channel` on, the last of `count` channels.
// Answers whether there may be a NaN; unless kNaN, the results are useless then.
template <class T, bool kTaps, bool kNaN, int kVectors>
TALLOW_INLINE bool max_lanes(const PoolArgs& args, const Covered<T>& window, int64_t channel,
                             int64_t count, Maxima<Compute<T>, kTaps, kNaN> (&best)[kVectors]) {
  using C = Compute<T>;
  using Tap = TapOf<C>;
  if constexpr (kTaps) {
    const int64_t first = window.rows.begin * args.kernel[1] + window.columns.begin;
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) best[v].tap = broadcast(static_cast<Tap>(first));
  }
  Vec<C> sum[kVectors] = {};
  for (int64_t i = window.rows.begin; i < window.rows.end; ++i) {
    for (int64_t j = window.columns.begin; j < window.columns.end; ++j) {
      const T* const from = window.at(i, j) + channel;
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        const Vec<C> value =
            load_row(from + v * kLanes<C>, v == kVectors - 1 ? count : int64_t{kLanes<C>});
        // Row 0 was read with the windows above where windows overlap.
        if (i > 0) prefetch_ahead(from + v * kLanes<C>);
        best[v].take(value, i * args.kernel[1] + j);
        sum[v] += value;
      }
    }
  }
  Vec<C> all = sum[0];
#pragma GCC unroll 4
  for (int v = 1; v < kVectors; ++v) all += sum[v];
  return any(all != all);
}

// Where the results of one window go, for channel 0.
template <class T>
struct MaxTarget {
  T* out;
  PoolIndex kind;
  char* index;
  int64_t corner;  // flat position of tap (0, 0)
};

template <class T, bool kTaps, bool kNaN, int kVectors>
bool max_channels(const PoolArgs& args, const Covered<T>& window, int64_t channel, int64_t count,
                  const MaxTarget<T>& target) {
  using C = Compute<T>;
  constexpr int kW = kLanes<C>;
  Maxima<C, kTaps, kNaN> best[kVectors];
  const bool nan = max_lanes(args, window, channel, count, best);
  if (nan && !kNaN) return true;
  for (int v = 0; v < kVectors; ++v) {
    const int64_t lanes = v == kVectors - 1 ? count : kW;
    const int64_t c = channel + v * kW;
    store_row(target.out + c, best[v].value, lanes);
    if constexpr (kTaps) {
      if (target.kind == PoolIndex::kTap) {
        const auto bytes = tap_bytes<TapOf<C>>(best[v].tap);
        std::memcpy(target.index + c, &bytes, static_cast<size_t>(lanes));
        continue;
      }
      int64_t* const to = reinterpret_cast<int64_t*>(target.index) + c;
      for (int64_t i = 0; i < lanes; ++i) {
        const int64_t tap = best[v].tap[i];
        to[i] = target.corner + tap / args.kernel[1] * args.dilation[0] * args.in_size[1] +
                tap % args.kernel[1] * args.dilation[1];
      }
    }
  }
  return false;
}

template <class T, bool kTaps>
void max_typed(const PoolArgs& args, const T* in, T* out, PoolIndex kind, void* index) {
  constexpr int kW = kLanes<Compute<T>>;
  // Other types than float are worth less code.
  constexpr bool kFast = dtype_of<T> == DType::kFloat32;
  const int64_t channels = args.interleaved;
  for_rows(args, [&](int64_t image, int64_t y) {
    for (int64_t x = 0; x < args.out_size[1]; ++x) {
      const Covered<T> window(args, in + image * in_pixels(args) * channels, y, x);
      const int64_t first = (image * out_pixels(args) + y * args.out_size[1] + x) * channels;
      const MaxTarget<T> target{
          out + first, kind,
          static_cast<char*>(index) + first * (kind == PoolIndex::kFlat ? sizeof(int64_t) : 1),
          (y * args.stride[0] - args.padding[0]) * args.in_size[1] + x * args.stride[1] -
              args.padding[1]};
      bool done = false;
      if constexpr (kFast) {
        int64_t c = 0;
        bool nan = false;
        for (; c + 4 * kW <= channels && !nan; c += 4 * kW) {
          nan = max_channels<T, kTaps, false, 4>(args, window, c, kW, target);
        }
        for (; c < channels && !nan; c += kW) {
          nan =
              max_channels<T, kTaps, false, 1>(args, window, c, smaller(channels - c, kW), target);
        }
        done = !nan;
      }
      for (int64_t c = 0; c < channels && !done; c += kW) {
        max_channels<T, kTaps, true, 1>(args, window, c, smaller(channels - c, kW), target);
      }
    }
  });
}

// ---- Averages: columns of a window are summed first; those in the padding are zero.

template <class T>
void average_typed(const PoolArgs& args, bool count_padding, int64_t divisor, const T* in, T* out,
                   const Compute<T>* column_divisors) {
  using C = Compute<T>;
  const int64_t channels = args.interleaved;
  for_rows(args, [&](int64_t image, int64_t y) {
    const C rows = static_cast<C>(divisor ? 1 : counted(args, 0, y, count_padding));
    for (int64_t x = 0; x < args.out_size[1]; ++x) {
      const Covered<T> window(args, in + image * in_pixels(args) * channels, y, x);
      T* const to = out + (image * out_pixels(args) + y * args.out_size[1] + x) * channels;
      const Vec<C> count = broadcast(column_divisors[x]) * broadcast(rows);
      for (int64_t c = 0; c < channels; c += kLanes<C>) {
        const int64_t lanes = smaller(channels - c, kLanes<C>);
        const auto column_sum = [&](int64_t j) {
          Vec<C> sum{};
          if (j < window.columns.begin || j >= window.columns.end) return sum;
          if (window.rows.begin >= window.rows.end) return sum;
          sum = load_row(window.at(window.rows.begin, j) + c, lanes);
          for (int64_t i = window.rows.begin + 1; i < window.rows.end; ++i) {
            sum += load_row(window.at(i, j) + c, lanes);
          }
          return sum;
        };
        Vec<C> sum = column_sum(0);
        for (int64_t j = 1; j < args.kernel[1]; ++j) sum += column_sum(j);
        store_row(to + c, sum / count, lanes);
      }
    }
  });
}

// The gradient of one image's channels [channel, channel + lanes). `sums` has room for a vector per
// window of a row.
template <class T>
void spread_lanes(const PoolArgs& args, bool count_padding, int64_t divisor,
                  const Compute<T>* column_divisors, const T* grad_out, int64_t lanes,
                  Compute<T>* sums, T* grad_in) {
  using C = Compute<T>;
  constexpr int kW = kLanes<C>;
  const int64_t channels = args.interleaved;
  for (int64_t y = 0; y < args.in_size[0]; ++y) {
    const Covering rows(args, 0, y);
    for (int64_t w = 0; w < args.out_size[1]; ++w) {
      Vec<C> sum{};
      for (int64_t o = rows.first; o <= rows.last; ++o) {
        const C counted_rows = static_cast<C>(divisor ? 1 : counted(args, 0, o, count_padding));
        const Vec<C> grad = load_row(grad_out + (o * args.out_size[1] + w) * channels, lanes);
        const Vec<C> share = grad / (broadcast(column_divisors[w]) * broadcast(counted_rows));
        sum = o == rows.first ? share : sum + share;
      }
      store(sums + w * kW, sum);
    }
    for (int64_t x = 0; x < args.in_size[1]; ++x) {
      const Covering columns(args, 1, x);
      Vec<C> sum{};
      for (int64_t w = columns.last; w >= columns.first; --w) sum += load(sums + w * kW);
      store_row(grad_in + (y * args.in_size[1] + x) * channels, sum, lanes);
    }
  }
}

template <class T>
Status average_backward_typed(const PoolArgs& args, bool count_padding, int64_t divisor,
                              const T* grad_out, T* grad_in, const Compute<T>* column_divisors) {
  using C = Compute<T>;
  constexpr int kW = kLanes<C>;
  const int64_t channels = args.interleaved;
  const int64_t vectors = (channels + kW - 1) / kW;
  const int64_t room = args.out_size[1] * kW;
  int64_t failed = 0;
  parallel_for(args.planes / channels * vectors, 65536 / (in_pixels(args) * kW + 1) + 1,
               [&](int64_t begin, int64_t end) {
                 const Scratch<C> sums(room);
                 if (!sums) {
                   __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
                   return;
                 }
                 for (int64_t t = begin; t < end; ++t) {
                   const int64_t c = t % vectors * kW;
                   const int64_t image = t / vectors * channels;
                   spread_lanes(args, count_padding, divisor, column_divisors,
                                grad_out + image * out_pixels(args) + c, smaller(channels - c, kW),
                                sums.get(), grad_in + image * in_pixels(args) + c);
                 }
               });
  return failed ? out_of_memory(room * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

// Calls body(column divisors) with those of the arithmetic type of T.
template <class T, class Body>
Status with_divisors(const PoolArgs& args, bool count_padding, int64_t divisor, const Body& body) {
  const Scratch<Compute<T>> divisors(args.out_size[1] + kLanes<Compute<T>>);
  if (!divisors) return divisors.failure();
  list_divisors(args, count_padding, divisor, divisors.get());
  return body(divisors.get());
}

}  // namespace

Status pool_max_interleaved(const PoolArgs& args, const void* in, void* out, PoolIndex kind,
                            void* index) {
  return dispatch(FloatingAndHalf{}, args.dtype, "max_pool2d", [&]<class T>() -> Status {
    const auto run = kind == PoolIndex::kNone ? max_typed<T, false> : max_typed<T, true>;
    run(args, static_cast<const T*>(in), static_cast<T*>(out), kind, index);
    return Status::kOk;
  });
}

Status pool_average_interleaved(const PoolArgs& args, bool count_padding, int64_t divisor,
                                const void* in, void* out) {
  return dispatch(FloatingAndHalf{}, args.dtype, "avg_pool2d", [&]<class T>() -> Status {
    return with_divisors<T>(args, count_padding, divisor, [&](const Compute<T>* divisors) {
      average_typed(args, count_padding, divisor, static_cast<const T*>(in), static_cast<T*>(out),
                    divisors);
      return Status::kOk;
    });
  });
}

Status pool_average_backward_interleaved(const PoolArgs& args, bool count_padding, int64_t divisor,
                                         const void* grad_out, void* grad_in) {
  return dispatch(FloatingAndHalf{}, args.dtype, "avg_pool2d_backward", [&]<class T>() -> Status {
    return with_divisors<T>(args, count_padding, divisor, [&](const Compute<T>* divisors) {
      return average_backward_typed(args, count_padding, divisor, static_cast<const T*>(grad_out),
                                    static_cast<T*>(grad_in), divisors);
    });
  });
}

}  // namespace tallow::cpu::TALLOW_ISA
