// softmax, log_softmax and logsumexp along rows and down columns.
#include "backend/softmax.h"

#include "cpu/softmax_exp.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {

Status softmax_backward(bool log, DType dtype, void* grad_in, const void* grad, const void* y,
                        int64_t outer, int64_t n, int64_t inner);

namespace {

// The exponentials of rows of one leaf stay in a buffer: were they stored where the result goes, a
// row would be read again while the end of the one before it is being written.
template <class T>
void softmax_rows(T* y, const T* x, int64_t n, int rows) {
  using A = Compute<T>;
  constexpr bool kKeeps = std::is_same_v<T, A>;
  alignas(kVectorBytes) T few[kKeeps ? kGroupRows * kLeaf : 1];
  T* const kept = kKeeps && n <= kLeaf ? few : y;
  const int64_t pitch = kKeeps && n <= kLeaf ? kLeaf : n;
  A max[kGroupRows], sum[kGroupRows], inverse[kGroupRows];
  maxima_of_rows(x, n, rows, max);
  for (int r = 0; r < rows; ++r) {
    sum[r] = row_sum_exp(kept + r * pitch, x + r * n, n, rows * n, max[r]);
  }
  for_each_vector<A>(
      rows, [&](int64_t r, int count) { write(inverse + r, 1 / read(sum + r, count), count); });
  for (int r = 0; r < rows; ++r) {
    [[maybe_unused]] const ExpBase<A> base = ExpBase<A>::of(broadcast(max[r]));
    for_each_vector<A>(n, [&](int64_t i, int count) {
      Vec<A> e;
      if constexpr (kKeeps) {
        e = read(kept + r * pitch + i, count);
      } else {
        e = exp_over(base, read(x + r * n + i, count));
      }
      write(y + r * n + i, share(e, broadcast(sum[r]), broadcast(inverse[r])), count);
    });
  }
}

template <class T>
void log_softmax_rows(T* y, const T* x, int64_t n, int rows) {
  using A = Compute<T>;
  RowSums<A> s;
  sum_exp_of_rows(x, n, rows, s);
  for (int r = 0; r < rows; ++r) {
    const Vec<A> log = broadcast(s.log[r]);
    const Vec<A> rest = broadcast(s.rest[r]);
    for_each_vector<A>(n, [&](int64_t i, int count) {
      write(y + r * n + i, log_softmax_element(read(x + r * n + i, count), log, rest), count);
    });
  }
}

template <class T, int Vecs>
void softmax_columns(bool log, const Block<T, Vecs>& y, const Block<const T, Vecs>& x, int64_t n) {
  using A = Compute<T>;
  constexpr bool kKeeps = std::is_same_v<T, A>;
  ExpBase<A> base[Vecs];
  Vec<A> max[Vecs], sum[Vecs], rest[Vecs];
  column_max<T>(x, n, max, base);
  column_sum_exp<T>(x, n, base, sum, [&](int64_t i, int v, Vec<A> e) {
    if (kKeeps && !log) y.set(i, v, e);
  });
  for (int v = 0; v < Vecs; ++v) {
    if (!log) {
      rest[v] = 1 / sum[v];
    } else {
      const LogSum<Vec<A>> l = log_sum(max[v], sum[v]);
      sum[v] = l.value;
      rest[v] = l.rest;
    }
  }
  for (int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) {
      if (log) {
        y.set(i, v, log_softmax_element(x.get(i, v), sum[v], rest[v]));
      } else {
        const Vec<A> e = kKeeps ? y.get(i, v) : exp_over(base[v], x.get(i, v));
        y.set(i, v, share(e, sum[v], rest[v]));
      }
    }
  }
}

template <class T>
Status forward_of(bool log, T* out, const T* in, int64_t outer, int64_t n, int64_t inner) {
  if (n == 0) return Status::kOk;
  if (inner == 1) {
    for_each_row_group(outer, n, [&](int64_t first, int rows) {
      if (log) {
        log_softmax_rows(out + first * n, in + first * n, n, rows);
      } else {
        softmax_rows(out + first * n, in + first * n, n, rows);
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
    for_each_row_group(outer, n, [&](int64_t first, int rows) {
      RowSums<A> s;
      sum_exp_of_rows(in + first * n, n, rows, s);
      for_each_vector<A>(rows, [&](int64_t r, int count) {
        const Vec<A> max = read(s.max + r, count);
        write(out + first + r, max - max != 0 ? max : read(s.log + r, count), count);
      });
    });
    return Status::kOk;
  }
  for_each_column_block<A>(outer, n, inner, [&]<int Vecs>(int64_t o, int64_t column, int last) {
    const Block<const T, Vecs> x{in + o * n * inner + column, inner, last};
    ExpBase<A> base[Vecs];
    Vec<A> max[Vecs], sum[Vecs];
    column_max<T>(x, n, max, base);
    column_sum_exp<T>(x, n, base, sum, [](int64_t, int, Vec<A>) {});
    for (int v = 0; v < Vecs; ++v) {
      const LogSum<Vec<A>> log = log_sum(max[v], sum[v]);
      write(out + o * inner + column + v * kLanes<A>, max[v] - max[v] != 0 ? max[v] : log.value,
            x.count(v));
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
