// Sums over all elements, in an order that depends on their number alone.
#pragma once

#include "cuda/gpu.h"
#include "cuda/kernels/rows.h"
#include "cuda/scratch.h"

namespace tallow::cuda {

inline constexpr int kSumBlock = 256;

// Each block sums every gridDim.x-th run of kSumBlock values; the only block of a grid finishes.
template <class A, class Value, class Finish>
__global__ void sum_all_kernel(int64_t count, Value value, Sums<A>* partial, Finish finish) {
  Sums<A> sum = no_sums<A>();
  for (int64_t i = global_index(); i < count; i += grid_stride()) sum = sum + value(i);
  sum = block_reduce(sum, Plus{}, no_sums<A>());
  if (threadIdx.x != 0) return;
  if (gridDim.x == 1) {
    finish(sum);
  } else {
    partial[blockIdx.x] = sum;
  }
}

template <class A>
struct LoadSums {
  const Sums<A>* partial;
  __device__ Sums<A> operator()(int64_t i) const { return partial[i]; }
};

// finish(sum of value(i) over i < count), on the device, in one thread. Both are functors that are
// copied to the device; value returns Sums<A>.
template <class A, class Value, class Finish>
Status sum_all(int64_t count, const Value& value, const Finish& finish) {
  constexpr int64_t kMostBlocks = 512;
  const unsigned blocks = count > 0 ? grid_for(count, 4 * kSumBlock, kMostBlocks) : 1;
  Scratch<Sums<A>> partial;
  if (blocks > 1) TALLOW_CUDA_TRY(partial.allocate(blocks));
  TALLOW_CUDA_TRY(launch({blocks, kSumBlock}, sum_all_kernel<A, Value, Finish>, count, value,
                         partial.get(), finish));
  if (blocks == 1) return Status::kOk;
  const LoadSums<A> load{partial.get()};
  return launch({1, kSumBlock}, sum_all_kernel<A, LoadSums<A>, Finish>, int64_t{blocks}, load,
                static_cast<Sums<A>*>(nullptr), finish);
}

}  // namespace tallow::cuda
