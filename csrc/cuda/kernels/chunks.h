// Counting and numbering what satisfies a test, in the order of memory: chunks are counted, the
// counts summed up, and each chunk goes through its elements again knowing where it starts.
#pragma once

#include "cuda/kernels/layout.h"

#include "cuda/scratch.h"

namespace tallow::cuda {

inline constexpr int64_t kChunk = 32 * kWarp;  // elements of a warp

// counts[c] = how many elements of chunk c pass: `test(i)` says which.
template <class Test>
__global__ void count_chunks(Test test, int64_t n, int64_t chunks, int64_t* counts) {
  for (int64_t c = global_index() / kWarp; c < chunks; c += grid_stride() / kWarp) {
    int count = 0;
    for (int64_t i = c * kChunk + lane_index(); i < (c + 1) * kChunk; i += kWarp) {
      count += __popc(__ballot_sync(kAllLanes, i < n && test(i)));
    }
    if (lane_index() == 0) counts[c] = count;
  }
}

// Each count becomes the sum of those before it, total[0] the sum of all. One block.
template <int kThreads>
__global__ void sum_counts(int64_t* counts, int64_t chunks, int64_t* total) {
  __shared__ int64_t sums[kThreads];
  const int64_t threads = blockDim.x;
  const int64_t each = (chunks + threads - 1) / threads;
  const int64_t begin = threadIdx.x * each;
  const int64_t end = begin + each < chunks ? begin + each : chunks;
  int64_t sum = 0;
  for (int64_t c = begin; c < end; ++c) sum += counts[c];
  sums[threadIdx.x] = sum;
  __syncthreads();
  int64_t before = 0;
  for (unsigned t = 0; t < threadIdx.x; ++t) before += sums[t];
  for (int64_t c = begin; c < end; ++c) {
    const int64_t count = counts[c];
    counts[c] = before;
    before += count;
  }
  if (threadIdx.x + 1 == blockDim.x) *total = before;
}

// Calls use(i, number, passes) for every element: `number` of the elements before it pass.
template <class Test, class Use>
__global__ void number_chunks(Test test, Use use, int64_t n, int64_t chunks,
                              const int64_t* starts) {
  for (int64_t c = global_index() / kWarp; c < chunks; c += grid_stride() / kWarp) {
    int64_t before = starts[c];
    for (int64_t i = c * kChunk + lane_index(); i < (c + 1) * kChunk; i += kWarp) {
      const bool passes = i < n && test(i);
      const unsigned ballot = __ballot_sync(kAllLanes, passes);
      const unsigned earlier = ballot & ((1u << lane_index()) - 1u);
      if (i < n) use(i, before + __popc(earlier), passes);
      before += __popc(ballot);
    }
  }
}

inline LaunchShape chunk_shape(int64_t chunks) {
  constexpr int64_t kWarps = 8;
  const int64_t warps = chunks < kWarps ? chunks : kWarps;
  return {dim3(grid_for(chunks, warps, 132 * 16)), dim3(static_cast<unsigned>(warps * kWarp))};
}

// The numbers of elements before each chunk, and of all.
struct ChunkStarts {
  Scratch<int64_t> counts;
  Scratch<int64_t> total;
  int64_t chunks = 0;

  template <class Test>
  [[nodiscard]] Status find(const Test& test, int64_t n) {
    chunks = blocks_for(n, kChunk);
    TALLOW_CUDA_TRY(counts.allocate(chunks));
    TALLOW_CUDA_TRY(total.allocate(1));
    TALLOW_CUDA_TRY(launch(chunk_shape(chunks), count_chunks<Test>, test, n, chunks, counts.get()));
    constexpr int kThreads = 256;
    const int64_t threads = chunks < kThreads ? blocks_for(chunks, kWarp) * kWarp : kThreads;
    return launch({dim3(1), dim3(static_cast<unsigned>(threads))}, sum_counts<kThreads>,
                  counts.get(), chunks, total.get());
  }
  // The total, once everything before has run.
  [[nodiscard]] Status read_total(int64_t* count) const {
    TALLOW_CUDA_CHECK(cudaMemcpyAsync(count, total.get(), sizeof(*count), cudaMemcpyDeviceToHost,
                                      current_stream()));
    TALLOW_CUDA_CHECK(cudaStreamSynchronize(current_stream()));
    return Status::kOk;
  }
};

}  // namespace tallow::cuda
