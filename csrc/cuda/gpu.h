// What kernel files share: launching, dynamic shared memory, reductions over a warp or a block, and
// loads of several elements. Source text for nvcc and for the emulator alike; `<<<>>>`, inline PTX
// and #ifdefs on the compiler belong here and in mma.h.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/device_types.h"

#include "cuda/status.h"
#include "cuda/stream.h"

// TL_DYNAMIC_SHARED(T, name) declares `T* name`, the shared memory whose size the launch states.
// Every kernel of a file that uses it sees the same bytes, aligned to 16.
#ifdef TALLOW_CUDA_EMULATED
#define TL_UNROLL
#define TL_DYNAMIC_SHARED(T, name) T* const name = static_cast<T*>(::tallow::emu::dynamic_shared())
#else
#define TL_UNROLL _Pragma("unroll")
#define TL_DYNAMIC_SHARED(T, name)                             \
  extern __shared__ __align__(16) unsigned char tl_dynamic_[]; \
  T* const name = reinterpret_cast<T*>(tl_dynamic_)
#endif

namespace tallow::cuda {

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;
inline constexpr int kMaxWarps = 32;  // of a block

// The shape of a launch. Sizes are those of one dimension unless a dim3 is given.
struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;
};

// Queues `kernel(args...)` on the calling thread's current stream. An empty grid is no launch.
template <class... Params, class... Args>
[[nodiscard]] Status launch(const LaunchShape& shape, void (*kernel)(Params...), Args&&... args) {
  if (shape.grid.x == 0 || shape.grid.y == 0 || shape.grid.z == 0) return Status::kOk;
  constexpr std::size_t kGrantedShared = 48 * 1024;
  if (shape.shared_bytes > kGrantedShared) {
    const cudaError_t error = cudaFuncSetAttribute(
        kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shape.shared_bytes));
    if (error != cudaSuccess) return check(error, "cudaFuncSetAttribute");
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = current_stream();
  const cudaError_t error = cudaLaunchKernelEx(&config, kernel, static_cast<Params>(args)...);
  return error == cudaSuccess ? Status::kOk : check(error, "a kernel launch");
}

// How many blocks of `block` items cover `count` items.
constexpr int64_t blocks_for(int64_t count, int64_t block) { return (count + block - 1) / block; }
// The same as a grid dimension, at most `most`: for kernels whose blocks walk on by grid_stride().
inline unsigned grid_for(int64_t count, int64_t block, int64_t most = (int64_t{1} << 31) - 1) {
  const int64_t blocks = blocks_for(count, block);
  return static_cast<unsigned>(blocks < most ? blocks : most);
}

__device__ inline int64_t global_index() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ inline int64_t grid_stride() { return static_cast<int64_t>(gridDim.x) * blockDim.x; }
// Of a one-dimensional block.
__device__ inline int lane_index() { return static_cast<int>(threadIdx.x) % kWarp; }
__device__ inline int warp_index() { return static_cast<int>(threadIdx.x) / kWarp; }

namespace detail {

// Any plain value as 32-bit words, which is what a shuffle moves.
template <class T>
struct Words {
  static_assert(sizeof(T) % 4 == 0);
  uint32_t word[sizeof(T) / 4];
};

}  // namespace detail

// The value that lane `lane ^ mask` passes. Every lane of the warp takes part.
template <class T>
__device__ inline T shuffle_xor(const T& value, int mask) {
  if constexpr (sizeof(T) < 4) {
    return static_cast<T>(__shfl_xor_sync(kAllLanes, static_cast<int>(value), mask));
  } else {
    detail::Words<T> words;
    memcpy(&words, static_cast<const void*>(&value), sizeof(T));
    TL_UNROLL
    for (unsigned i = 0; i < sizeof(T) / 4; ++i) {
      words.word[i] = __shfl_xor_sync(kAllLanes, words.word[i], mask);
    }
    T result;
    memcpy(static_cast<void*>(&result), &words, sizeof(T));
    return result;
  }
}

// `combine` of the values of all lanes, in every lane the same bits if `combine` is commutative:
// the tree is a butterfly. Every lane of the warp takes part.
template <class T, class Combine>
__device__ inline T warp_reduce(T value, const Combine& combine) {
  TL_UNROLL
  for (int mask = kWarp / 2; mask > 0; mask /= 2) {
    value = combine(value, shuffle_xor(value, mask));
  }
  return value;
}

// The same over a one-dimensional block of whole warps; the result is in every thread. `identity`
// leaves the other operand of `combine` as it is.
template <class T, class Combine>
__device__ inline T block_reduce(T value, const Combine& combine, T identity) {
  __shared__ __align__(16) unsigned char storage[kMaxWarps * sizeof(T)];
  T* const partial = reinterpret_cast<T*>(storage);
  value = warp_reduce(value, combine);
  __syncthreads();  // the last call's partial values have been read
  if (lane_index() == 0) partial[warp_index()] = value;
  __syncthreads();
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  return warp_reduce(lane_index() < warps ? partial[lane_index()] : identity, combine);
}

struct Plus {
  template <class T>
  TL_HD T operator()(T a, T b) const {
    return a + b;
  }
};
// The larger of two, or NaN if either is.
struct Larger {
  template <class T>
  TL_HD T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};

// N neighbours in memory, moved by one instruction where they are aligned to their common size.
template <class T, int N>
struct alignas(N * sizeof(T)) Vec {
  T value[N];
};
// How many elements of T one thread moves at a time: 16 bytes.
template <class T>
inline constexpr int kVecLength = 16 / static_cast<int>(sizeof(T));

template <int N, class T>
bool aligned_for(const T* data) {
  return reinterpret_cast<std::uintptr_t>(data) % (N * sizeof(T)) == 0;
}

}  // namespace tallow::cuda
