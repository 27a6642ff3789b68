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
  int64_t init_row, init_col;
  T alpha, beta;
};

// `lanes` elements of the first term, the other lanes unspecified.
template <class T>
TALLOW_INLINE Vec<T> load_init(const T* init, int64_t init_col, int lanes) {
  if (init_col == 0) return broadcast(*init);
  if (init_col == 1) return lanes == kLanes<T> ? load(init) : load_partial(init, lanes);
  Vec<T> value{};
  for (int i = 0; i < lanes; ++i) value[i] = init[i * init_col];
  return value;
}

// Writes one row of a register block; `tail` is the number of columns in the last vector.
template <class T, int NV, bool kPartial>
TALLOW_INLINE void store_row(const MicroBlock<T>& block, int64_t row, int tail,
                             const Vec<T> (&sum)[NV]) {
  T* const c = block.c + row * block.c_row;
  const Vec<T> alpha = broadcast(block.alpha);
#pragma GCC unroll 4
  for (int v = 0; v < NV; ++v) {
    const bool partial = kPartial && v == NV - 1;
    T* const to = c + v * kLanes<T>;
    Vec<T> value = alpha * sum[v];
    if (block.accumulate) {
      value = mul_add(alpha, sum[v], partial ? load_partial(to, tail) : load(to));
    } else if (block.init) {
      const T* const init = block.init + row * block.init_row + v * kLanes<T> * block.init_col;
      const Vec<T> base = load_init(init, block.init_col, partial ? tail : kLanes<T>);
      value = mul_add(alpha, sum[v], broadcast(block.beta) * base);
    }
    if (partial) {
      store_partial(to, value, tail);
    } else {
      store(to, value);
    }
  }
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
#pragma GCC unroll 8
  for (int i = 0; i < MR; ++i) store_row<T, NV, kPartial>(block, i, tail, sum[i]);
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

// The loop for `rows` (1 to kRows) rows and `columns` (1 to kPanelWidth) columns.
template <class T>
TALLOW_INLINE MicroFunction<T> pick_micro(int64_t rows, int64_t columns) {
  const int vectors = static_cast<int>((columns + kLanes<T> - 1) / kLanes<T>);
  const bool partial = columns % kLanes<T> != 0;
  const auto pick = [&]<int MR>() {
    return partial ? pick_vectors<T, MR, true>(vectors) : pick_vectors<T, MR, false>(vectors);
  };
  switch (rows) {
    case 1:
      return pick.template operator()<1>();
    case 2:
      return pick.template operator()<2>();
    case 3:
      return pick.template operator()<3>();
    case 4:
      return pick.template operator()<4>();
    case 5:
      return pick.template operator()<5>();
    default:
      return pick.template operator()<6>();
  }
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
