// Products in which one operand has only a few rows (vectors, small batches): the other operand is
// streamed through once, in the direction in which it lies in memory.
#pragma once

#include "cpu/gemm.h"
#include "cpu/reduce_tree.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// A thin product: out[i, j] = beta * init[i, j] + alpha * sum over l of x[i, l] * w[l, j] for few
// rows i. It is g itself or its transpose.
template <class T>
TALLOW_INLINE Gemm<T> transposed(const Gemm<T>& g) {
  return {g.n, g.m,     g.k,     g.b,    g.b_col,    g.b_row,    g.a,     g.a_col, g.a_row,
          g.c, g.c_col, g.c_row, g.init, g.init_col, g.init_row, g.alpha, g.beta};
}

// a * b + c with one rounding where the vectors have it.
TALLOW_INLINE float mul_add_one(float a, float b, float c) {
#if TALLOW_ISA_LEVEL > 0 || defined(__FP_FAST_FMAF)
  return __builtin_fmaf(a, b, c);
#else
  return a * b + c;
#endif
}
TALLOW_INLINE double mul_add_one(double a, double b, double c) {
#if TALLOW_ISA_LEVEL > 0 || defined(__FP_FAST_FMA)
  return __builtin_fma(a, b, c);
#else
  return a * b + c;
#endif
}

// Adds one more sum to c[i, j], the first one to the first term instead.
template <class T>
TALLOW_INLINE void store_element(const Gemm<T>& g, int64_t i, int64_t j, T sum, bool first) {
  T& c = g.c[i * g.c_row + j * g.c_col];
  if (!first) {
    c = mul_add_one(g.alpha, sum, c);
  } else if (g.init) {
    c = mul_add_one(g.alpha, sum, g.beta * g.init[i * g.init_row + j * g.init_col]);
  } else {
    c = g.alpha * sum;
  }
}

// ---- Dot products: both operands contiguous along l. A sum runs over 16 lanes, in stretches of
// kDotStretch elements that are added in order, and the lanes are folded by halves at the end, so
// its bits depend on k alone.

inline constexpr int64_t kDotStretch = 2048;

// Registers for sums, in units of 16 lanes.
template <class T>
inline constexpr int kDotSums = (TALLOW_ISA_LEVEL >= 2 ? 24 : 12) / Wide<T>::kParts > 0
                                    ? (TALLOW_ISA_LEVEL >= 2 ? 24 : 12) / Wide<T>::kParts
                                    : 1;
template <class T>
inline constexpr int kDotRows = kDotSums<T> >= 24   ? 6
                                : kDotSums<T> >= 12 ? 4
                                : kDotSums<T> >= 3  ? 3
                                                    : 1;

constexpr int lesser_int(int a, int b) { return a < b ? a : b; }

template <class T>
TALLOW_INLINE void add_product(Wide<T>& sum, const Wide<T>& x, const Wide<T>& w) {
#pragma GCC unroll 8
  for (int p = 0; p < Wide<T>::kParts; ++p) {
    sum.part[p] = mul_add(x.part[p], w.part[p], sum.part[p]);
  }
}

// Rows [i, i + RX) and columns [j, j + RW) of the output.
template <class T, int RX, int RW>
void dot_block(const Gemm<T>& g, int64_t i, int64_t j) {
  const T* const x = g.a + i * g.a_row;
  const T* const w = g.b + j * g.b_col;
  const int64_t x_row = g.a_row;
  const int64_t w_col = g.b_col;
  Wide<T> total[RX][RW];
#pragma GCC unroll 8
  for (int r = 0; r < RX; ++r) {
#pragma GCC unroll 8
    for (int s = 0; s < RW; ++s) total[r][s] = Wide<T>::filled(T(0));
  }
  for (int64_t begin = 0; begin < g.k; begin += kDotStretch) {
    const int64_t end = lesser(g.k, begin + kDotStretch);
    Wide<T> sum[RX][RW];
#pragma GCC unroll 8
    for (int r = 0; r < RX; ++r) {
#pragma GCC unroll 8
      for (int s = 0; s < RW; ++s) sum[r][s] = Wide<T>::filled(T(0));
    }
    int64_t l = begin;
    for (; l + kWideLanes <= end; l += kWideLanes) {
      Wide<T> column[RW];
#pragma GCC unroll 8
      for (int s = 0; s < RW; ++s) column[s] = Wide<T>::load(w + s * w_col + l);
#pragma GCC unroll 8
      for (int r = 0; r < RX; ++r) {
        const Wide<T> row = Wide<T>::load(x + r * x_row + l);
#pragma GCC unroll 8
        for (int s = 0; s < RW; ++s) add_product(sum[r][s], row, column[s]);
      }
    }
    if (l < end) {
#pragma GCC unroll 8
      for (int s = 0; s < RW; ++s) {
        const Wide<T> column = load_lanes_partial(w + s * w_col + l, end - l);
#pragma GCC unroll 8
        for (int r = 0; r < RX; ++r) {
          add_product(sum[r][s], load_lanes_partial(x + r * x_row + l, end - l), column);
        }
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < RX; ++r) {
#pragma GCC unroll 8
      for (int s = 0; s < RW; ++s) total[r][s] = total[r][s] + sum[r][s];
    }
  }
  for (int r = 0; r < RX; ++r) {
    for (int s = 0; s < RW; ++s)
      store_element(g, i + r, j + s, fold_lanes(total[r][s], Add{}), true);
  }
}

template <class T, int RX>
void dot_rows(const Gemm<T>& g, int64_t i, int64_t j0, int64_t j1) {
  constexpr int kColumns = kDotSums<T> / RX > 8 ? 8 : kDotSums<T> / RX > 1 ? kDotSums<T> / RX : 1;
  int64_t j = j0;
  for (; j + kColumns <= j1; j += kColumns) dot_block<T, RX, kColumns>(g, i, j);
  if constexpr (kColumns > 1) {
    for (; j < j1; ++j) dot_block<T, RX, 1>(g, i, j);
  }
}

// Columns [j0, j1) of every row; a_col and b_row must be 1. Columns are taken in stretches that
// stay in a cache while all groups of rows pass.
template <class T>
void dot_columns(const Gemm<T>& g, int64_t j0, int64_t j1) {
  const int64_t groups = (g.m + kDotRows<T> - 1) / kDotRows<T>;
  const int64_t step = groups == 1 ? j1 - j0 : 24;
  for (int64_t j = j0; j < j1; j += step) {
    const int64_t end = lesser(j1, j + step);
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t i = group * g.m / groups;
      switch ((group + 1) * g.m / groups - i) {
        case 1:
          dot_rows<T, 1>(g, i, j, end);
          break;
        case 2:
          dot_rows<T, lesser_int(2, kDotRows<T>)>(g, i, j, end);
          break;
        case 3:
          dot_rows<T, lesser_int(3, kDotRows<T>)>(g, i, j, end);
          break;
        case 4:
          dot_rows<T, lesser_int(4, kDotRows<T>)>(g, i, j, end);
          break;
        case 5:
          dot_rows<T, lesser_int(5, kDotRows<T>)>(g, i, j, end);
          break;
        default:
          dot_rows<T, lesser_int(6, kDotRows<T>)>(g, i, j, end);
          break;
      }
    }
  }
}

// ---- Row streaming: w is contiguous along j. The sums of a stretch of columns stay in the first
// level cache while kStreams rows of w pass by; the arithmetic is that of the register blocks.

inline constexpr int kStreams = 8;
inline constexpr int64_t kStreamColumns = 2048 / static_cast<int64_t>(sizeof(float));
inline constexpr int64_t kStreamRows = 4;

template <class T, int kCount>
TALLOW_INLINE void stream_rows(const T* x, int64_t x_col, const T* w, int64_t w_row,
                               int64_t columns, T* sums) {
  Vec<T> factor[kCount];
#pragma GCC unroll 8
  for (int s = 0; s < kCount; ++s) factor[s] = broadcast(x[s * x_col]);
  const auto step = [&](int64_t j, int tail) {
    Vec<T> sum = load(sums + j);
#pragma GCC unroll 8
    for (int s = 0; s < kCount; ++s) {
      const T* const row = w + s * w_row + j;
      sum = mul_add(factor[s], tail ? load_partial(row, tail) : load(row), sum);
    }
    store(sums + j, sum);
  };
  int64_t j = 0;
  for (; j + kLanes<T> <= columns; j += kLanes<T>) step(j, 0);
  if (j < columns) step(j, static_cast<int>(columns - j));
}

// Columns [j0, j1) of every row (at most kStreamRows); b_col must be 1.
template <class T>
void stream_columns(const Gemm<T>& g, int64_t j0, int64_t j1) {
  constexpr int64_t kPitch = kStreamColumns + kLanes<T>;
  T sums[kStreamRows * kPitch];
  for (int64_t j = j0; j < j1; j += kStreamColumns) {
    const int64_t columns = lesser(kStreamColumns, j1 - j);
    for (int64_t begin = 0; begin == 0 || begin < g.k; begin += kGemmBlock) {
      const int64_t end = lesser(g.k, begin + kGemmBlock);
      for (int64_t i = 0; i < g.m; ++i) {
        for (int64_t s = 0; s < columns + kLanes<T>; ++s) sums[i * kPitch + s] = T(0);
      }
      int64_t l = begin;
      for (; l + kStreams <= end; l += kStreams) {
        for (int64_t i = 0; i < g.m; ++i) {
          stream_rows<T, kStreams>(g.a + i * g.a_row + l * g.a_col, g.a_col, g.b + l * g.b_row + j,
                                   g.b_row, columns, sums + i * kPitch);
        }
      }
      for (; l < end; ++l) {
        for (int64_t i = 0; i < g.m; ++i) {
          stream_rows<T, 1>(g.a + i * g.a_row + l * g.a_col, g.a_col, g.b + l * g.b_row + j,
                            g.b_row, columns, sums + i * kPitch);
        }
      }
      for (int64_t i = 0; i < g.m; ++i) {
        for (int64_t s = 0; s < columns; ++s) {
          store_element(g, i, j + s, sums[i * kPitch + s], begin == 0);
        }
      }
    }
  }
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
