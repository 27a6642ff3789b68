// Products of tiles: the inner loops of matrix products and convolutions. A block computes a square
// tile of results from slices of the operands that lie in shared memory, by plain arithmetic
// (PlainTile) or by tensor cores (TensorTile). Every result is summed in the order of k, whatever
// the shape of the launch.
//
// A tile is an object of each thread:
//   Tile::kSide, kThreads     results along each side; threads of its block
//   tile.multiply<kALContiguous, kBLContiguous>(row, column, begin, end, a, b)
//                             sums a(row + i, l) * b(column + j, l) over l from `begin` to `end`,
//                             where a and b return elements of the operands, 0 outside of them; the
//                             flags say whether l is the dimension that is contiguous in memory, so
//                             that neighbouring threads read neighbours
//   tile.store(row, column, m, n, put)
//                             calls put(i, j, sum) for the thread's results of an m x n matrix
#pragma once

#include "cuda/gpu.h"
#include "cuda/kernels/accumulate.h"
#include "cuda/mma.h"

namespace tallow::cuda {

// Fills a slice of kExtent positions and kDepth of the summed dimension: `put(position, l, x)`.
template <class T, int kThreads, int kExtent, int kDepth, bool kDepthContiguous, class Get,
          class Put>
__device__ void fill_slice(int64_t first, int64_t first_l, const Get& get, const Put& put) {
  constexpr int kItems = kExtent * kDepth / kThreads;
  constexpr int kAtOnce = kItems < 4 ? kItems : 4;
  static_assert(kThreads % kDepth == 0 && kThreads % kExtent == 0);
  // Thread e has elements e, e + kThreads, ... of the slice: steps along one dimension only.
  const int e = static_cast<int>(threadIdx.x);
  const int position = kDepthContiguous ? e / kDepth : e % kExtent;
  const int l = kDepthContiguous ? e % kDepth : e / kExtent;
  TL_LOOP
  for (int begin = 0; begin < kItems; begin += kAtOnce) {
    TL_UNROLL
    for (int i = begin; i < begin + kAtOnce; ++i) {
      const int p = kDepthContiguous ? position + i * (kThreads / kDepth) : position;
      const int d = kDepthContiguous ? l : l + i * (kThreads / kExtent);
      put(p, d, get(first + p, first_l + d));
    }
  }
}

// 16 x 16 threads with kPer x kPer results each, kRow apart.
template <class T, int kPer>
class PlainTile {
 public:
  using Element = T;
  using Sum = Accumulator<T>;
  static constexpr int kRow = 16;
  static constexpr int kSide = kRow * kPer;
  static constexpr int kThreads = kRow * kRow;

  template <bool kALContiguous, bool kBLContiguous, class GetA, class GetB>
  __device__ void multiply(int64_t first_row, int64_t first_column, int64_t begin, int64_t end,
                           const GetA& a, const GetB& b) {
    constexpr int kDepth = 16;
    constexpr int kPitch = kSide + 1;
    __shared__ __align__(16) unsigned char a_bytes[kDepth * kPitch * sizeof(Sum)];
    __shared__ __align__(16) unsigned char b_bytes[kDepth * kPitch * sizeof(Sum)];
    Sum* const a_slice = reinterpret_cast<Sum*>(a_bytes);
    Sum* const b_slice = reinterpret_cast<Sum*>(b_bytes);
    const int row = static_cast<int>(threadIdx.x) / kRow;
    const int column = static_cast<int>(threadIdx.x) % kRow;
    TL_UNROLL
    for (int i = 0; i < kPer; ++i) {
      TL_UNROLL
      for (int j = 0; j < kPer; ++j) sum_[i][j] = Sum(0);
    }
    for (int64_t l = begin; l < end; l += kDepth) {
      fill_slice<T, kThreads, kSide, kDepth, kALContiguous>(
          first_row, l, a, [&](int p, int d, T x) { a_slice[d * kPitch + p] = as_term(x); });
      fill_slice<T, kThreads, kSide, kDepth, kBLContiguous>(
          first_column, l, b, [&](int p, int d, T x) { b_slice[d * kPitch + p] = as_term(x); });
      __syncthreads();
      TL_UNROLL
      for (int t = 0; t < kDepth; ++t) {
        Sum x[kPer], y[kPer];
        TL_UNROLL
        for (int i = 0; i < kPer; ++i) x[i] = a_slice[t * kPitch + i * kRow + row];
        TL_UNROLL
        for (int j = 0; j < kPer; ++j) y[j] = b_slice[t * kPitch + j * kRow + column];
        TL_UNROLL
        for (int i = 0; i < kPer; ++i) {
          TL_UNROLL
          for (int j = 0; j < kPer; ++j) sum_[i][j] = sum_[i][j] + x[i] * y[j];
        }
      }
      __syncthreads();
    }
  }

  template <class Put>
  __device__ void store(int64_t first_row, int64_t first_column, int64_t m, int64_t n,
                        const Put& put) const {
    TL_UNROLL
    for (int i = 0; i < kPer; ++i) {
      const int64_t row = first_row + i * kRow + static_cast<int>(threadIdx.x) / kRow;
      TL_UNROLL
      for (int j = 0; j < kPer; ++j) {
        const int64_t column = first_column + j * kRow + static_cast<int>(threadIdx.x) % kRow;
        if (row < m && column < n) put(row, column, sum_[i][j]);
      }
    }
  }

 private:
  Sum sum_[kPer][kPer];
};

// 2 x 2 warps with 32 x 32 results each, summed in float; float operands are rounded to TF32.
template <class T>
class TensorTile {
 public:
  using Element = T;
  using Sum = float;
  static constexpr int kSide = 64;
  static constexpr int kThreads = 4 * kWarp;

  template <bool kALContiguous, bool kBLContiguous, class GetA, class GetB>
  __device__ void multiply(int64_t first_row, int64_t first_column, int64_t begin, int64_t end,
                           const GetA& a, const GetB& b) {
    using Bits = decltype(mma_bits(T()));
    constexpr int kWords = 2 * kMmaWords;
    constexpr int kPitch = kWords + 4;  // so that the lanes of a fragment meet different banks
    constexpr int kPerWord = 4 / static_cast<int>(sizeof(Bits));
    constexpr int kDepth = kWords * kPerWord;
    __shared__ uint32_t a_slice[kSide * kPitch];
    __shared__ uint32_t b_slice[kSide * kPitch];
    const auto into = [](uint32_t* slice) {
      return [slice](int p, int d, T x) {
        reinterpret_cast<Bits*>(slice)[p * kPitch * kPerWord + d] = mma_bits(x);
      };
    };
    TL_UNROLL
    for (int i = 0; i < kRows; ++i) {
      TL_UNROLL
      for (int j = 0; j < kColumns; ++j) {
        TL_UNROLL
        for (int r = 0; r < 4; ++r) sum_[i][j][r] = 0.0f;
      }
    }
    const int g = lane_index() / 4, t = lane_index() % 4;
    for (int64_t l = begin; l < end; l += kDepth) {
      fill_slice<T, kThreads, kSide, kDepth, kALContiguous>(first_row, l, a, into(a_slice));
      fill_slice<T, kThreads, kSide, kDepth, kBLContiguous>(first_column, l, b, into(b_slice));
      __syncthreads();
      TL_UNROLL
      for (int w = 0; w < kWords; w += kMmaWords) {
        uint32_t x[kRows][4], y[kColumns][2];
        TL_UNROLL
        for (int i = 0; i < kRows; ++i) {
          const uint32_t* const from = a_slice + (warp_row() + i * kMmaRows + g) * kPitch + w + t;
          x[i][0] = from[0];
          x[i][1] = from[8 * kPitch];
          x[i][2] = from[4];
          x[i][3] = from[8 * kPitch + 4];
        }
        TL_UNROLL
        for (int j = 0; j < kColumns; ++j) {
          const uint32_t* const from =
              b_slice + (warp_column() + j * kMmaColumns + g) * kPitch + w + t;
          y[j][0] = from[0];
          y[j][1] = from[4];
        }
        TL_UNROLL
        for (int i = 0; i < kRows; ++i) {
          TL_UNROLL
          for (int j = 0; j < kColumns; ++j) mma<T>(sum_[i][j], x[i], y[j]);
        }
      }
      __syncthreads();
    }
  }

  template <class Put>
  __device__ void store(int64_t first_row, int64_t first_column, int64_t m, int64_t n,
                        const Put& put) const {
    const int g = lane_index() / 4, t = lane_index() % 4;
    TL_UNROLL
    for (int i = 0; i < kRows; ++i) {
      TL_UNROLL
      for (int j = 0; j < kColumns; ++j) {
        TL_UNROLL
        for (int r = 0; r < 4; ++r) {
          const int64_t row = first_row + warp_row() + i * kMmaRows + g + r / 2 * 8;
          const int64_t column = first_column + warp_column() + j * kMmaColumns + t * 2 + r % 2;
          if (row < m && column < n) put(row, column, sum_[i][j][r]);
        }
      }
    }
  }

 private:
  static constexpr int kWarpSide = kSide / 2;
  static constexpr int kRows = kWarpSide / kMmaRows;
  static constexpr int kColumns = kWarpSide / kMmaColumns;
  static __device__ int warp_row() { return warp_index() / 2 * kWarpSide; }
  static __device__ int warp_column() { return warp_index() % 2 * kWarpSide; }

  float sum_[kRows][kColumns][4];
};

// Calls `body.template operator()<Tile>()` with the tile for `batch` products of m x n results of
// T: by the shape alone, so that the order of summing is too.
template <class T, class Body>
Status with_tile(int64_t batch, int64_t m, int64_t n, const Body& body) {
  if constexpr (sizeof(T) == 2 && is_floating<T>) {
    // A quarter of the tile's work must be wanted.
    constexpr int64_t kLeast = TensorTile<T>::kSide / 2;
    if (m >= kLeast && n >= kLeast) return body.template operator()<TensorTile<T>>();
  } else if constexpr (is_floating<T>) {
    // Large tiles of the other types would not fit into registers, or nobody waits for them.
    constexpr int64_t kSide = PlainTile<T, 4>::kSide;
    constexpr int64_t kBusy = 128;  // blocks that keep a GPU busy
    if (blocks_for(m, kSide) * blocks_for(n, kSide) * batch >= kBusy) {
      return body.template operator()<PlainTile<T, 4>>();
    }
  }
  return body.template operator()<PlainTile<T, 1>>();
}

// The number of tiles of an m x n matrix.
template <class Tile>
int64_t tiles_of(int64_t m, int64_t n) {
  return blocks_for(m, Tile::kSide) * blocks_for(n, Tile::kSide);
}

}  // namespace tallow::cuda
