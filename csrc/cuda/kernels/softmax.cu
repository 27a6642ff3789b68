// Softmax, its logarithm, its gradient and logsumexp.
#include "cuda/kernels/rows.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

// A warp per row, which it keeps in registers: kItems elements in each lane.
template <class T, int kItems>
__global__ void softmax_short_rows(bool log_space, T* out, const T* in, int64_t rows, int n) {
  using A = Compute<T>;
  const int64_t row = Team<kWarp>::line();
  if (row >= rows) return;
  const T* const x = in + row * n;
  T* const y = out + row * n;
  A value[kItems];
  A max = -static_cast<A>(INFINITY);
  TL_UNROLL
  for (int k = 0; k < kItems; ++k) {
    const int i = k * kWarp + lane_index();
    value[k] = i < n ? static_cast<A>(x[i]) : -static_cast<A>(INFINITY);
    max = Larger{}(max, value[k]);
  }
  max = warp_reduce(max, Larger{});
  A sum = 0;
  TL_UNROLL
  for (int k = 0; k < kItems; ++k) {
    value[k] -= max;
    const A e = exp(value[k]);
    if (k * kWarp + lane_index() < n) sum += e;
    if (!log_space) value[k] = e;
  }
  sum = warp_reduce(sum, Plus{});
  const A log_sum = log(sum);
  TL_UNROLL
  for (int k = 0; k < kItems; ++k) {
    const int i = k * kWarp + lane_index();
    if (i < n) y[i] = static_cast<T>(log_space ? value[k] - log_sum : value[k] / sum);
  }
}

template <class T, int kThreads>
__device__ MaxSum<Compute<T>> max_sum_of_line(const T* x, const Lines& lines) {
  using A = Compute<T>;
  using Line = Team<kThreads>;
  MaxSum<A> all = MaxSum<A>::none();
  for (int64_t i = Line::rank(); i < lines.n; i += kThreads) {
    all.add(static_cast<A>(x[i * lines.inner]));
  }
  return Line::reduce(all, MergeMaxSum{}, MaxSum<A>::none());
}

template <class T, int kThreads>
__global__ void softmax_lines(bool log_space, T* out, const T* in, Lines lines) {
  using A = Compute<T>;
  using Line = Team<kThreads>;
  if (Line::line() >= lines.count()) return;
  const int64_t begin = lines.begin(Line::line());
  const MaxSum<A> all = max_sum_of_line<T, kThreads>(in + begin, lines);
  const A log_sum = log(all.sum);
  for (int64_t i = Line::rank(); i < lines.n; i += kThreads) {
    const int64_t at = begin + i * lines.inner;
    const A shifted = static_cast<A>(in[at]) - all.max;
    out[at] = static_cast<T>(log_space ? shifted - log_sum : exp(shifted) / all.sum);
  }
}

template <class T, int kThreads>
__global__ void logsumexp_lines(T* out, const T* in, Lines lines) {
  using Line = Team<kThreads>;
  if (Line::line() >= lines.count()) return;
  const auto all = max_sum_of_line<T, kThreads>(in + lines.begin(Line::line()), lines);
  if (Line::rank() == 0) out[Line::line()] = static_cast<T>(log_sum(all));
}

template <class T, int kThreads>
__global__ void softmax_backward_lines(bool log_space, T* grad_in, const T* grad, const T* result,
                                       Lines lines) {
  using A = Compute<T>;
  using Line = Team<kThreads>;
  if (Line::line() >= lines.count()) return;
  const int64_t begin = lines.begin(Line::line());
  A sum = 0;
  for (int64_t i = Line::rank(); i < lines.n; i += kThreads) {
    const int64_t at = begin + i * lines.inner;
    sum += static_cast<A>(grad[at]) * (log_space ? A(1) : static_cast<A>(result[at]));
  }
  sum = Line::sum(sum);
  for (int64_t i = Line::rank(); i < lines.n; i += kThreads) {
    const int64_t at = begin + i * lines.inner;
    const A g = static_cast<A>(grad[at]);
    const A y = static_cast<A>(result[at]);
    grad_in[at] = static_cast<T>(log_space ? g - exp(y) * sum : y * (g - sum));
  }
}

// ---- Entries of the table.

template <class T>
Status forward_of(bool log_space, T* out, const T* in, const Lines& lines) {
  if (lines.n == 0) return Status::kOk;
  if (lines.inner == 1 && lines.n <= kWarpRow) {
    const auto kernel = lines.n <= 2 * kWarp   ? softmax_short_rows<T, 2>
                        : lines.n <= 8 * kWarp ? softmax_short_rows<T, 8>
                                               : softmax_short_rows<T, 32>;
    return launch(Team<kWarp>::shape(lines.outer), kernel, log_space, out, in, lines.outer,
                  static_cast<int>(lines.n));
  }
  if (lines.inner == 1) {
    return launch(Team<kTeamBlock>::shape(lines.outer), softmax_lines<T, kTeamBlock>, log_space,
                  out, in, lines);
  }
  return launch(Team<1>::shape(lines.count()), softmax_lines<T, 1>, log_space, out, in, lines);
}

Status forward(bool log_space, DType dtype, void* out, const void* in, int64_t outer, int64_t n,
               int64_t inner) {
  return by_dtype(FloatingAndHalf{}, dtype, log_space ? "log_softmax" : "softmax", [&]<class T>() {
    return forward_of(log_space, static_cast<T*>(out), static_cast<const T*>(in),
                      Lines{outer, n, inner});
  });
}

Status backward(bool log_space, DType dtype, void* grad_in, const void* grad, const void* y,
                int64_t outer, int64_t n, int64_t inner) {
  const Lines lines{outer, n, inner};
  return by_dtype(FloatingAndHalf{}, dtype, "softmax_backward", [&]<class T>() {
    return with_team(lines, [&]<int kThreads>() {
      return launch(Team<kThreads>::shape(lines.count()), softmax_backward_lines<T, kThreads>,
                    log_space, static_cast<T*>(grad_in), static_cast<const T*>(grad),
                    static_cast<const T*>(y), lines);
    });
  });
}

Status logsumexp(DType dtype, void* out, const void* in, int64_t outer, int64_t n, int64_t inner) {
  const Lines lines{outer, n, inner};
  return by_dtype(FloatingAndHalf{}, dtype, "logsumexp", [&]<class T>() {
    return with_team(lines, [&]<int kThreads>() {
      return launch(Team<kThreads>::shape(lines.count()), logsumexp_lines<T, kThreads>,
                    static_cast<T*>(out), static_cast<const T*>(in), lines);
    });
  });
}

}  // namespace

void fill_softmax(SoftmaxKernels& table) {
  table.forward = forward;
  table.backward = backward;
  table.logsumexp = logsumexp;
}

}  // namespace tallow::cuda
