// Layer, RMS and group normalisation: rows normalised one by one. Batch normalisation is in
// norm_batch.cpp.
#include "backend/norm.h"

#include <cmath>

#include "cpu/norm_batch.h"
#include "cpu/reduce_rows.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// The mean as a sum of two numbers, so that subtracting it leaves no trace of its rounding, and
// 1 / sqrt(variance + eps).
template <class A>
struct RowStats {
  A mean;
  A rest;
  A rstd;
};

template <class T, class A>
RowStats<A> row_stats(bool centered, const T* x, int64_t n, A eps) {
  const A count = static_cast<A>(n);
  if (!centered) {
    const A squares = fold_values<A>(n, Add{}, [&](int64_t i, int lanes) {
      const Vec<A> v = read(x + i, lanes);
      return v * v;
    });
    return {A(0), A(0), A(1) / std::sqrt(squares / count + eps)};
  }
  const A mean =
      fold_values<A>(n, Add{}, [&](int64_t i, int lanes) { return read(x + i, lanes); }) / count;
  const auto deviation = [&](int64_t i, int lanes) {
    return read(x + i, lanes) - broadcast(mean);
  };
  const A first = fold_values<A>(n, Add{}, deviation);
  const A second = fold_values<A>(n, Add{}, [&](int64_t i, int lanes) {
    const Vec<A> d = deviation(i, lanes);
    return d * d;
  });
  const A rest = first / count;
  const A variance = (second - first * rest) / count;
  return {mean, rest, A(1) / std::sqrt(variance + eps)};
}

template <class T, class A>
void layer_norm_row(bool centered, T* y, const T* x, const A* weight, const A* bias, int64_t n,
                    A eps, A* mean, A* rstd) {
  const RowStats<A> s = row_stats(centered, x, n, eps);
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

// With h = (x - mean) * rstd and d = grad * weight: rstd * (d - average(d) - h * average(d * h)),
// without the first average if not centered.
template <class T, class A>
void layer_norm_backward_row(bool centered, T* grad_in, const T* grad, const T* x, const A* weight,
                             A mean, A rstd, int64_t n) {
  const auto weighted = [&](int64_t i, int lanes) {
    const Vec<A> g = read(grad + i, lanes);
    return weight ? g * read(weight + i, lanes) : g;
  };
  const auto normal = [&](int64_t i, int lanes) {
    return (read(x + i, lanes) - broadcast(mean)) * broadcast(rstd);
  };
  const A count = static_cast<A>(n);
  const A average = centered ? fold_values<A>(n, Add{}, weighted) / count : A(0);
  const A along = fold_values<A>(n, Add{}, [&](int64_t i, int lanes) {
                    return weighted(i, lanes) * normal(i, lanes);
                  }) / count;
  for_each_vector<A>(n, [&](int64_t i, int lanes) {
    const Vec<A> d = weighted(i, lanes) - broadcast(average) - normal(i, lanes) * broadcast(along);
    write(grad_in + i, d * broadcast(rstd), lanes);
  });
}

template <class T>
Status layer_norm_backward_of(bool centered, T* grad_in, Compute<T>* grad_weight,
                              Compute<T>* grad_bias, const T* grad, const T* in,
                              const Compute<T>* weight, const Compute<T>* mean,
                              const Compute<T>* rstd, int64_t rows, int64_t n) {
  using A = Compute<T>;
  const auto mean_of = [&](int64_t row) { return mean ? mean[row] : A(0); };
  if (grad_in) {
    for_each_row(rows, n, [&](int64_t row) {
      layer_norm_backward_row(centered, grad_in + row * n, grad + row * n, in + row * n, weight,
                              mean_of(row), rstd[row], n);
    });
  }
  if (!grad_weight && !grad_bias) return Status::kOk;
  return sum_columns<A, 2>(rows, n, {grad_weight, grad_bias},
                           [&](int64_t row, int64_t column, int lanes, Vec<A>(&sum)[2]) {
    const Vec<A> g = read(grad + row * n + column, lanes);
    const Vec<A> x = read(in + row * n + column, lanes);
    sum[0] = g * ((x - broadcast(mean_of(row))) * broadcast(rstd[row]));
    sum[1] = g;
  });
}

Status layer_norm_backward(bool centered, DType dtype, void* grad_in, void* grad_weight,
                           void* grad_bias, const void* grad, const void* in, const void* weight,
                           const void* mean, const void* rstd, int64_t rows, int64_t n) {
  return dispatch(FloatingAndHalf{}, dtype, "LayerNormBackwardKernelImpl", [&]<class T>() -> Status {
    using A = Compute<T>;
    return layer_norm_backward_of(centered, static_cast<T*>(grad_in), static_cast<A*>(grad_weight),
                                  static_cast<A*>(grad_bias), static_cast<const T*>(grad),
                                  static_cast<const T*>(in), static_cast<const A*>(weight),
                                  static_cast<const A*>(mean), static_cast<const A*>(rstd), rows, n);
  });
}

Status group_norm(DType dtype, void* out, const void* in, const void* weight, const void* bias,
                  const ChannelShape& shape, int64_t groups, double eps, void* mean, void* rstd) {
  const int64_t per_group = shape.channels / groups;
  const int64_t n = per_group * shape.inner;
  return dispatch(FloatingAndHalf{}, dtype, "GroupNormKernelImpl", [&]<class T>() -> Status {
    using A = Compute<T>;
    for_each_row(shape.batch * groups, n, [&](int64_t row) {
      const T* x = static_cast<const T*>(in) + row * n;
      T* y = static_cast<T*>(out) + row * n;
      const RowStats<A> s = row_stats(true, x, n, static_cast<A>(eps));
      const int64_t first_channel = row % groups * per_group;
      for (int64_t c = first_channel; c < first_channel + per_group; ++c) {
        const A scale = weight ? static_cast<const A*>(weight)[c] : A(1);
        const A offset = bias ? static_cast<const A*>(bias)[c] : A(-0.0);
        for_each_vector<A>(shape.inner, [&](int64_t i, int lanes) {
          const Vec<A> h =
              (read(x + i, lanes) - broadcast(s.mean) - broadcast(s.rest)) * broadcast(s.rstd);
          write(y + i, h * broadcast(scale) + broadcast(offset), lanes);
        });
        x += shape.inner;
        y += shape.inner;
      }
      static_cast<A*>(mean)[row] = s.mean + s.rest;
      static_cast<A*>(rstd)[row] = s.rstd;
    });
    return Status::kOk;
  });
}

}  // namespace

void fill_norm(NormKernels& table) {
  table.layer_norm = layer_norm;
  table.layer_norm_backward = layer_norm_backward;
  table.group_norm = group_norm;
  table.batch_norm_stats = batch_norm_stats;
  table.batch_norm_apply = batch_norm_apply;
  table.batch_norm_backward = batch_norm_backward;
}

}  // namespace tallow::cpu::TALLOW_ISA
