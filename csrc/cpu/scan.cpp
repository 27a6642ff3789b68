// Running sums, products, log-sum-exps, maxima and minima.
#include <cmath>

#include "backend/sort.h"
#include "core/parallel.h"
#include "cpu/sort_keys.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Integers wrap around, in the unsigned type where that is defined.
template <class T>
using Total = std::conditional_t<kIsFloat<T>, double, uint64_t>;

struct RunningSum {
  template <class A>
  TALLOW_INLINE A operator()(A total, A x) const {
    return total + x;
  }
};
struct RunningProduct {
  template <class A>
  TALLOW_INLINE A operator()(A total, A x) const {
    return total * x;
  }
};
struct RunningLogSumExp {
  TALLOW_INLINE double operator()(double total, double x) const {
    const double high = total > x || total != total ? total : x;
    const double low = total > x || total != total ? x : total;
    if (low == high && std::isinf(high)) return high;
    return high + std::log1p(std::exp(low - high));
  }
};

inline constexpr int64_t kColumns = 64;

// Columns are walked side by side: the totals of a block stay in registers or the first cache.
template <class T, class Step>
void scan_columns(T* out, const T* in, int64_t n, int64_t inner, int64_t columns,
                  const Step& step) {
  using A = Total<T>;
  A total[kColumns];
  for (int64_t c = 0; c < columns; ++c) {
    total[c] = static_cast<A>(in[c]);
    out[c] = in[c];
  }
  for (int64_t i = 1; i < n; ++i) {
    const T* const from = in + i * inner;
    T* const to = out + i * inner;
    for (int64_t c = 0; c < columns; ++c) {
      total[c] = step(total[c], static_cast<A>(from[c]));
      to[c] = static_cast<T>(static_cast<std::conditional_t<kIsFloat<T>, Compute<T>, A>>(total[c]));
    }
  }
}

// `Rows` rows, `pitch` apart, at once, so that the additions of one do not wait for each other.
// The totals go on from those given, unless this is the beginning of the rows.
template <int Rows, class T, class Step>
TALLOW_NOINLINE void scan_rows(T* out, const T* in, int64_t n, int64_t pitch, bool beginning,
                               const Step& step, Total<T> (&total)[Rows]) {
  using A = Total<T>;
  for (int r = 0; beginning && r < Rows; ++r) {
    total[r] = static_cast<A>(in[r * pitch]);
    out[r * pitch] = in[r * pitch];
  }
  for (int64_t i = beginning; i < n; ++i) {
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) {
      total[r] = step(total[r], static_cast<A>(in[r * pitch + i]));
      out[r * pitch + i] =
          static_cast<T>(static_cast<std::conditional_t<kIsFloat<T>, Compute<T>, A>>(total[r]));
    }
  }
}

// Between rows of a half type, n elements apart, and rows of floats, kPiece apart: `count` of each.
constexpr int64_t kPiece = 256;
template <class T>
TALLOW_NOINLINE void widen_rows(const T* from, int64_t n, int rows, int64_t count, float* to) {
  constexpr int W = kLanes<float>;
  for (int r = 0; r < rows; ++r, from += n, to += kPiece) {
    int64_t i = 0;
    for (; i + W <= count; i += W) store(to + i, load_float(from + i));
    const int left = static_cast<int>(count - i);
    if (left > 0) store(to + i, load_float_partial(from + i, left));
  }
}
template <class T>
TALLOW_NOINLINE void narrow_rows(const float* from, int64_t n, int rows, int64_t count, T* to) {
  constexpr int W = kLanes<float>;
  for (int r = 0; r < rows; ++r, from += kPiece, to += n) {
    int64_t i = 0;
    for (; i + W <= count; i += W) store_float(to + i, load(from + i));
    const int left = static_cast<int>(count - i);
    if (left > 0) store_float_partial(to + i, load(from + i), left);
  }
}

// Whole rows that follow one another. Those of a half type are widened on the way.
template <int Rows, class T, class Step>
TALLOW_INLINE void scan_whole_rows(T* out, const T* in, int64_t n, const Step& step) {
  Total<T> total[Rows];
  if constexpr (sizeof(T) == 2) {
    alignas(kVectorBytes) float wide[Rows * kPiece];
    for (int64_t done = 0; done < n; done += kPiece) {
      const int64_t count = n - done < kPiece ? n - done : kPiece;
      widen_rows(in + done, n, Rows, count, wide);
      scan_rows<Rows, float>(wide, wide, count, kPiece, done == 0, step, total);
      narrow_rows(wide, n, Rows, count, out + done);
    }
  } else {
    scan_rows<Rows, T>(out, in, n, n, true, step, total);
  }
}

template <class T, class Step>
Status scan_of(T* out, const T* in, int64_t outer, int64_t n, int64_t inner, const Step& step) {
  if (outer * n * inner == 0) return Status::kOk;
  constexpr int64_t kTaskElements = 16 * 1024;
  if (inner == 1) {
    constexpr int64_t kRows = 4;
    const int64_t groups = (outer + kRows - 1) / kRows;
    parallel_for(groups, kTaskElements / (kRows * n), [&](int64_t begin, int64_t end) {
      for (int64_t row = begin * kRows; row < end * kRows && row < outer; row += kRows) {
        if (row + kRows <= outer) {
          scan_whole_rows<kRows>(out + row * n, in + row * n, n, step);
          continue;
        }
        for (int64_t r = row; r < outer; ++r) scan_whole_rows<1>(out + r * n, in + r * n, n, step);
      }
    });
    return Status::kOk;
  }
  const int64_t blocks = (inner + kColumns - 1) / kColumns;
  parallel_for(outer * blocks, kTaskElements / (kColumns * n), [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t column = item % blocks * kColumns;
      const int64_t at = item / blocks * n * inner + column;
      const int64_t columns = inner - column < kColumns ? inner - column : kColumns;
      scan_columns(out + at, in + at, n, inner, columns, step);
    }
  });
  return Status::kOk;
}

// Later of equals and the last NaN win. In most data few elements do: the branch is foreseen, and
// no element waits for the one before.
template <bool kLargest, class T>
void scan_extremum_line(T* values, int64_t* indices, const T* in, int64_t n, int64_t pitch) {
  using A = Compute<T>;
  A best = static_cast<A>(in[0]);
  T stored = in[0];
  int64_t where = 0;
  for (int64_t i = 0; i < n; ++i) {
    const A x = static_cast<A>(in[i * pitch]);
    if (TALLOW_UNLIKELY(kLargest ? !(x < best) : !(x > best)) && (x != x || best == best)) {
      best = x;
      stored = static_cast<T>(x);
      where = i;
    }
    values[i * pitch] = stored;
    indices[i * pitch] = where;
  }
}

}  // namespace

Status scan(ScanOp op, DType dtype, void* out, const void* in, int64_t outer, int64_t n,
            int64_t inner) {
  if (op == ScanOp::kLogSumExp) {
    return dispatch(FloatingAndHalf{}, dtype, "logcumsumexp_out_cpu", [&]<class T>() -> Status {
      return scan_of(static_cast<T*>(out), static_cast<const T*>(in), outer, n, inner,
                     RunningLogSumExp{});
    });
  }
  using Supported = Types<int64_t, float, double, Half, BFloat16>;
  return dispatch(Supported{}, dtype, op == ScanOp::kSum ? "cumsum_out_cpu" : "cumprod_out_cpu",
                  [&]<class T>() -> Status {
                    T* const to = static_cast<T*>(out);
                    const T* const from = static_cast<const T*>(in);
                    return op == ScanOp::kSum
                               ? scan_of(to, from, outer, n, inner, RunningSum{})
                               : scan_of(to, from, outer, n, inner, RunningProduct{});
                  });
}

Status scan_extremum(bool largest, DType dtype, void* values, int64_t* indices, const void* in,
                     int64_t outer, int64_t n, int64_t inner) {
  if (outer * n * inner == 0) return Status::kOk;
  return dispatch(
      RealAndBool{}, dtype, largest ? "cummax_helper_cpu" : "cummin_helper_cpu",
      [&]<class T>() -> Status {
        parallel_for(outer * inner, 16 * 1024 / n, [&](int64_t begin, int64_t end) {
          for (int64_t line = begin; line < end; ++line) {
            const int64_t at = line / inner * n * inner + line % inner;
            (largest ? scan_extremum_line<true, T>
                     : scan_extremum_line<false, T>)(static_cast<T*>(values) + at, indices + at,
                                                     static_cast<const T*>(in) + at, n, inner);
          }
        });
        return Status::kOk;
      });
}

}  // namespace tallow::cpu::TALLOW_ISA
