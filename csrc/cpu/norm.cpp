// Layer and root-mean-square normalisation of rows.
#include "backend/norm.h"

#include "cpu/norm_channels.h"
#include "cpu/norm_rows.h"
#include "cpu/row_groups.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class T, class A>
RowStats<A> rms_stats(const T* x, int64_t n, A eps) {
  const A squares = fold_values<A>(n, Add{}, [&](int64_t i, int lanes) {
    const Vec<A> v = read(x + i, lanes);
    return v * v;
  });
  return {A(0), A(0), A(1) / std::sqrt(squares / static_cast<A>(n) + eps)};
}

// The results of one row after another; any of weight, bias, mean and rstd may be null.
template <class T>
struct Forward {
  using A = Compute<T>;
  bool centered;
  T* out;
  const T* in;
  const A* weight;
  const A* bias;
  int64_t n;
  A eps;
  A* mean;
  A* rstd;

  void normalize(int64_t row, const RowStats<A>& s) const {
    const T* const x = in + row * n;
    T* const y = out + row * n;
    const A* const w = weight;
    const A* const b = bias;
    const Vec<A> center = broadcast(s.mean);
    const Vec<A> rest = broadcast(s.rest);
    const Vec<A> scale = broadcast(s.rstd);
    const auto element = [&](int64_t i, int lanes) __attribute__((always_inline)) {
      Vec<A> v = (read(x + i, lanes) - center - rest) * scale;
      if (w) v = v * read(w + i, lanes);
      if (b) v = v + read(b + i, lanes);
      write(y + i, v, lanes);
    };
    for_each_vector<A>(n, element);
    if (mean) mean[row] = s.mean + s.rest;
    if (rstd) rstd[row] = s.rstd;
  }

  void group(int64_t first, int rows) const {
    RowStats<A> stats[kGroupRows];
    const T* const x = in + first * n;
    if (centered) {
      for (int r = 0; r < rows; ++r) stats[r].mean = row_mean(x + r * n, n);
      for (int r = 0; r < rows; ++r) stats[r] = row_stats(x + r * n, n, stats[r].mean, eps);
    } else {
      for (int r = 0; r < rows; ++r) stats[r] = rms_stats(x + r * n, n, eps);
    }
    for (int r = 0; r < rows; ++r) normalize(first + r, stats[r]);
  }
};

Status layer_norm(bool centered, DType dtype, void* out, const void* in, const void* weight,
                  const void* bias, int64_t rows, int64_t n, double eps, void* mean, void* rstd) {
  return dispatch(FloatingAndHalf{}, dtype, "LayerNormKernelImpl", [&]<class T>() -> Status {
    using A = Compute<T>;
    const Forward<T> f{centered,
                       static_cast<T*>(out),
                       static_cast<const T*>(in),
                       static_cast<const A*>(weight),
                       static_cast<const A*>(bias),
                       n,
                       static_cast<A>(eps),
                       static_cast<A*>(mean),
                       static_cast<A*>(rstd)};
    for_each_row_group(rows, n, [&](int64_t first, int count) { f.group(first, count); });
    return Status::kOk;
  });
}

// The operands of a backward pass; mean and the gradients may be null.
template <class T>
struct Backward {
  using A = Compute<T>;
  bool centered;
  int64_t n;
  T* grad_in;
  const T* grad;
  const T* in;
  const A* weight;
  const A* mean;
  const A* rstd;

  // With h = (x - mean) * rstd and d = grad * weight, the gradient is
  // rstd * (d - average(d) - h * average(d * h)), without the first average if not centered.
  struct Averages {
    A d;
    A along;
  };
  TALLOW_NOINLINE Averages averages(int64_t row) const {
    const T* const g = grad + row * n;
    const T* const x = in + row * n;
    const A* const w = weight;
    const Vec<A> center = broadcast(mean ? mean[row] : A(0));
    const Vec<A> scale = broadcast(rstd[row]);
    A sums[2];
    fold_terms<A, 2>(
        n, Add{},
        [&](int64_t i, int lanes, Vec<A>(&t)[2]) {
          t[0] = read(g + i, lanes);
          t[0] = t[0] * read(w + i, lanes);
          t[1] = t[0] * ((read(x + i, lanes) - center) * scale);
        },
        sums);
    return {centered ? sums[0] / static_cast<A>(n) : A(0), sums[1] / static_cast<A>(n)};
  }

  // The gradients of `Rows` rows; sums[0][i] += grad * h, sums[1][i] += grad.
  template <int Rows>
  TALLOW_NOINLINE void rows_from(int64_t first, A* sums) const {
    Vec<A> center[Rows], scale[Rows], average[Rows], along[Rows];
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      const Averages of_row = grad_in ? averages(first + r) : Averages{};
      center[r] = broadcast(mean ? mean[first + r] : A(0));
      scale[r] = broadcast(rstd[first + r]);
      average[r] = broadcast(of_row.d);
      along[r] = broadcast(of_row.along);
    }
    const T* const g_of = grad + first * n;
    const T* const x_of = in + first * n;
    T* const to = grad_in ? grad_in + first * n : nullptr;
    const A* const w = weight;
    const int64_t n_ = n;
    const auto element = [&](int64_t i, int lanes) __attribute__((always_inline)) {
      const Vec<A> of_weight = read(w + i, lanes);
      Vec<A> along_sum = read(sums + i, lanes);
      Vec<A> sum = read(sums + n_ + i, lanes);
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) {
        const Vec<A> g = read(g_of + r * n_ + i, lanes);
        const Vec<A> h = (read(x_of + r * n_ + i, lanes) - center[r]) * scale[r];
        along_sum = along_sum + g * h;
        sum = sum + g;
        if (to) {
          const Vec<A> d = g * of_weight - average[r] - h * along[r];
          write(to + r * n_ + i, d * scale[r], lanes);
        }
      }
      write(sums + i, along_sum, lanes);
      write(sums + n_ + i, sum, lanes);
    };
    for_each_vector<A>(n, element);
  }
  void rows(int64_t row, int64_t end, A* sums) const {
    constexpr int kTogether = std::is_same_v<T, float> ? 4 : 1;
    for (; row + kTogether <= end; row += kTogether) rows_from<kTogether>(row, sums);
    for (; row < end; ++row) rows_from<1>(row, sums);
  }
};

// Rows whose parameter gradients are added up one after the other before they join a chunk's.
inline constexpr int64_t kSummedRows = 32;

// Both passes over a row follow each other while it is in the cache. The parameter gradients of a
// chunk of rows are summed apart, chunks in the tree of sum_columns.
template <class T>
Status layer_norm_backward_of(Backward<T> b, Compute<T>* grad_weight, Compute<T>* grad_bias,
                              int64_t rows) {
  using A = Compute<T>;
  const int64_t n = b.n;
  Scratch<A> ones(b.weight ? 1 : n);
  if (!ones) return ones.failure();
  for (int64_t i = 0; !b.weight && i < n; ++i) ones[i] = 1;
  if (!b.weight) b.weight = ones.get();
  const int64_t chunk = (rows / 128 / kSummedRows + 1) * kSummedRows;
  const int64_t chunks = (rows + chunk - 1) / chunk;
  Scratch<A> scratch(chunks * 4 * n);
  if (!scratch) return scratch.failure();
  parallel_for(chunks, kNormalizeGrain / (chunk * (n > 0 ? n : 1)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t c = begin; c < end; ++c) {
                   A* const sums = scratch.get() + c * 4 * n;
                   A* const group = sums + 2 * n;
                   std::memset(sums, 0, static_cast<std::size_t>(2 * n) * sizeof(A));
                   const int64_t stop = rows < (c + 1) * chunk ? rows : (c + 1) * chunk;
                   for (int64_t first = c * chunk; first < stop; first += kSummedRows) {
                     std::memset(group, 0, static_cast<std::size_t>(2 * n) * sizeof(A));
                     b.rows(first, stop - first < kSummedRows ? stop : first + kSummedRows, group);
                     for (int64_t i = 0; i < 2 * n; ++i) sums[i] += group[i];
                   }
                 }
               });
  if (!grad_weight && !grad_bias) return Status::kOk;
  return sum_columns<A, 2>(chunks, n, {grad_weight, grad_bias},
                           [&](int64_t c, int64_t column, int lanes, Vec<A>(&sum)[2]) {
                             sum[0] = read(scratch.get() + c * 4 * n + column, lanes);
                             sum[1] = read(scratch.get() + c * 4 * n + n + column, lanes);
                           });
}

Status layer_norm_backward(bool centered, DType dtype, void* grad_in, void* grad_weight,
                           void* grad_bias, const void* grad, const void* in, const void* weight,
                           const void* mean, const void* rstd, int64_t rows, int64_t n) {
  return dispatch(FloatingAndHalf{}, dtype, "LayerNormBackwardKernelImpl",
                  [&]<class T>() -> Status {
                    using A = Compute<T>;
                    const Backward<T> b{centered,
                                        n,
                                        static_cast<T*>(grad_in),
                                        static_cast<const T*>(grad),
                                        static_cast<const T*>(in),
                                        static_cast<const A*>(weight),
                                        static_cast<const A*>(mean),
                                        static_cast<const A*>(rstd)};
                    return layer_norm_backward_of(b, static_cast<A*>(grad_weight),
                                                  static_cast<A*>(grad_bias), rows);
                  });
}

}  // namespace

void fill_norm(NormKernels& table) {
  table.layer_norm = layer_norm;
  table.layer_norm_backward = layer_norm_backward;
  table.group_norm = group_norm;
  table.group_norm_backward = group_norm_backward;
  table.batch_norm = batch_norm;
  table.batch_norm_backward = batch_norm_backward;
}

}  // namespace tallow::cpu::TALLOW_ISA
