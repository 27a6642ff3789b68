// Gradients of softmax and log_softmax.
#include "backend/softmax.h"
#include "cpu/reduce_rows.h"
#include "cpu/simd_math.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// What is summed over the normalised dimension, and the gradient made from that sum.
template <class V>
TALLOW_INLINE V summand(bool log, V grad, V y) {
  return log ? grad : grad * y;
}
template <class V>
TALLOW_INLINE V gradient(bool log, V grad, V y, V sum) {
  return log ? grad - math::exp(y) * sum : y * (grad - sum);
}

template <class T>
void backward_row(bool log, T* grad_in, const T* grad, const T* y, int64_t n) {
  using A = Compute<T>;
  const A sum = fold_values<A>(n, Add{}, [&](int64_t i, int count) {
    return summand(log, read(grad + i, count), read(y + i, count));
  });
  for_each_vector<A>(n, [&](int64_t i, int count) {
    __builtin_prefetch(grad + n + i);
    __builtin_prefetch(y + n + i);
    write(grad_in + i, gradient(log, read(grad + i, count), read(y + i, count), broadcast(sum)),
          count);
  });
}

template <class T, int Vecs>
void backward_columns(bool log, T* grad_in, const T* grad, const T* y, int64_t n, int64_t inner,
                      int last) {
  using A = Compute<T>;
  constexpr int W = kLanes<A>;
  const auto count = [&](int v) { return v + 1 < Vecs ? W : last; };
  Vec<A> sum[Vecs];
  fold_column_values<A, Vecs>(
      n, Add{},
      [&](int64_t i, Vec<A>(&x)[Vecs]) {
#pragma GCC unroll 4
        for (int v = 0; v < Vecs; ++v) {
          const int64_t at = i * inner + v * W;
          x[v] = summand(log, read(grad + at, count(v)), read(y + at, count(v)));
        }
      },
      sum);
  for (int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < Vecs; ++v) {
      const int64_t at = i * inner + v * W;
      write(grad_in + at, gradient(log, read(grad + at, count(v)), read(y + at, count(v)), sum[v]),
            count(v));
    }
  }
}

template <class T>
Status backward_of(bool log, T* grad_in, const T* grad, const T* y, int64_t outer, int64_t n,
                   int64_t inner) {
  if (n == 0) return Status::kOk;
  if (inner == 1) {
    for_each_row(outer, n, [&](int64_t row) {
      backward_row(log, grad_in + row * n, grad + row * n, y + row * n, n);
    });
    return Status::kOk;
  }
  for_each_column_block<Compute<T>>(
      outer, n, inner, [&]<int Vecs>(int64_t o, int64_t column, int last) {
        const int64_t at = o * n * inner + column;
        backward_columns<T, Vecs>(log, grad_in + at, grad + at, y + at, n, inner, last);
      });
  return Status::kOk;
}

}  // namespace

Status softmax_backward(bool log, DType dtype, void* grad_in, const void* grad, const void* y,
                        int64_t outer, int64_t n, int64_t inner) {
  return dispatch(FloatingAndHalf{}, dtype, "softmax_backward", [&]<class T>() -> Status {
    return backward_of(log, static_cast<T*>(grad_in), static_cast<const T*>(grad),
                       static_cast<const T*>(y), outer, n, inner);
  });
}

}  // namespace tallow::cpu::TALLOW_ISA
