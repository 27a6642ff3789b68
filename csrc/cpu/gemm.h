// Matrix products inside the CPU backend: the problem description shared by the gemm files and by
// the convolutions, which run products of their own inside their tasks.
#pragma once

#include <cstdint>

#include "backend/matmul.h"
#include "core/types.h"

namespace tallow::cpu::TALLOW_ISA {

// c[i, j] = beta * init[i, j] + alpha * sum over l of a[i, l] * b[l, j], for i < m, j < n, l < k.
// Element [i, j] of X lies at x + i * x_row + j * x_col. `init` may be null (no first term), may
// be c itself (accumulation) and may repeat rows or columns (stride 0: a bias). With k == 0 the
// sum is zero.
template <class T>
struct Gemm {
  int64_t m, n, k;
  const T* a;
  int64_t a_row, a_col;
  const T* b;
  int64_t b_row, b_col;
  T* c;
  int64_t c_row, c_col;
  const T* init;
  int64_t init_row, init_col;
  T alpha, beta;
};

// The sum over l is cut into blocks of this length. Every block is one chain of multiply-adds in
// the order of l, and the blocks are added in order, on every instruction set. For long sums the
// error then stays below 8 * 2^-24 of |a||b| in float32; blocks of 256 are up to twice as far off
// and no faster.
inline constexpr int64_t kGemmBlock = 128;

// ---- Dividing work. Everything follows from shapes, never from the number of threads.

TALLOW_INLINE int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }
TALLOW_INLINE int64_t greater(int64_t a, int64_t b) { return a > b ? a : b; }
TALLOW_INLINE int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Range {
  int64_t begin, end;
  TALLOW_INLINE int64_t size() const { return end - begin; }
};

// Part `index` of n items in `parts` nearly equal parts whose borders are multiples of `unit`.
TALLOW_INLINE Range part_of(int64_t n, int64_t unit, int64_t parts, int64_t index) {
  const int64_t units = ceil_div(n, unit);
  return {lesser(n, units * index / parts * unit), lesser(n, units * (index + 1) / parts * unit)};
}

// Floating-point operations that make a task worth handing to another thread.
inline constexpr int64_t kTaskFlops = 4'000'000;

// How many tasks this many operations should be cut into, where their shape allows. An even number:
// two threads would share three tasks badly.
TALLOW_INLINE int64_t wanted_tasks(int64_t flops) {
  if (flops < 2 * kTaskFlops) return flops < kTaskFlops ? 1 : 2;
  const int64_t fine = lesser(flops / kTaskFlops, 8);
  const int64_t wanted = fine + lesser((flops - fine * kTaskFlops) / (8 * kTaskFlops), 56);
  return wanted + wanted % 2;
}

// How many of some items, of so many operations each, are a task that is worth it: tasks of nearly
// equal size, in an even number.
TALLOW_INLINE int64_t items_in_task(int64_t items, int64_t flops) {
  const int64_t tasks = ceil_div(greater(items, 1), kTaskFlops / 2 / (flops + 1) + 1);
  return ceil_div(items, tasks > 1 ? tasks + tasks % 2 : 1);
}

// ---- Entry points of the gemm files.

// Products of float32 and float64, and of all other types.
Status matmul_floating(const MatmulArgs& args);
Status matmul_other(const MatmulArgs& args);
// The same for float32 and float64 with sums in blocks as above, whatever the strides, which are
// free to make matmul_floating choose dot products over lanes.
Status matmul_chained(const MatmulArgs& args);
// Whether matmul_floating sums float32 operands with these shapes and strides in blocks of
// kGemmBlock, one after the other.
bool matmul_sums_in_blocks(const MatmulArgs& args);
// Those products of bfloat16, where the CPU has an instruction for them; ask first.
bool matmul_bfloat16_pays(const MatmulArgs& args);
Status matmul_bfloat16(const MatmulArgs& args);

// Whether a product of these sizes is summed in lanes if both operands are contiguous along k.
bool gemm_prefers_dots(int64_t m, int64_t n, int64_t k);

// Computes one product on the calling thread, for use inside a task; c_col must be 1. `scratch`
// has gemm_scratch(g) elements.
int64_t gemm_scratch(const Gemm<float>& g);
int64_t gemm_scratch(const Gemm<double>& g);
void gemm_serial(const Gemm<float>& g, float* scratch);
void gemm_serial(const Gemm<double>& g, double* scratch);

// The same for operands that are used where they lie: b_col and c_col must be 1, init_col 0 or 1,
// and k at most kGemmBlock.
void gemm_in_place(const Gemm<float>& g);

}  // namespace tallow::cpu::TALLOW_ISA
