// Running sums, products, log-sum-exps, maxima and minima.
#include "cuda/kernels/scan.h"

#include <cmath>

#include "backend/sort.h"
#include "cuda/kernels/sorting.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

struct RunningSum {
  template <class A>
  TL_HD A operator()(A total, A x) const {
    return total + x;
  }
};
struct RunningProduct {
  template <class A>
  TL_HD A operator()(A total, A x) const {
    return total * x;
  }
};
struct RunningLogSumExp {
  TL_HD double operator()(double total, double x) const {
    const bool first = total > x || total != total;
    const double high = first ? total : x;
    const double low = first ? x : total;
    if (low == high && high - high != 0) return high;  // equal infinities
    return high + std::log1p(std::exp(low - high));
  }
};

// Floats are totalled in double, integers in the unsigned type, where overflow wraps.
template <class T, class Join>
struct TotalRule {
  using A = std::conditional_t<kIsFloat<T>, double, uint64_t>;
  T* out;
  const T* in;
  Join combine;

  TL_HD A load(int64_t at, int64_t) const {
    return static_cast<A>(static_cast<Compute<T>>(in[at]));
  }
  TL_HD A join(A before, A next) const { return combine(before, next); }
  TL_HD void store(A total, int64_t at) const {
    out[at] = static_cast<T>(static_cast<Compute<T>>(total));
  }
};

Status scan_log_sum_exp(DType dtype, void* out, const void* in, int64_t outer, int64_t n,
                        int64_t inner) {
  return by_dtype(FloatingAndHalf{}, dtype, "logcumsumexp_cuda", [&]<class T>() {
    return scan_by(
        TotalRule<T, RunningLogSumExp>{static_cast<T*>(out), static_cast<const T*>(in), {}}, outer,
        n, inner);
  });
}

template <class C>
struct Best {
  C value;
  int64_t index;
};

// The latest of equals; NaN wins from where it stands on.
template <class T, bool kLargest>
struct ExtremumScan {
  using C = Compute<T>;
  using A = Best<C>;
  T* values;
  int64_t* indices;
  const T* in;

  TL_HD A load(int64_t at, int64_t i) const { return {static_cast<C>(in[at]), i}; }
  TL_HD A join(A before, A next) const {
    if (next.value != next.value) return next;
    if (before.value != before.value) return before;
    return (kLargest ? next.value >= before.value : next.value <= before.value) ? next : before;
  }
  TL_HD void store(A best, int64_t at) const {
    values[at] = static_cast<T>(best.value);
    indices[at] = best.index;
  }
};

}  // namespace

Status scan(ScanOp op, DType dtype, void* out, const void* in, int64_t outer, int64_t n,
            int64_t inner) {
  if (op == ScanOp::kLogSumExp) return scan_log_sum_exp(dtype, out, in, outer, n, inner);
  using Supported = Types<int64_t, float, double, Half, BFloat16>;
  return by_dtype(Supported{}, dtype, op == ScanOp::kSum ? "cumsum_cuda" : "cumprod_cuda",
                  [&]<class T>() -> Status {
                    T* const to = static_cast<T*>(out);
                    const T* const from = static_cast<const T*>(in);
                    return op == ScanOp::kSum
                               ? scan_by(TotalRule<T, RunningSum>{to, from, {}}, outer, n, inner)
                               : scan_by(TotalRule<T, RunningProduct>{to, from, {}}, outer, n,
                                         inner);
                  });
}

Status scan_extremum(bool largest, DType dtype, void* values, int64_t* indices, const void* in,
                     int64_t outer, int64_t n, int64_t inner) {
  return by_dtype(
      RealAndBool{}, dtype, largest ? "cummax_helper_cuda" : "cummin_helper_cuda",
      [&]<class T>() -> Status {
        T* const to = static_cast<T*>(values);
        const T* const from = static_cast<const T*>(in);
        return largest ? scan_by(ExtremumScan<T, true>{to, indices, from}, outer, n, inner)
                       : scan_by(ExtremumScan<T, false>{to, indices, from}, outer, n, inner);
      });
}

}  // namespace tallow::cuda
