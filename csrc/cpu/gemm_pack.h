// Copies of operands in the order the register blocks read them.
#pragma once

#include "cpu/gemm.h"
#include "cpu/gemm_transpose.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Rows that a copy reads ahead, past the second cache, which is for the panels.
inline constexpr int64_t kPackAhead = 8;

// A panel holds kc rows of `width` elements of b, width a multiple of the vector lanes, zero from
// column `count` on. This is the panel of a b whose columns are neighbours (b_col == 1).
template <class T>
TALLOW_INLINE void pack_rows(const T* b, int64_t b_row, int64_t kc, int64_t count, int64_t width,
                             T* panel) {
  constexpr int kW = kLanes<T>;
  const int64_t whole = count / kW * kW;
  const int tail = static_cast<int>(count - whole);
  for (int64_t l = 0; l < kc; ++l) {
    for (int64_t j = 0; j < whole; j += kW) {
      __builtin_prefetch(b + kPackAhead * b_row + j, 0, 0);
      store(panel + j, load(b + j));
    }
    if (tail) store(panel + whole, load_partial(b + whole, tail));
    b += b_row;
    panel += width;
  }
}

// Transposes a block of kLanes columns by kLanes rows, or less when not kWhole.
template <class T, bool kWhole>
TALLOW_INLINE void pack_block(const T* b, int64_t b_col, int steps, int columns, int64_t width,
                              T* panel) {
  Vec<T> block[kLanes<T>];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<T>; ++i) {
    if constexpr (kWhole) {
      block[i] = load(b + i * b_col);
    } else if (i < columns) {
      block[i] = steps == kLanes<T> ? load(b + i * b_col) : load_partial(b + i * b_col, steps);
    } else {
      block[i] = Vec<T>{};
    }
  }
  transpose(block);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<T>; ++i) {
    if (kWhole || i < steps) store(panel + i * width, block[i]);
  }
}

// The panel of a b in which each column is contiguous (b_row == 1).
template <class T>
TALLOW_INLINE void pack_columns(const T* b, int64_t b_col, int64_t kc, int64_t count, int64_t width,
                                T* panel) {
  constexpr int kW = kLanes<T>;
  for (int64_t j = 0; j < width; j += kW) {
    const int columns = static_cast<int>(lesser(kW, count - j));
    const T* const from = b + j * b_col;
    T* const to = panel + j;
    int64_t l = 0;
    if (columns == kW) {
      for (; l + kW <= kc; l += kW) {
        pack_block<T, true>(from + l, b_col, kW, kW, width, to + l * width);
      }
    }
    for (; l < kc; l += kW) {
      const int steps = static_cast<int>(lesser(kW, kc - l));
      pack_block<T, false>(from + l, b_col, steps, columns, width, to + l * width);
    }
  }
}

template <class T>
TALLOW_INLINE void pack_strided(const T* b, int64_t b_row, int64_t b_col, int64_t kc, int64_t count,
                                int64_t width, T* panel) {
  for (int64_t l = 0; l < kc; ++l) {
    for (int64_t j = 0; j < count; ++j) panel[l * width + j] = b[l * b_row + j * b_col];
    for (int64_t j = count; j < width; ++j) panel[l * width + j] = T(0);
  }
}

template <class T>
void pack_panel(const T* b, int64_t b_row, int64_t b_col, int64_t kc, int64_t count, int64_t width,
                T* panel) {
  if (b_col == 1) {
    pack_rows(b, b_row, kc, count, width, panel);
  } else if (b_row == 1) {
    pack_columns(b, b_col, kc, count, width, panel);
  } else {
    pack_strided(b, b_row, b_col, kc, count, width, panel);
  }
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
