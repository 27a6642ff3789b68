// The innermost loops of a matrix product: a block of MR rows by NV vectors of c held in
// registers. Rows of b arrive by vector loads, elements of a by broadcasts straight from where
// they lie, so a is never rearranged.
#pragma once

#include "cpu/gemm.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

inline constexpr int kRows = 6;
// 6 x 4 accumulators leave 8 of 32 registers; 6 x 2 leave 4 of 16.
inline constexpr int kPanelVectors = TALLOW_ISA_LEVEL >= 2 ? 4 : 2;
template <class T>
inline constexpr int kPanelWidth = kPanelVectors * kLanes<T>;

// What one register block computes: c[0:MR, 0:columns] = base + alpha * a[0:MR, 0:kc] b[0:kc, :]
// where base is c (accumulate), beta * init, or nothing. Row l of b starts at b + l * b_row or, for
// convolutions, at b + b_table[l].
template <class T>
struct MicroBlock {
  int64_t kc;
  const T* a;
  int64_t a_row, a_col;
  const T* b;
  int64_t b_row;  // b's columns are contiguous
  const int32_t* b_table;
  T* c;
  int64_t c_row;  // c's columns are contiguous
  int64_t columns;
  bool accumulate;
  const T* init;
  int64_t init_row;
  int64_t init_col;  // 0 or 1
  T alpha, beta;
};

// Writes the register block, the value of a vector being finish(sum, row, first column, lanes);
// `tail` is the number of columns in the last vector.
template <class T, int MR, int NV, bool kPartial, class Finish>
TALLOW_INLINE void store_rows(const MicroBlock<T>& block, int tail, const Vec<T> (&sum)[MR][NV],
                              const Finish& finish) {
  // Read before the first store, which might change `block` for all the compiler knows.
  T* row = block.c;
  const int64_t c_row = block.c_row;
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i, row += c_row) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      T* const to = row + v * kLanes<T>;
      if (kPartial && v == NV - 1) {
        store_partial(to, finish(sum[i][v], i, v * kLanes<T>, tail), tail);
      } else {
        store(to, finish(sum[i][v], i, v * kLanes<T>, kLanes<T>));
      }
    }
  }
}

template <class T, int MR, int NV, bool kPartial>
TALLOW_INLINE void store_block(const MicroBlock<T>& block, int tail, const Vec<T> (&sum)[MR][NV]) {
  const Vec<T> alpha = broadcast(block.alpha);
  const T* const base = block.accumulate ? block.c : block.init;
  const int64_t base_row = block.accumulate ? block.c_row : block.init_row;
  if (!base) {
    store_rows<T, MR, NV, kPartial>(block, tail, sum,
                                    [&](Vec<T> value, int, int, int) { return alpha * value; });
    return;
  }
  // Adds may run beside the next multiply-adds.
  if (TALLOW_ISA_LEVEL > 0 && block.accumulate && block.alpha == T(1)) {
    store_rows<T, MR, NV, kPartial>(
        block, tail, sum, [&](Vec<T> value, int row, int column, int lanes) {
          const T* const from = base + row * base_row + column;
          return value + (lanes == kLanes<T> ? load(from) : load_partial(from, lanes));
        });
    return;
  }
  const Vec<T> beta = broadcast(block.accumulate ? T(1) : block.beta);
  if (!block.accumulate && block.init_col == 0) {
    store_rows<T, MR, NV, kPartial>(block, tail, sum, [&](Vec<T> value, int row, int, int) {
      return mul_add(alpha, value, beta * broadcast(base[row * base_row]));
    });
    return;
  }
  store_rows<T, MR, NV, kPartial>(
      block, tail, sum, [&](Vec<T> value, int row, int column, int lanes) {
        const T* const from = base + row * base_row + column;
        const Vec<T> first = lanes == kLanes<T> ? load(from) : load_partial(from, lanes);
        return mul_add(alpha, value, beta * first);
      });
}

// kPartial: the last of the NV vectors has fewer columns than lanes.
template <class T, int MR, int NV, bool kPartial, bool kTable = false>
void micro_block(const MicroBlock<T>& block) {
  constexpr int kW = kLanes<T>;
  const int64_t a_row = block.a_row;
  const int64_t a_col = block.a_col;
  const int64_t b_row = block.b_row;
  const int tail = static_cast<int>(block.columns) - (NV - 1) * kW;
  Vec<T> sum[MR][NV];
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i) {
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) sum[i][v] = Vec<T>{};
  }
  const T* a = block.a;
  const T* b = block.b;
  const int32_t* table = block.b_table;
  for (int64_t steps = block.kc; steps > 0; --steps) {
    if constexpr (kTable) b = block.b + *table++;
    Vec<T> row[NV];
#pragma GCC unroll 4
    for (int v = 0; v < NV; ++v) {
      row[v] = kPartial && v == NV - 1 ? load_partial(b + v * kW, tail) : load(b + v * kW);
    }
#pragma GCC unroll 8
    for (int i = 0; i < MR; ++i) {
      const Vec<T> factor = broadcast(a[i * a_row]);
#pragma GCC unroll 4
      for (int v = 0; v < NV; ++v) sum[i][v] = mul_add(factor, row[v], sum[i][v]);
    }
    a += a_col;
    if constexpr (!kTable) b += b_row;
  }
  store_block<T, MR, NV, kPartial>(block, tail, sum);
}

template <class T>
using MicroFunction = void (*)(const MicroBlock<T>&);

template <class T, int MR, bool kPartial>
TALLOW_INLINE MicroFunction<T> pick_vectors(int vectors) {
  switch (vectors) {
    case 1:
      return micro_block<T, MR, 1, kPartial>;
    case 2:
      return micro_block<T, MR, 2, kPartial>;
    default:
      break;
  }
  if constexpr (kPanelVectors == 4) {
    return vectors == 3 ? micro_block<T, MR, 3, kPartial> : micro_block<T, MR, 4, kPartial>;
  }
  return nullptr;
}

// The loop for `rows` (1 to kRows) rows and `vectors` (1 to kPanelVectors) vectors of columns.
template <class T, bool kPartial>
TALLOW_INLINE MicroFunction<T> pick_rows(int64_t rows, int64_t vectors) {
  switch (rows) {
    case 1:
      return pick_vectors<T, 1, kPartial>(static_cast<int>(vectors));
    case 2:
      return pick_vectors<T, 2, kPartial>(static_cast<int>(vectors));
    case 3:
      return pick_vectors<T, 3, kPartial>(static_cast<int>(vectors));
    case 4:
      return pick_vectors<T, 4, kPartial>(static_cast<int>(vectors));
    case 5:
      return pick_vectors<T, 5, kPartial>(static_cast<int>(vectors));
    default:
      return pick_vectors<T, 6, kPartial>(static_cast<int>(vectors));
  }
}

// The loop for `rows` rows and `columns` (1 to kPanelWidth) columns.
template <class T>
TALLOW_INLINE MicroFunction<T> pick_micro(int64_t rows, int64_t columns) {
  const int64_t vectors = ceil_div(columns, kLanes<T>);
  return columns % kLanes<T> == 0 ? pick_rows<T, false>(rows, vectors)
                                  : pick_rows<T, true>(rows, vectors);
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
