// Sums per channel of [batch][channels][inner] arrays, for statistics and for the gradients of
// parameters. The order of summation depends on the shape alone.
#pragma once

#include "cuda/gpu.h"

#include "backend/norm.h"
#include "cuda/kernels/rows.h"
#include "cuda/scratch.h"

namespace tallow::cuda {

inline constexpr int kChannelBlock = 256;

// A gradient, and its product with the normalised input, at one element. Statistics belong to
// `groups` groups of `per_group` channels of each sample, or with groups == 0 to the channels of
// all samples; a mean of null is 0.
template <class T>
struct NormalisedGrad {
  using A = Compute<T>;
  const T* grad;
  const T* in;
  const A* mean;
  const A* rstd;
  int64_t per_group;
  int64_t groups;

  __device__ Sums<A> operator()(int64_t sample, int64_t channel, int64_t at) const {
    const int64_t group = groups == 0 ? channel : sample * groups + channel / per_group;
    const A g = static_cast<A>(grad[at]);
    const A centre = mean ? mean[group] : A(0);
    return {g, g * (static_cast<A>(in[at]) - centre) * rstd[group]};
  }
};

// A block has kWarp channels, one per lane, of which each warp sums some samples.
template <class A, class Value>
__global__ void sum_narrow_channels(Sums<A>* out, int64_t batch, int64_t channels, Value value) {
  __shared__ __align__(16) unsigned char bytes[kChannelBlock * sizeof(Sums<A>)];
  Sums<A>* const partial = reinterpret_cast<Sums<A>*>(bytes);
  constexpr int kWarps = kChannelBlock / kWarp;
  const int64_t channel = static_cast<int64_t>(blockIdx.x) * kWarp + lane_index();
  Sums<A> sum{0, 0};
  if (channel < channels) {
    for (int64_t sample = warp_index(); sample < batch; sample += kWarps) {
      sum = sum + value(sample, channel, sample * channels + channel);
    }
  }
  partial[threadIdx.x] = sum;
  __syncthreads();
  if (warp_index() != 0 || channel >= channels) return;
  for (int warp = 1; warp < kWarps; ++warp) sum = sum + partial[warp * kWarp + lane_index()];
  out[channel] = sum;
}

// A block per channel.
template <class A, class Value>
__global__ void sum_wide_channels(Sums<A>* out, ChannelShape shape, Value value) {
  const int64_t channel = blockIdx.x;
  Sums<A> sum{0, 0};
  for (int64_t i = threadIdx.x; i < shape.batch * shape.inner; i += kChannelBlock) {
    const int64_t sample = i / shape.inner;
    const int64_t at = (sample * shape.channels + channel) * shape.inner + i % shape.inner;
    sum = sum + value(sample, channel, at);
  }
  sum = block_reduce(sum, Plus{}, Sums<A>{0, 0});
  if (threadIdx.x == 0) out[channel] = sum;
}

// out[c] = the sum of value(sample, c, position) over all elements of channel c.
template <class A, class Value>
Status sum_channels(const ChannelShape& shape, const Value& value, Sums<A>* out) {
  if (shape.inner == 1) {
    return launch({grid_for(shape.channels, kWarp), kChannelBlock}, sum_narrow_channels<A, Value>,
                  out, shape.batch, shape.channels, value);
  }
  return launch({grid_for(shape.channels, 1), kChannelBlock}, sum_wide_channels<A, Value>, out,
                shape, value);
}

template <class A>
__global__ void split_sums_kernel(const Sums<A>* sums, int64_t count, A* first, A* second) {
  const int64_t i = global_index();
  if (i >= count) return;
  if (first) first[i] = sums[i].first;
  if (second) second[i] = sums[i].second;
}
// Either may be null.
template <class A>
Status split_sums(const Sums<A>* sums, int64_t count, A* first, A* second) {
  return launch({grid_for(count, kChannelBlock), kChannelBlock}, split_sums_kernel<A>, sums, count,
                first, second);
}

template <class A>
__global__ void fill_values_kernel(A* out, int64_t count, A value) {
  const int64_t i = global_index();
  if (i < count) out[i] = value;
}
// `out` may be null.
template <class A>
Status fill_values(void* out, int64_t count, double value) {
  if (out == nullptr) return Status::kOk;
  return launch({grid_for(count, kChannelBlock), kChannelBlock}, fill_values_kernel<A>,
                static_cast<A*>(out), count, static_cast<A>(value));
}

}  // namespace tallow::cuda
