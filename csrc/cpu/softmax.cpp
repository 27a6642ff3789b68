// softmax, log_softmax and logsumexp along rows and down columns.
#include "backend/softmax.h"

#include "cpu/softmax_exp.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {

Status softmax_backward(bool log, DType dtype, void* grad_in, const void* grad, const void* y,
                        int64_t outer, int64_t n, int64_t inner);

namespace {

template <class T>
void softmax_row(T* y, const T* x, int64_t n) {
  using A = Compute<T>;
  const A max = row_max(x, n);
  const A inverse = A(1) / row_sum_exp(y, x, n, max);
  for_each_vector<A>(n, [&](int64_t i, int count) {
    if constexpr (std::is_same_v<T, A>) {
      write(y + i, read(y + i, count) * inverse, count);
    } else {
      write(y + i, exp_shifted(read(x + i, count), broadcast(max)) * inverse, count);
    }
  });
}

template <class T>
void log_softmax_row(T* y, const T* x, int64_t n) {
  using A = Compute<T>;
  const A max = row_max(x, n);
  const LogSum<A> log = log_sum(row_sum_exp<T>(nullptr, x, n, max));
  for_each_vector<A>(n, [&](int64_t i, int count) {
    write(y + i,
          log_softmax_element(read(x + i, count), broadcast(max), broadcast(log.value),
                              broadcast(log.rest)),
          count);
  });
}

template <class T, int Vecs>
void softmax_columns(bool log, const Block<T, Vecs>& y, const Block<const T, Vecs>& x, int64_t n) {
  using A = Compute<T>;
  constexpr bool kKeeps = std::is_same_v<T, A>;
  Vec<A> max[Vecs], sum[Vecs], rest[Vecs];
  column_max<T>(x, n, max);
  column_sum_exp<T>(x, n, max, sum, [&](int64_t i, int v, Vec<A> e) {
    if (kKeeps && !log) y.set(i, v, e);
  });
  for (int v = 0; v < Vecs; ++v) {
    if (!log) sum[v] = A(1) / sum[v];
    for (int lane = 0; log && lane < kLanes<A>; ++lane) {
      const LogSum<A> l = log_sum(sum[v][lane]);
      sum[v][lane] = l.value;
      rest[v][lane] = l.rest;
    }
  }
  for (int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) {
      if (log) {
        y.set(i, v, log_softmax_element(x.get(i, v), max[v], sum[v], rest[v]));
      } else {
        y.set(i, v, (kKeeps ? y.get(i, v) : exp_shifted(x.get(i, v), max[v])) * sum[v]);
      }
    }
  }
}

template <class T>
Status forward_of(bool log, T* out, const T* in, int64_t outer, int64_t n, int64_t inner) {
  if (n == 0) return Status::kOk;
  if (inner == 1) {
    for_each_row(outer, n, [&](int64_t row) {
      if (log) {
        log_softmax_row(out + row * n, in + row * n, n);
      } else {
        softmax_row(out + row * n, in + row * n, n);
      }
    });
    return Status::kOk;
  }
  for_each_column_block<Compute<T>>(
      outer, n, inner, [&]<int Vecs>(int64_t o, int64_t column, int last) {
        const int64_t at = o * n * inner + column;
        softmax_columns(log, Block<T, Vecs>{out + at, inner, last},
                        Block<const T, Vecs>{in + at, inner, last}, n);
      });
  return Status::kOk;
}

template <class T>
Status logsumexp_of(T* out, const T* in, int64_t outer, int64_t n, int64_t inner) {
  using A = Compute<T>;
  if (n == 0) {
    for (int64_t i = 0; i < outer * inner; ++i) out[i] = T(-std::numeric_limits<A>::infinity());
    return Status::kOk;
  }
  if (inner == 1) {
    for_each_row(outer, n, [&](int64_t row) {
      const A max = row_max(in + row * n, n);
      out[row] = T(log_of_sum(max, row_sum_exp<T>(nullptr, in + row * n, n, max)));
    });
    return Status::kOk;
  }
  for_each_column_block<A>(outer, n, inner, [&]<int Vecs>(int64_t o, int64_t column, int last) {
    const Block<const T, Vecs> x{in + o * n * inner + column, inner, last};
    Vec<A> max[Vecs], sum[Vecs];
    column_max<T>(x, n, max);
    column_sum_exp<T>(x, n, max, sum, [](int64_t, int, Vec<A>) {});
    for (int c = 0; c < (Vecs - 1) * kLanes<A> + last; ++c) {
      const int v = c / kLanes<A>, lane = c % kLanes<A>;
      out[o * inner + column + c] = T(log_of_sum(max[v][lane], sum[v][lane]));
    }
  });
  return Status::kOk;
}

// The names PyTorch's messages use.
const char* kernel_name(bool log, int64_t inner) {
  if (log) return inner == 1 ? "log_softmax_lastdim_kernel_impl" : "log_softmax_kernel_impl";
  return inner == 1 ? "softmax_lastdim_kernel_impl" : "softmax_kernel_impl";
}

Status forward(bool log, DType dtype, void* out, const void* in, int64_t outer, int64_t n,
               int64_t inner) {
  return dispatch(FloatingAndHalf{}, dtype, kernel_name(log, inner), [&]<class T>() -> Status {
    return forward_of(log, static_cast<T*>(out), static_cast<const T*>(in), outer, n, inner);
  });
}

Status logsumexp(DType dtype, void* out, const void* in, int64_t outer, int64_t n, int64_t inner) {
  return dispatch(FloatingAndHalf{}, dtype, "logsumexp", [&]<class T>() -> Status {
    return logsumexp_of(static_cast<T*>(out), static_cast<const T*>(in), outer, n, inner);
  });
}

}  // namespace

void fill_softmax(SoftmaxKernels& table) {
  table.forward = forward;
  table.backward = softmax_backward;
  table.logsumexp = logsumexp;
}

}  // namespace tallow::cpu::TALLOW_ISA
