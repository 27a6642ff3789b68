// What the forward and the backward kernel of recurrent networks share: the walk over the steps of
// a sequence and the weights, copied once into panels for the products of all steps.
#pragma once

#include "backend/rnn.h"
#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/gemm.h"
#include "cpu/simd_math.h"

namespace tallow::cpu::TALLOW_ISA {

Status rnn_backward(const RnnBackwardArgs& args);

namespace {

// Columns that one task computes: a panel of the widest product kernel, the same on every level.
inline constexpr int64_t kUnits = 64;

TALLOW_INLINE int64_t total_rows(int64_t steps, const int64_t* sizes) {
  int64_t rows = 0;
  for (int64_t t = 0; t < steps; ++t) rows += sizes[t];
  return rows;
}

// Calls body(first_row, rows) step by step, or in the opposite order; stops when it says false.
template <class Body>
TALLOW_INLINE bool walk_steps(int64_t steps, const int64_t* sizes, bool last_first,
                              const Body& body) {
  int64_t row = last_first ? total_rows(steps, sizes) : 0;
  for (int64_t i = 0; i < steps; ++i) {
    const int64_t n = sizes[last_first ? steps - 1 - i : i];
    if (last_first) row -= n;
    if (!body(row, n)) return false;
    if (!last_first) row += n;
  }
  return true;
}

// Tasks of one step: blocks of kUnits units, as many to a task as are worth a thread.
template <class Body>
TALLOW_INLINE bool for_each_block(int64_t hidden, int64_t flops_per_unit, const Body& body) {
  int64_t failed = 0;
  const int64_t blocks = ceil_div(hidden, kUnits);
  const int64_t chunk = ceil_div(kTaskFlops / 8, flops_per_unit * kUnits + 1);
  parallel_for(blocks, chunk, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      if (!body(b * kUnits, lesser(kUnits, hidden - b * kUnits))) {
        __atomic_store_n(&failed, int64_t{1}, __ATOMIC_RELAXED);
      }
    }
  });
  return failed == 0;
}

// c[i, :columns] = init + a[i, :k] b for `rows` rows; false if there is no memory. `init` may be
// null, c itself, or one row for all (init_row 0).
template <class T>
struct StepProduct {
  int64_t rows, columns, k;
  const T* a;
  int64_t a_row;
  const T* b;
  int64_t b_row, b_col;
  T* c;
  int64_t c_row;
  const T* init;
  int64_t init_row;
};
template <class T>
TALLOW_INLINE bool multiply(const StepProduct<T>& p) {
  const Gemm<T> g{p.rows, p.columns, p.k, p.a,    p.a_row,    1, p.b,  p.b_row, p.b_col,
                  p.c,    p.c_row,   1,   p.init, p.init_row, 1, T(1), T(1)};
  const int64_t need = gemm_scratch(g);
  if (need == 0) {
    gemm_serial(g, static_cast<T*>(nullptr));
    return true;
  }
  const Scratch<T> scratch(need);
  if (scratch) gemm_serial(g, scratch.get());
  return static_cast<bool>(scratch);
}

template <class T>
TALLOW_INLINE void copy_rows(T* to, int64_t to_stride, const T* from, int64_t from_stride,
                             int64_t rows, int64_t n) {
  for (int64_t i = 0; i < rows; ++i) {
    std::memcpy(to + i * to_stride, from + i * from_stride, static_cast<size_t>(n) * sizeof(T));
  }
}

// Calls f(j, count) for consecutive vectors of n elements.
template <class T, class F>
TALLOW_INLINE void for_vectors(int64_t n, const F& f) {
  int64_t j = 0;
  for (; j + kLanes<T> <= n; j += kLanes<T>) f(j, kLanes<T>);
  if (j < n) f(j, static_cast<int>(n - j));
}
template <class T>
TALLOW_INLINE Vec<T> get(const T* from, int count) {
  return count == kLanes<T> ? load(from) : load_partial(from, count);
}
template <class T>
TALLOW_INLINE void put(T* to, Vec<T> v, int count) {
  if (count == kLanes<T>) {
    store(to, v);
  } else {
    store_partial(to, v, count);
  }
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
