// Batch normalisation: every channel is normalised by its own mean and variance over all samples.
#include "cuda/kernels/channels.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

constexpr int kBlock = 256;

// Statistics of a channel in two readings: the mean, then the squares of the distances from it.
template <class T>
struct Distance {
  using A = Compute<T>;
  const T* in;
  const A* mean;  // null while the mean is looked for
  __device__ Sums<A> operator()(int64_t, int64_t channel, int64_t at) const {
    const A x = static_cast<A>(in[at]);
    const A d = mean ? x - mean[channel] : x;
    return {d, d * d};
  }
};

template <class A>
__global__ void finish_mean(A* mean, const Sums<A>* sums, int64_t channels, A count) {
  const int64_t c = global_index();
  if (c < channels) mean[c] = sums[c].first / count;
}
// Without sums the variance is given.
template <class A>
__global__ void finish_variance(A* variance, A* invstd, const Sums<A>* sums, int64_t channels,
                                A count, A eps) {
  const int64_t c = global_index();
  if (c >= channels) return;
  if (sums) variance[c] = sums[c].second / count;
  invstd[c] = A(1) / sqrt(variance[c] + eps);
}

template <class T>
__global__ void normalise_channels(T* out, const T* in, const Compute<T>* weight,
                                   const Compute<T>* bias, const Compute<T>* mean,
                                   const Compute<T>* invstd, ChannelShape shape) {
  using A = Compute<T>;
  const int64_t numel = shape.batch * shape.channels * shape.inner;
  for (int64_t i = global_index(); i < numel; i += grid_stride()) {
    const int64_t c = i / shape.inner % shape.channels;
    A y = (static_cast<A>(in[i]) - mean[c]) * invstd[c];
    if (weight) y *= weight[c];
    if (bias) y += bias[c];
    out[i] = static_cast<T>(y);
  }
}

template <class T>
__global__ void normalise_channels_backward(bool train, T* grad_in, const T* grad, const T* in,
                                            const Compute<T>* weight, const Compute<T>* mean,
                                            const Compute<T>* invstd, const Sums<Compute<T>>* sums,
                                            ChannelShape shape) {
  using A = Compute<T>;
  const int64_t numel = shape.batch * shape.channels * shape.inner;
  const A count = static_cast<A>(shape.batch * shape.inner);
  for (int64_t i = global_index(); i < numel; i += grid_stride()) {
    const int64_t c = i / shape.inner % shape.channels;
    A g = static_cast<A>(grad[i]);
    if (train) {
      const A normal = (static_cast<A>(in[i]) - mean[c]) * invstd[c];
      g -= sums[c].first / count + normal * (sums[c].second / count);
    }
    const A scale = weight ? invstd[c] * weight[c] : invstd[c];
    grad_in[i] = static_cast<T>(g * scale);
  }
}

LaunchShape channel_shape(int64_t channels) { return {grid_for(channels, kBlock), kBlock}; }
LaunchShape element_shape(const ChannelShape& shape) {
  constexpr int64_t kMostBlocks = 65536;
  return {grid_for(shape.batch * shape.channels * shape.inner, kBlock, kMostBlocks), kBlock};
}

template <class T>
Status statistics_of(bool train, const T* in, const ChannelShape& shape, double eps,
                     Compute<T>* mean, Compute<T>* variance, Compute<T>* invstd) {
  using A = Compute<T>;
  const int64_t channels = shape.channels;
  const A count = static_cast<A>(shape.batch * shape.inner);
  const LaunchShape each = channel_shape(channels);
  Scratch<Sums<A>> sums;
  if (train) {
    TALLOW_CUDA_TRY(sums.allocate(channels));
    TALLOW_CUDA_TRY(sum_channels<A>(shape, Distance<T>{in, nullptr}, sums.get()));
    TALLOW_CUDA_TRY(launch(each, finish_mean<A>, mean, sums.get(), channels, count));
    TALLOW_CUDA_TRY(sum_channels<A>(shape, Distance<T>{in, mean}, sums.get()));
  }
  return launch(each, finish_variance<A>, variance, invstd, sums.get(), channels, count,
                static_cast<A>(eps));
}

Status batch_norm(bool train, DType dtype, void* out, const void* in, const void* weight,
                  const void* bias, const ChannelShape& shape, double eps, void* mean,
                  void* variance, void* invstd) {
  return by_dtype(FloatingAndHalf{}, dtype, "batch_norm", [&]<class T>() -> Status {
    using A = Compute<T>;
    const T* const x = static_cast<const T*>(in);
    TALLOW_CUDA_TRY(statistics_of(train, x, shape, eps, static_cast<A*>(mean),
                                  static_cast<A*>(variance), static_cast<A*>(invstd)));
    return launch(element_shape(shape), normalise_channels<T>, static_cast<T*>(out), x,
                  static_cast<const A*>(weight), static_cast<const A*>(bias),
                  static_cast<const A*>(mean), static_cast<const A*>(invstd), shape);
  });
}

Status batch_norm_backward(bool train, DType dtype, void* grad_in, void* grad_weight,
                           void* grad_bias, const void* grad, const void* in, const void* weight,
                           const void* mean, const void* invstd, const ChannelShape& shape) {
  return by_dtype(FloatingAndHalf{}, dtype, "batch_norm_backward", [&]<class T>() -> Status {
    using A = Compute<T>;
    const T* const g = static_cast<const T*>(grad);
    const T* const x = static_cast<const T*>(in);
    const A* const centre = static_cast<const A*>(mean);
    const A* const scale = static_cast<const A*>(invstd);
    Scratch<Sums<A>> sums;
    if (grad_weight || grad_bias || train) {
      TALLOW_CUDA_TRY(sums.allocate(shape.channels));
      const NormalisedGrad<T> value{g, x, centre, scale, 1, 0};
      TALLOW_CUDA_TRY(sum_channels<A>(shape, value, sums.get()));
      TALLOW_CUDA_TRY(split_sums(sums.get(), shape.channels, static_cast<A*>(grad_bias),
                                 static_cast<A*>(grad_weight)));
    }
    if (grad_in == nullptr) return Status::kOk;
    return launch(element_shape(shape), normalise_channels_backward<T>, train,
                  static_cast<T*>(grad_in), g, x, static_cast<const A*>(weight), centre, scale,
                  sums.get(), shape);
  });
}

}  // namespace

void fill_batch_norm(NormKernels& table) {
  table.batch_norm = batch_norm;
  table.batch_norm_backward = batch_norm_backward;
}

}  // namespace tallow::cuda
