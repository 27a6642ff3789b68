// Products of tiles: the inner loops of matrix products and convolutions. A block of 16 x 16
// threads computes a tile of (16 kPer) x (16 kPer) results, kPer x kPer in each thread, from slices
// of the operands that lie in shared memory. Every result is summed in the order of k, whatever the
// shape of the launch.
#pragma once

#include "cuda/gpu.h"
#include "cuda/kernels/accumulate.h"

namespace tallow::cuda {

inline constexpr int kTileSide = 16;  // threads along each side of a tile
inline constexpr int kTileThreads = kTileSide * kTileSide;
inline constexpr int kTileDepth = 16;  // of a slice along k

// What fills the slices: `get(position, l)` is the operand's element at a row of a, or a column of
// b, and at l of the summed dimension; the caller says which of the two is contiguous in memory, so
// that neighbouring threads read neighbours. Outside of the operand it is 0.
template <class A, int kPer, bool kDepthContiguous, class Get>
__device__ void fill_slice(A* slice, int64_t first, int64_t first_l, const Get& get) {
  constexpr int kExtent = kTileSide * kPer;
  constexpr int kItems = kPer * kTileDepth / kTileSide;
  // Thread e has elements e, e + kTileThreads, ... of the slice: steps along one dimension only.
  const int e = static_cast<int>(threadIdx.x);
  const int position = kDepthContiguous ? e / kTileDepth : e % kExtent;
  const int l = kDepthContiguous ? e % kTileDepth : e / kExtent;
  TL_UNROLL
  for (int i = 0; i < kItems; ++i) {
    const int p = kDepthContiguous ? position + i * kTileSide : position;
    const int d = kDepthContiguous ? l : l + i * (kTileThreads / kExtent);
    slice[d * (kExtent + 1) + p] = get(first + p, first_l + d);
  }
}

// sum[i][j] = sum over l from `begin` to `end` of a(row + i, l) * b(column + j, l), where (row,
// column) is the first of the thread's results, which lie kTileSide apart.
template <class A, int kPer, bool kALContiguous, bool kBLContiguous, class GetA, class GetB>
__device__ void multiply_tile(int64_t first_row, int64_t first_column, int64_t begin, int64_t end,
                              const GetA& a, const GetB& b, A (&sum)[kPer][kPer]) {
  constexpr int kPitch = kTileSide * kPer + 1;
  __shared__ __align__(16) unsigned char a_bytes[kTileDepth * kPitch * sizeof(A)];
  __shared__ __align__(16) unsigned char b_bytes[kTileDepth * kPitch * sizeof(A)];
  A* const a_slice = reinterpret_cast<A*>(a_bytes);
  A* const b_slice = reinterpret_cast<A*>(b_bytes);
  const int row = static_cast<int>(threadIdx.x) / kTileSide;
  const int column = static_cast<int>(threadIdx.x) % kTileSide;
  TL_UNROLL
  for (int i = 0; i < kPer; ++i) {
    TL_UNROLL
    for (int j = 0; j < kPer; ++j) sum[i][j] = A(0);
  }
  for (int64_t l = begin; l < end; l += kTileDepth) {
    fill_slice<A, kPer, kALContiguous>(a_slice, first_row, l, a);
    fill_slice<A, kPer, kBLContiguous>(b_slice, first_column, l, b);
    __syncthreads();
    TL_UNROLL
    for (int t = 0; t < kTileDepth; ++t) {
      A x[kPer], y[kPer];
      TL_UNROLL
      for (int i = 0; i < kPer; ++i) x[i] = a_slice[t * kPitch + i * kTileSide + row];
      TL_UNROLL
      for (int j = 0; j < kPer; ++j) y[j] = b_slice[t * kPitch + j * kTileSide + column];
      TL_UNROLL
      for (int i = 0; i < kPer; ++i) {
        TL_UNROLL
        for (int j = 0; j < kPer; ++j) sum[i][j] = sum[i][j] + x[i] * y[j];
      }
    }
    __syncthreads();
  }
}

// Calls `store(i, j, sum)` for each of the thread's results of an m x n matrix.
template <class A, int kPer, class Store>
__device__ void store_tile(int64_t first_row, int64_t first_column, int64_t m, int64_t n,
                           const A (&sum)[kPer][kPer], const Store& store) {
  TL_UNROLL
  for (int i = 0; i < kPer; ++i) {
    const int64_t row = first_row + i * kTileSide + static_cast<int>(threadIdx.x) / kTileSide;
    TL_UNROLL
    for (int j = 0; j < kPer; ++j) {
      const int64_t column =
          first_column + j * kTileSide + static_cast<int>(threadIdx.x) % kTileSide;
      if (row < m && column < n) store(row, column, sum[i][j]);
    }
  }
}

// Results along each side in a thread: 4 where such tiles keep a GPU busy, else 1.
inline constexpr int kLargeTile = 4;
inline bool prefers_large_tiles(int64_t batch, int64_t m, int64_t n) {
  constexpr int64_t kSide = kTileSide * kLargeTile;
  return blocks_for(m, kSide) * blocks_for(n, kSide) * batch >= 128;
}

}  // namespace tallow::cuda
