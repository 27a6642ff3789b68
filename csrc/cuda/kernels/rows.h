// Lines of an array shared out among threads: a team of threads walks along one line and combines
// what its members found.
#pragma once

#include "cuda/gpu.h"

namespace tallow::cuda {

inline constexpr int kTeamBlock = 256;  // threads of a block
// Rows of at most this length get a warp, longer ones a block.
inline constexpr int64_t kWarpRow = 1024;

// The middle dimension of a contiguous [outer][n][inner] array: outer * inner lines of n elements,
// element i of a line at begin(line) + i * inner.
struct Lines {
  int64_t outer, n, inner;

  TL_HD int64_t count() const { return outer * inner; }
  TL_HD int64_t begin(int64_t line) const {
    return inner == 1 ? line * n : line / inner * n * inner + line % inner;
  }
};

// The threads of one line: a thread, a warp or a block. Made inside a kernel.
template <int kThreads>
struct Team {
  static_assert(kThreads == 1 || kThreads == kWarp || kThreads == kTeamBlock);
  static constexpr int kPerBlock = kTeamBlock / kThreads;

  static LaunchShape shape(int64_t lines) { return {grid_for(lines, kPerBlock), kTeamBlock}; }

  // May be past the last line: such a team returns at once.
  static __device__ int64_t line() {
    return static_cast<int64_t>(blockIdx.x) * kPerBlock + threadIdx.x / kThreads;
  }
  static __device__ int rank() { return static_cast<int>(threadIdx.x) % kThreads; }

  // In every member the same. Every member calls it.
  template <class T, class Combine>
  static __device__ T reduce(T value, const Combine& combine, T identity) {
    if constexpr (kThreads == 1) {
      return value;
    } else if constexpr (kThreads == kWarp) {
      return warp_reduce(value, combine);
    } else {
      return block_reduce(value, combine, identity);
    }
  }
  template <class T>
  static __device__ T sum(T value) {
    return reduce(value, Plus{}, T(0));
  }
};

// Calls `body.template operator()<kThreads>()` with the size of team for such lines. Lines that
// are not contiguous get a thread each: neighbours among them lie beside each other in memory.
template <class Body>
Status with_team(const Lines& lines, const Body& body) {
  if (lines.inner != 1) return body.template operator()<1>();
  return lines.n <= kWarpRow ? body.template operator()<kWarp>()
                             : body.template operator()<kTeamBlock>();
}

// Two numbers that are summed together.
template <class A>
struct Sums {
  A first;
  A second;
  __device__ friend Sums operator+(const Sums& a, const Sums& b) {
    return {a.first + b.first, a.second + b.second};
  }
};

template <class A>
__device__ inline Sums<A> no_sums() {
  return {A(0), A(0)};
}

// The largest of some numbers, and the sum of exp(x - max) of those: one reading suffices for
// both. Source: M. Milakov and N. Gimelshein, "Online normalizer calculation for softmax", 2018.
template <class A>
struct MaxSum {
  A max;
  A sum;

  static __device__ MaxSum none() { return {-static_cast<A>(INFINITY), A(0)}; }
  __device__ void add(A x) {
    const A larger = Larger{}(max, x);
    if (larger == -static_cast<A>(INFINITY)) return;
    sum = sum * exp(max - larger) + exp(x - larger);
    max = larger;
  }
};
template <class A>
__device__ A log_sum(const MaxSum<A>& all) {
  return isinf(all.max) ? all.max : all.max + log(all.sum);
}
struct MergeMaxSum {
  template <class A>
  __device__ MaxSum<A> operator()(const MaxSum<A>& a, const MaxSum<A>& b) const {
    const A larger = Larger{}(a.max, b.max);
    if (larger == -static_cast<A>(INFINITY)) return a;
    return {larger, a.sum * exp(a.max - larger) + b.sum * exp(b.max - larger)};
  }
};

}  // namespace tallow::cuda
