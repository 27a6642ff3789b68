// Layer and root-mean-square normalisation: rows, one by one.
#include "backend/norm.h"

#include "cpu/norm_channels.h"
#include "cpu/norm_rows.h"
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

template <class T, class A>
void layer_norm_row(bool centered, T* y, const T* x, const A* weight, const A* bias, int64_t n,
                    A eps, A* mean, A* rstd) {
  const RowStats<A> s = centered ? row_stats(x, n, eps) : rms_stats(x, n, eps);
  for_each_vector<A>(n, [&](int64_t i, int lanes) {
    Vec<A> v = (read(x + i, lanes) - broadcast(s.mean) - broadcast(s.rest)) * broadcast(s.rstd);
    if (weight) v = v * read(weight + i, lanes);
    if (bias) v = v + read(bias + i, lanes);
    write(y + i, v, lanes);
  });
  if (mean) *mean = s.mean + s.rest;
  if (rstd) *rstd = s.rstd;
}

Status layer_norm(bool centered, DType dtype, void* out, const void* in, const void* weight,
                  const void* bias, int64_t rows, int64_t n, double eps, void* mean, void* rstd) {
  return dispatch(FloatingAndHalf{}, dtype, "LayerNormKernelImpl", [&]<class T>() -> Status {
    using A = Compute<T>;
    for_each_row(rows, n, [&](int64_t row) {
      layer_norm_row(centered, static_cast<T*>(out) + row * n, static_cast<const T*>(in) + row * n,
                     static_cast<const A*>(weight), static_cast<const A*>(bias), n,
                     static_cast<A>(eps), mean ? static_cast<A*>(mean) + row : nullptr,
                     rstd ? static_cast<A*>(rstd) + row : nullptr);
    });
    return Status::kOk;
  });
}

// The operands of a backward pass; weight, mean and the gradients may be null.
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

  A mean_of(int64_t row) const { return mean ? mean[row] : A(0); }

  // With h = (x - mean) * rstd and d = grad * weight: rstd * (d - average(d) - h * average(d * h)),
  // without the first average if not centered.
  void input_gradient(int64_t row) const {
    const T* const g = grad + row * n;
    const T* const x = in + row * n;
    const Vec<A> center = broadcast(mean_of(row));
    const Vec<A> scale = broadcast(rstd[row]);
    const auto terms = [&](int64_t i, int lanes, Vec<A>(&t)[2]) {
      t[0] = read(g + i, lanes);
      if (weight) t[0] = t[0] * read(weight + i, lanes);
      t[1] = (read(x + i, lanes) - center) * scale;
    };
    A sums[2];
    fold_terms<A, 2>(
        n, Add{},
        [&](int64_t i, int lanes, Vec<A>(&t)[2]) {
          terms(i, lanes, t);
          t[1] = t[0] * t[1];
        },
        sums);
    const Vec<A> average = broadcast(centered ? sums[0] / static_cast<A>(n) : A(0));
    const Vec<A> along = broadcast(sums[1] / static_cast<A>(n));
    for_each_vector<A>(n, [&](int64_t i, int lanes) {
      Vec<A> t[2];
      terms(i, lanes, t);
      write(grad_in + row * n + i, (t[0] - average - t[1] * along) * scale, lanes);
    });
  }

  // sums[0][i] += grad * h, sums[1][i] += grad of one row.
  void add_parameter_gradients(int64_t row, A* sums) const {
    const Vec<A> center = broadcast(mean_of(row));
    const Vec<A> scale = broadcast(rstd[row]);
    for_each_vector<A>(n, [&](int64_t i, int lanes) {
      const Vec<A> g = read(grad + row * n + i, lanes);
      const Vec<A> h = (read(in + row * n + i, lanes) - center) * scale;
      write(sums + i, read(sums + i, lanes) + g * h, lanes);
      write(sums + n + i, read(sums + n + i, lanes) + g, lanes);
    });
  }
};

// Rows whose parameter gradients are added up one after the other before they join a chunk's.
inline constexpr int64_t kGroupRows = 32;

// Both passes over a row follow each other while it is in the cache. The parameter gradients of a
// chunk of rows are summed apart, chunks in the tree of sum_columns.
template <class T>
Status layer_norm_backward_of(const Backward<T>& b, Compute<T>* grad_weight, Compute<T>* grad_bias,
                              int64_t rows) {
  using A = Compute<T>;
  const int64_t n = b.n;
  if (!grad_weight && !grad_bias) {
    for_each_row(rows, n, [&](int64_t row) { b.input_gradient(row); });
    return Status::kOk;
  }
  const int64_t chunk = (rows / 128 / kGroupRows + 1) * kGroupRows;
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
                   for (int64_t first = c * chunk; first < stop; first += kGroupRows) {
                     std::memset(group, 0, static_cast<std::size_t>(2 * n) * sizeof(A));
                     for (int64_t row = first; row < stop && row < first + kGroupRows; ++row) {
                       if (b.grad_in) b.input_gradient(row);
                       b.add_parameter_gradients(row, group);
                     }
                     for (int64_t i = 0; i < 2 * n; ++i) sums[i] += group[i];
                   }
                 }
               });
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
