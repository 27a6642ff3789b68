// Layer and group normalisation: every row of n neighbours is normalised by its own mean and
// variance. A row of group normalisation is a group of channels of one sample.
#include "cuda/kernels/channels.h"
#include "cuda/kernels/rows.h"
#include "cuda/kernels/table.h"
#include "cuda/scratch.h"

namespace tallow::cuda {
namespace {

// Which weight and bias element j of a row has: rows of layer normalisation have one of their own
// for each element, groups one per channel of `inner` elements.
struct RowLayout {
  int64_t rows, n;
  int64_t groups;  // 1 for layer normalisation
  int64_t inner;   // 1 for layer normalisation

  Lines lines() const { return {rows, n, 1}; }
  __device__ int64_t parameter(int64_t row, int64_t j) const {
    return inner == 1 && groups == 1 ? j : row % groups * (n / inner) + j / inner;
  }
};

template <class T, int kThreads>
__global__ void normalise_rows(bool centered, T* out, const T* in, const Compute<T>* weight,
                               const Compute<T>* bias, RowLayout layout, Compute<T> eps,
                               Compute<T>* means, Compute<T>* rstds) {
  using A = Compute<T>;
  using Row = Team<kThreads>;
  const int64_t row = Row::line(), n = layout.n;
  if (row >= layout.rows) return;
  const T* const x = in + row * n;
  A mean = 0;
  if (centered) {
    for (int64_t j = Row::rank(); j < n; j += kThreads) mean += static_cast<A>(x[j]);
    mean = Row::sum(mean) / static_cast<A>(n);
  }
  A squares = 0;
  for (int64_t j = Row::rank(); j < n; j += kThreads) {
    const A d = static_cast<A>(x[j]) - mean;
    squares += d * d;
  }
  const A rstd = A(1) / sqrt(Row::sum(squares) / static_cast<A>(n) + eps);
  for (int64_t j = Row::rank(); j < n; j += kThreads) {
    const int64_t c = layout.parameter(row, j);
    A y = (static_cast<A>(x[j]) - mean) * rstd;
    if (weight) y *= weight[c];
    if (bias) y += bias[c];
    out[row * n + j] = static_cast<T>(y);
  }
  if (Row::rank() != 0) return;
  if (means) means[row] = mean;
  if (rstds) rstds[row] = rstd;
}

template <class T, int kThreads>
__global__ void normalise_rows_backward(bool centered, T* grad_in, const T* grad, const T* in,
                                        const Compute<T>* weight, const Compute<T>* means,
                                        const Compute<T>* rstds, RowLayout layout) {
  using A = Compute<T>;
  using Row = Team<kThreads>;
  const int64_t row = Row::line(), n = layout.n;
  if (row >= layout.rows) return;
  const T* const x = in + row * n;
  const T* const g = grad + row * n;
  const A mean = centered ? means[row] : A(0);
  const A rstd = rstds[row];
  const auto scaled = [&](int64_t j) {
    const A value = static_cast<A>(g[j]);
    return weight ? value * weight[layout.parameter(row, j)] : value;
  };
  Sums<A> sums{0, 0};  // of the gradient, and of its product with the normalised input
  for (int64_t j = Row::rank(); j < n; j += kThreads) {
    const A d = scaled(j);
    sums = sums + Sums<A>{d, d * (static_cast<A>(x[j]) - mean) * rstd};
  }
  sums = Row::reduce(sums, Plus{}, Sums<A>{0, 0});
  const A along_one = centered ? sums.first / static_cast<A>(n) : A(0);
  const A along_input = sums.second / static_cast<A>(n);
  for (int64_t j = Row::rank(); j < n; j += kThreads) {
    const A normal = (static_cast<A>(x[j]) - mean) * rstd;
    grad_in[row * n + j] = static_cast<T>((scaled(j) - along_one - normal * along_input) * rstd);
  }
}

template <class T>
Status forward_of(bool centered, T* out, const T* in, const void* weight, const void* bias,
                  const RowLayout& layout, double eps, void* mean, void* rstd) {
  using A = Compute<T>;
  if (layout.n == 0) {
    TALLOW_CUDA_TRY(fill_values<A>(mean, layout.rows, 0));
    return fill_values<A>(rstd, layout.rows, NAN);
  }
  return with_team(layout.lines(), [&]<int kThreads>() {
    return launch(Team<kThreads>::shape(layout.rows), normalise_rows<T, kThreads>, centered, out,
                  in, static_cast<const A*>(weight), static_cast<const A*>(bias), layout,
                  static_cast<A>(eps), static_cast<A*>(mean), static_cast<A*>(rstd));
  });
}

template <class T>
Status grad_input_of(bool centered, T* grad_in, const T* grad, const T* in, const void* weight,
                     const void* mean, const void* rstd, const RowLayout& layout) {
  using A = Compute<T>;
  if (grad_in == nullptr || layout.n == 0) return Status::kOk;
  return with_team(layout.lines(), [&]<int kThreads>() {
    return launch(Team<kThreads>::shape(layout.rows), normalise_rows_backward<T, kThreads>,
                  centered, grad_in, grad, in, static_cast<const A*>(weight),
                  static_cast<const A*>(mean), static_cast<const A*>(rstd), layout);
  });
}

// The gradients of weight and bias: sums over the samples, and inside a channel.
template <class T>
Status grad_parameters_of(void* grad_weight, void* grad_bias, const T* grad, const T* in,
                          const void* mean, const void* rstd, const ChannelShape& shape,
                          int64_t groups) {
  using A = Compute<T>;
  if (grad_weight == nullptr && grad_bias == nullptr) return Status::kOk;
  Scratch<Sums<A>> sums;
  TALLOW_CUDA_TRY(sums.allocate(shape.channels));
  const NormalisedGrad<T> value{
      grad,  in, static_cast<const A*>(mean), static_cast<const A*>(rstd), shape.channels / groups,
      groups};
  TALLOW_CUDA_TRY(sum_channels<A>(shape, value, sums.get()));
  return split_sums(sums.get(), shape.channels, static_cast<A*>(grad_bias),
                    static_cast<A*>(grad_weight));
}

Status layer_norm(bool centered, DType dtype, void* out, const void* in, const void* weight,
                  const void* bias, int64_t rows, int64_t n, double eps, void* mean, void* rstd) {
  return by_dtype(FloatingAndHalf{}, dtype, "layer_norm", [&]<class T>() {
    return forward_of(centered, static_cast<T*>(out), static_cast<const T*>(in), weight, bias,
                      RowLayout{rows, n, 1, 1}, eps, mean, rstd);
  });
}

Status layer_norm_backward(bool centered, DType dtype, void* grad_in, void* grad_weight,
                           void* grad_bias, const void* grad, const void* in, const void* weight,
                           const void* mean, const void* rstd, int64_t rows, int64_t n) {
  return by_dtype(FloatingAndHalf{}, dtype, "layer_norm_backward", [&]<class T>() -> Status {
    const T* const g = static_cast<const T*>(grad);
    const T* const x = static_cast<const T*>(in);
    TALLOW_CUDA_TRY(grad_input_of(centered, static_cast<T*>(grad_in), g, x, weight, mean, rstd,
                                  RowLayout{rows, n, 1, 1}));
    // To the parameters a row is a sample of n channels with one pair of statistics.
    return grad_parameters_of(grad_weight, grad_bias, g, x, centered ? mean : nullptr, rstd,
                              ChannelShape{rows, n, 1}, 1);
  });
}

RowLayout group_rows(const ChannelShape& shape, int64_t groups) {
  return {shape.batch * groups, shape.channels / groups * shape.inner, groups, shape.inner};
}

Status group_norm(DType dtype, void* out, const void* in, const void* weight, const void* bias,
                  const ChannelShape& shape, int64_t groups, double eps, void* mean, void* rstd) {
  return by_dtype(FloatingAndHalf{}, dtype, "group_norm", [&]<class T>() {
    return forward_of(true, static_cast<T*>(out), static_cast<const T*>(in), weight, bias,
                      group_rows(shape, groups), eps, mean, rstd);
  });
}

Status group_norm_backward(DType dtype, void* grad_in, void* grad_weight, void* grad_bias,
                           const void* grad, const void* in, const void* weight, const void* mean,
                           const void* rstd, const ChannelShape& shape, int64_t groups) {
  return by_dtype(FloatingAndHalf{}, dtype, "group_norm_backward", [&]<class T>() -> Status {
    const T* const g = static_cast<const T*>(grad);
    const T* const x = static_cast<const T*>(in);
    TALLOW_CUDA_TRY(grad_input_of(true, static_cast<T*>(grad_in), g, x, weight, mean, rstd,
                                  group_rows(shape, groups)));
    return grad_parameters_of(grad_weight, grad_bias, g, x, mean, rstd, shape, groups);
  });
}

}  // namespace

void fill_norm(NormKernels& table) {
  table.layer_norm = layer_norm;
  table.layer_norm_backward = layer_norm_backward;
  table.group_norm = group_norm;
  table.group_norm_backward = group_norm_backward;
  fill_batch_norm(table);
}

}  // namespace tallow::cuda
