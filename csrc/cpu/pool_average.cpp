// Average pooling: lanes are neighbouring windows of an output row.
#include <limits>

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/pool.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// A row of averages from the staged sum of the windows' rows; `column` says where tap column j of
// window 0 lies.
template <class T>
void average_row(const Compute<T>* staged, const int64_t* column, int64_t columns,
                 const Compute<T>* column_divisors, Compute<T> rows, int64_t windows, T* out) {
  using C = Compute<T>;
  for (int64_t w = 0; w < windows; w += kLanes<C>) {
    Vec<C> sum = load(staged + column[0] + w);
    for (int64_t j = 1; j < columns; ++j) sum += load(staged + column[j] + w);
    store_row(out + w, sum / (load(column_divisors + w) * broadcast(rows)), windows - w);
  }
}

// How the columns of windows at stride 2 lie: two and no border, or three and a border of 1, within
// the image but for that. Such rows need no staging.
enum class Halving : uint8_t { kNo, kTwo, kThree };
Halving halving_of(const PoolArgs& args) {
  if (args.stride[1] != 2 || args.dilation[1] != 1) return Halving::kNo;
  const bool two = args.kernel[1] == 2 && args.padding[1] == 0;
  const bool three = args.kernel[1] == 3 && args.padding[1] == 1;
  if (two && 2 * args.out_size[1] <= args.in_size[1]) return Halving::kTwo;
  if (three && 2 * args.out_size[1] <= args.in_size[1] + 1) return Halving::kThree;
  return Halving::kNo;
}

// A row of averages straight from `rows` image rows.
template <class C>
void average_halves(const PoolArgs& args, bool three, const C* from, int64_t rows,
                    const C* column_divisors, C counted_rows, C* out) {
  constexpr int kW = kLanes<C>;
  const int64_t width = args.in_size[1], windows = args.out_size[1];
  Vec<C> before{};
  for (int64_t w = 0; w < windows; w += kW) {
    const int64_t left = width - 2 * w;
    Vec<C> a{}, b{};
    const C* row = from + 2 * w;
    for (int64_t i = 0; i < rows; ++i, row += width) {
      const Vec<C> low = load_row(row, left);
      Vec<C> high{};
      if (left > kW) high = load_row(row + kW, left - kW);
      a = i == 0 ? low : a + low;
      b = i == 0 ? high : b + high;
    }
    const Vec<C> even = even_elements(a, b), odd = odd_elements(a, b);
    Vec<C> sum = even;
    if (three) sum = shift_in(before, odd) + even;
    sum += odd;
    before = odd;
    store_row(out + w, sum / (load(column_divisors + w) * broadcast(counted_rows)), windows - w);
  }
}

template <class T>
Status average_floating(const PoolArgs& args, bool count_padding, int64_t divisor, const T* in,
                        T* out) {
  using C = Compute<T>;
  const int64_t width = args.in_size[1];
  const int64_t windows = args.out_size[1];
  const SplitRow split(args, C(0));
  const Scratch<C> divisors(windows + kLanes<C>);
  const Scratch<int64_t> column(args.kernel[1]);
  if (!divisors || !column) return divisors ? column.failure() : divisors.failure();
  list_divisors(args, count_padding, divisor, divisors.get());
  for (int64_t j = 0; j < args.kernel[1]; ++j) column[j] = split.at(j);
  const int64_t size = split.size();
  const Halving halving = halving_of(args);
  int64_t failed = 0;
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    const Scratch<C> staged(size);
    if (!staged) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t plane = begin; plane < end; ++plane) {
      const T* const image = in + plane * args.in_size[0] * width;
      T* to = out + plane * args.out_size[0] * windows;
      for (int64_t y = 0; y < args.out_size[0]; ++y, to += windows) {
        const TapRange taps(args, 0, y);
        const int64_t top = y * args.stride[0] - args.padding[0] + taps.begin;
        const int64_t rows = divisor ? 1 : counted(args, 0, y, count_padding);
        if constexpr (std::is_same_v<T, C>) {
          if (halving != Halving::kNo) {
            average_halves(args, halving == Halving::kThree, image + top * width,
                           taps.end - taps.begin, static_cast<const C*>(divisors.get()),
                           static_cast<C>(rows), to);
            continue;
          }
        }
        stage_rows(args, image + top * width, taps.end - taps.begin, width, C(0), split,
                   staged.get());
        average_row(staged.get(), column.get(), args.kernel[1], divisors.get(),
                    static_cast<C>(rows), windows, to);
      }
    }
  });
  return failed ? out_of_memory(size * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

Status average_integer(const PoolArgs& args, bool count_padding, int64_t divisor, const int64_t* in,
                       int64_t* out) {
  const int64_t step = args.interleaved;
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    for (int64_t o = begin * out_pixels(args); o < end * out_pixels(args); ++o) {
      const int64_t plane = o / out_pixels(args);
      const int64_t pixel = o % out_pixels(args);
      const int64_t y = pixel / args.out_size[1];
      const int64_t x = pixel % args.out_size[1];
      const TapRange rows(args, 0, y);
      const TapRange columns(args, 1, x);
      const int64_t* const first = in + plane_at(args, plane, in_pixels(args)) +
                                   ((y * args.stride[0] - args.padding[0]) * args.in_size[1] +
                                    x * args.stride[1] - args.padding[1]) *
                                       step;
      uint64_t sum = 0;  // wraps around
      for (int64_t i = rows.begin; i < rows.end; ++i) {
        for (int64_t j = columns.begin; j < columns.end; ++j) {
          sum += static_cast<uint64_t>(first[(i * args.in_size[1] + j) * step]);
        }
      }
      const int64_t count =
          divisor ? divisor
                  : counted(args, 0, y, count_padding) * counted(args, 1, x, count_padding);
      out[plane_at(args, plane, out_pixels(args)) + pixel * step] =
          count ? static_cast<int64_t>(sum) / count : 0;
    }
  });
  return Status::kOk;
}

Status average(const PoolArgs& args, bool count_padding, int64_t divisor, const void* in,
               void* out) {
  using Supported = Types<float, double, Half, BFloat16, int64_t>;
  if (interleaved(args) && args.dtype != DType::kInt64) {
    return pool_average_interleaved(args, count_padding, divisor, in, out);
  }
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

// ---- Backward: a row of the image gathers the shares of the windows above it.

// Sizes of the buffers: a row of shares has `left` zeros before window 0 and zeros after the last;
// a row of sums is split by column modulo the stride, as in SplitRow.
template <class C>
struct SharePlan {
  int64_t left, share_pitch, elements, part_pitch;
  explicit SharePlan(const PoolArgs& args)
      : left((args.kernel[1] - 1) / args.stride[1]),
        elements((args.in_size[1] - 1 + args.padding[1]) / args.stride[1] + 1),
        part_pitch(elements + 2 * kLanes<C>) {
    share_pitch = left + larger(args.out_size[1], elements) + 2 * kLanes<C>;
  }
  // All rows of shares, their sum, the parts of a row of the image.
  int64_t size(const PoolArgs& args) const {
    return (args.out_size[0] + 1) * share_pitch + args.stride[1] * part_pitch;
  }
};

// The rows of windows [first, last] that cover row y of the image; none if first > last.
struct CoveringRows {
  int64_t first, last;
  TALLOW_INLINE CoveringRows(const PoolArgs& args, int64_t y) {
    const int64_t row = y + args.padding[0];
    const int64_t reach = row - args.kernel[0] + 1;
    first = reach > 0 ? (reach + args.stride[0] - 1) / args.stride[0] : 0;
    last = smaller(row / args.stride[0], args.out_size[0] - 1);
  }
};

// The sum of the rows of shares that cover row y of the image; null if none does.
template <class C>
const C* sum_shares(const PoolArgs& args, const SharePlan<C>& plan, const C* shares, int64_t y,
                    C* sums) {
  const auto [first, last] = CoveringRows(args, y);
  if (first > last) return nullptr;
  const C* const from = shares + first * plan.share_pitch;
  if (first == last) return from;
  const int64_t used = plan.left + plan.elements;
  for (int64_t i = 0; i < used; i += kLanes<C>) {
    Vec<C> sum = load(from + i);
    for (int64_t o = 1; o <= last - first; ++o) sum += load(from + o * plan.share_pitch + i);
    store(sums + i, sum);
  }
  return sums;
}

// parts[r][q] = the sum of the shares of all windows that cover column q * stride + r.
template <class C>
void spread_columns(const PoolArgs& args, const SharePlan<C>& plan, const C* sums, C* parts) {
  for (int64_t r = 0; r < args.stride[1]; ++r, parts += plan.part_pitch) {
    const int64_t taps = r < args.kernel[1] ? (args.kernel[1] - 1 - r) / args.stride[1] + 1 : 0;
    for (int64_t q = 0; q < plan.elements; q += kLanes<C>) {
      Vec<C> sum{};
      for (int64_t t = 0; sums && t < taps; ++t) sum += load(sums + plan.left + q - t);
      store(parts + q, sum);
    }
  }
}

// Puts the parts together again, without the padding.
template <class T>
void join_parts(const PoolArgs& args, int64_t part_pitch, const Compute<T>* parts, T* to) {
  using C = Compute<T>;
  constexpr int kW = kLanes<C>;
  const int64_t width = args.in_size[1];
  const int64_t stride = args.stride[1];
  int64_t part = args.padding[1] % stride, element = args.padding[1] / stride;
  if (stride == 1) {
    for (int64_t x = 0; x < width; x += kW) store_row(to + x, load(parts + element + x), width - x);
  } else if (stride == 2) {
    const C* const first = parts + part * part_pitch + element;
    const C* const second = parts + (1 - part) * part_pitch + element + part;
    for (int64_t x = 0; x < width; x += 2 * kW) {
      store_interleaved(to + x, load(first + x / 2), load(second + x / 2), width - x);
    }
  } else {
    for (int64_t x = 0; x < width; ++x) {
      to[x] = static_cast<T>(parts[part * part_pitch + element]);
      if (++part == stride) {
        part = 0;
        ++element;
      }
    }
  }
}

// A row of the image from the `rows` rows of shares that cover it, where columns are halved: an
// even column is in one window, an odd one of three columns also in the next.
template <class C>
void spread_halves(const PoolArgs& args, bool three, const C* shares, int64_t rows, int64_t pitch,
                   C* to) {
  const int64_t width = args.in_size[1];
  const auto sum_at = [&](const C* from) {
    Vec<C> sum = rows > 0 ? load(from) : Vec<C>{};
    for (int64_t i = 1; i < rows; ++i) sum += load(from + i * pitch);
    return sum;
  };
  for (int64_t x = 0; x < width; x += 2 * kLanes<C>) {
    const Vec<C> own = sum_at(shares + x / 2);
    const Vec<C> even = Vec<C>{} + own;
    Vec<C> odd = even;
    if (three) odd = Vec<C>{} + sum_at(shares + x / 2 + 1) + own;
    store_interleaved(to + x, even, odd, width - x);
  }
}

template <class T>
Status average_backward_typed(const PoolArgs& args, bool count_padding, int64_t divisor,
                              const T* grad_out, T* grad_in) {
  using C = Compute<T>;
  const int64_t windows = args.out_size[1];
  const Scratch<C> divisors(windows + kLanes<C>);
  if (!divisors) return divisors.failure();
  list_divisors(args, count_padding, divisor, divisors.get());
  const SharePlan<C> plan(args);
  const int64_t size = plan.size(args);
  const Halving halving = halving_of(args);
  int64_t failed = 0;
  parallel_for(args.planes, planes_per_task(args), [&](int64_t begin, int64_t end) {
    const Scratch<C> shares(size);
    if (!shares) {
      __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t i = 0; i < size; ++i) shares[i] = C(0);
    C* const sums = shares.get() + args.out_size[0] * plan.share_pitch;
    C* const parts = sums + plan.share_pitch;
    for (int64_t plane = begin; plane < end; ++plane) {
      const T* grad = grad_out + plane * args.out_size[0] * windows;
      C* share = shares.get() + plan.left;
      for (int64_t y = 0; y < args.out_size[0]; ++y, grad += windows, share += plan.share_pitch) {
        const int64_t counted_rows = divisor ? 1 : counted(args, 0, y, count_padding);
        const Vec<C> rows = broadcast(static_cast<C>(counted_rows));
        for (int64_t w = 0; w < windows; w += kLanes<C>) {
          store(share + w, load_row(grad + w, windows - w) / (load(divisors.get() + w) * rows));
        }
      }
      T* to = grad_in + plane * args.in_size[0] * args.in_size[1];
      for (int64_t y = 0; y < args.in_size[0]; ++y, to += args.in_size[1]) {
        if constexpr (std::is_same_v<T, C>) {
          if (halving != Halving::kNo) {
            const CoveringRows rows(args, y);
            spread_halves(
                args, halving == Halving::kThree,
                static_cast<const C*>(shares.get()) + rows.first * plan.share_pitch + plan.left,
                rows.last - rows.first + 1, plan.share_pitch, to);
            continue;
          }
        }
        spread_columns(args, plan, sum_shares(args, plan, shares.get(), y, sums), parts);
        join_parts(args, plan.part_pitch, parts, to);
      }
    }
  });
  return failed ? out_of_memory(size * static_cast<int64_t>(sizeof(C))) : Status::kOk;
}

Status average_backward(const PoolArgs& args, bool count_padding, int64_t divisor,
                        const void* grad_out, void* grad_in) {
  if (interleaved(args)) {
    return pool_average_backward_interleaved(args, count_padding, divisor, grad_out, grad_in);
  }
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
