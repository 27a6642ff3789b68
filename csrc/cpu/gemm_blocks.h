// A part of a blocked matrix product on one thread: slabs of b, packed where that pays, and the
// order in which register blocks pass through them.
#pragma once

#include "cpu/gemm.h"
#include "cpu/gemm_micro.h"
#include "cpu/gemm_pack.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Does copying b into panels cost less than reading it where it lies? Rows of b far apart make
// every register block touch a new page per row.
template <class T>
TALLOW_INLINE bool packing_pays(const Gemm<T>& g, int64_t rows) {
  if (g.b_col != 1) return true;
  return rows > 48 && g.k * g.n * static_cast<int64_t>(sizeof(T)) > 640 * 1024;
}

// When a is transposed its columns are walked with the row pitch of the stored matrix; a large
// pitch maps them all to a few cache sets.
template <class T>
TALLOW_INLINE bool packing_a_pays(const Gemm<T>& g, int64_t columns) {
  return g.a_col != 1 && g.a_col * static_cast<int64_t>(sizeof(T)) >= 1024 && g.k >= 32 &&
         columns >= 64;
}

// Pitch of a packed column of a: an odd number of cache lines, so that columns spread over sets.
template <class T>
TALLOW_INLINE int64_t packed_pitch(int64_t rows) {
  constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));
  return (ceil_div(rows, kLine) | 1) * kLine;
}

// What is packed at a time fills half of a 1 MiB cache: `depth` rows of `columns` columns of b. The
// deeper they are, the less often c passes through the caches; where a is packed too, anew for
// every slab, the slab is wider instead.
struct Slab {
  int64_t depth, columns;
};
inline constexpr int64_t kSlabBytes = 512 * 1024;
inline constexpr int64_t kSlabRows = 240;  // of a

template <class T>
TALLOW_INLINE Slab slab_of(bool pack_a) {
  constexpr int64_t kColumns = 1024 / static_cast<int64_t>(sizeof(T));
  return pack_a ? Slab{2 * kGemmBlock, 2 * kColumns} : Slab{4 * kGemmBlock, kColumns};
}

// Elements of scratch that compute_region needs for at most this many rows and columns. Grows with
// them and with k.
template <class T>
TALLOW_INLINE int64_t region_scratch(const Gemm<T>& g, int64_t rows, int64_t columns) {
  int64_t count = 0;
  if (packing_pays(g, rows)) {
    const int64_t all = lesser(g.k, 4 * kGemmBlock) * ceil_div(columns, kLanes<T>) * kLanes<T>;
    count += lesser(all, kSlabBytes / static_cast<int64_t>(sizeof(T)));
  }
  if (packing_a_pays(g, columns)) {
    count += lesser(g.k, slab_of<T>(true).depth) * packed_pitch<T>(lesser(kSlabRows, rows));
  }
  return count;
}

// Widths of the panels that `columns` columns are cut into: whole vectors, all nearly equal.
template <class T>
struct Panels {
  int64_t columns;
  int64_t count;
  TALLOW_INLINE explicit Panels(int64_t n) : columns(n), count(ceil_div(n, kPanelWidth<T>)) {}
  TALLOW_INLINE Range operator[](int64_t index) const {
    return part_of(columns, kLanes<T>, count, index);
  }
};

// One panel of a slab of b, and the loop that multiplies it by the rows at hand.
template <class T>
struct Panel {
  int64_t begin, columns;
  const T* b;
  int64_t b_row;
  MicroFunction<T> micro;
};

template <class T>
inline constexpr int64_t kLine = 64 / static_cast<int64_t>(sizeof(T));

template <class T>
TALLOW_INLINE void prefetch_rows(const T* from, int64_t pitch) {
#pragma GCC unroll 8
  for (int i = 0; i < kRows; ++i) __builtin_prefetch(from + i * pitch);
}

// The register blocks after this one, read ahead a few cache lines at a time: hardware does not
// foresee the steps from row to row, and a large product finds neither a nor c in a near cache.
template <class T>
struct Ahead {
  const T* a;
  const T* a_end;
  int64_t a_row;
  const T* c;
  int64_t c_row;

  // The share of block `index` of `count` blocks along k. An `a` not read along k has no end.
  TALLOW_INLINE void read(int64_t index, int64_t count) {
    if (a < a_end) {
      prefetch_rows(a, a_row);
      prefetch_rows(a + kLine<T>, a_row);
      a += 2 * kLine<T>;
    }
    for (int64_t j = index * kLine<T>; j < kPanelWidth<T>; j += count * kLine<T>) {
      prefetch_rows(c + j, c_row);
    }
  }
};

// Are operands and result together too large for a near cache?
template <class T>
TALLOW_INLINE bool reading_ahead_pays(const Gemm<T>& g) {
  return (g.m * g.k + g.k * g.n + g.m * g.n) * static_cast<int64_t>(sizeof(T)) > (4 << 20);
}

// One register block over `depth` steps: the sums of kGemmBlock steps at a time are added to c.
template <class T>
TALLOW_INLINE void compute_block(MicroFunction<T> micro, MicroBlock<T>& block, int64_t depth,
                                 Ahead<T>* ahead) {
  if (depth <= kGemmBlock) {
    block.kc = depth;
    return micro(block);
  }
  const bool accumulate = block.accumulate;
  const T* const a = block.a;
  const int64_t count = ceil_div(depth, kGemmBlock);
  for (int64_t index = 0;;) {
    block.kc = lesser(depth - index * kGemmBlock, kGemmBlock);
    if (ahead) ahead->read(index, count);
    micro(block);
    if (++index >= count) break;
    block.a += kGemmBlock * block.a_col;
    block.b += kGemmBlock * block.b_row;
    block.accumulate = true;
  }
  block.accumulate = accumulate;
  block.a = a;
}

// Runs the register blocks of some rows against at most kGroup panels.
inline constexpr int64_t kGroup = 16;
template <class T>
void compute_group(const Gemm<T>& g, Range rows, int64_t depth, MicroBlock<T>& block,
                   Panel<T>* panels, int64_t panel_count) {
  const T* const first_a = block.a;
  const bool far = depth > kGemmBlock && reading_ahead_pays(g);
  int64_t previous = 0;
  const int64_t row_blocks = greater(ceil_div(rows.size(), kRows), 1);
  const int64_t least_rows = rows.size() / row_blocks;
  const int64_t larger = rows.size() % row_blocks;
  for (int64_t r = 0, i = rows.begin, count; i < rows.end; ++r, i += count) {
    count = least_rows + (r < larger);
    for (int64_t p = 0; p < panel_count && count != previous; ++p) {
      panels[p].micro = pick_micro<T>(count, panels[p].columns);
    }
    previous = count;
    const T* const next_a = block.a + count * block.a_row;
    const bool along_k = block.a_col == 1 && i + count < rows.end;
    Ahead<T> ahead{next_a, along_k ? next_a + depth : next_a, block.a_row, nullptr, g.c_row};
    for (int64_t p = 0; p < panel_count; ++p) {
      const Panel<T>& panel = panels[p];
      block.columns = panel.columns;
      block.b = panel.b;
      block.b_row = panel.b_row;
      block.c = g.c + i * g.c_row + panel.begin;
      block.init = g.init ? g.init + i * g.init_row + panel.begin * g.init_col : nullptr;
      ahead.c = p + 1 < panel_count ? block.c + panel.columns
                                    : g.c + (i + count) * g.c_row + panels[0].begin;
      compute_block(panel.micro, block, depth, far ? &ahead : nullptr);
    }
    block.a = next_a;
  }
  block.a = first_a;
}

// Runs the register blocks of some rows against a packed or in-place slab of b. `block` carries
// what they share; block.a is the first row, block.b row 0 of the slab, and packed slabs consist of
// panels one after the other. It is handed on by reference, and left as it was: copies of fields
// just written stall.
template <class T>
void compute_rows(const Gemm<T>& g, Range rows, Range columns, int64_t depth, bool packed,
                  MicroBlock<T>& block) {
  const Panels<T> widths(columns.size());
  const T* const b = block.b;
  const int64_t b_row = block.b_row;
  Panel<T> panels[kGroup];
  for (int64_t begin = 0; begin < widths.count; begin += kGroup) {
    const int64_t count = lesser(widths.count - begin, kGroup);
    for (int64_t p = 0; p < count; ++p) {
      const Range width = widths[begin + p];
      const int64_t pitch = ceil_div(width.size(), kLanes<T>) * kLanes<T>;
      panels[p] = {columns.begin + width.begin, width.size(),
                   b + width.begin * (packed ? depth : 1), packed ? pitch : b_row, nullptr};
    }
    compute_group(g, rows, depth, block, panels, count);
  }
  block.b = b;
  block.b_row = b_row;
}

template <class T>
void write_init(const Gemm<T>& g, Range rows, Range columns) {
  for (int64_t i = rows.begin; i < rows.end; ++i) {
    const T* const from = g.init + i * g.init_row;
    for (int64_t j = columns.begin; j < columns.end; ++j) {
      g.c[i * g.c_row + j] = g.beta * from[j * g.init_col];
    }
  }
}

// Packs rows of b, panel by panel.
template <class T>
void pack_slab(const Gemm<T>& g, const T* b, int64_t depth, int64_t columns, T* packed) {
  const Panels<T> panels(columns);
  for (int64_t p = 0; p < panels.count; ++p) {
    const Range panel = panels[p];
    pack_panel(b + panel.begin * g.b_col, g.b_row, g.b_col, depth, panel.size(),
               ceil_div(panel.size(), kLanes<T>) * kLanes<T>, packed + panel.begin * depth);
  }
}

// Some rows and the columns of one slab of c, all of k.
template <class T>
void compute_slab(const Gemm<T>& g, Range rows, Range columns, T* scratch) {
  const bool pack_b = packing_pays(g, rows.size());
  const bool pack_a = packing_a_pays(g, columns.size());
  // Few rows pass once through b, best block by block.
  const int64_t depth_limit = rows.size() > 48 ? slab_of<T>(pack_a).depth : kGemmBlock;
  const int64_t deepest = greater(lesser(g.k, depth_limit), 1);
  T* const packed_b = scratch;
  T* const packed_a =
      scratch + (pack_b ? deepest * ceil_div(columns.size(), kLanes<T>) * kLanes<T> : 0);
  // Register blocks read a first term along rows only; any other is written to c beforehand.
  const bool scattered = g.init && g.init_col != 0 && g.init_col != 1;
  if (scattered) write_init(g, rows, columns);
  MicroBlock<T> block;
  block.c_row = g.c_row;
  block.init_row = g.init_row;
  block.init_col = g.init_col;
  block.alpha = g.alpha;
  block.beta = g.beta;
  for (int64_t l = 0; l == 0 || l < g.k; l += deepest) {
    const int64_t depth = lesser(g.k - l, deepest);
    block.accumulate = l > 0 || scattered;
    block.b = g.b + l * g.b_row + columns.begin * g.b_col;
    block.b_row = g.b_row;
    if (pack_b) {
      pack_slab(g, block.b, depth, columns.size(), packed_b);
      block.b = packed_b;
    }
    const int64_t step = pack_a ? kSlabRows : rows.size();
    for (int64_t i = rows.begin; i < rows.end; i += step) {
      const Range part{i, lesser(rows.end, i + step)};
      block.a = g.a + i * g.a_row + l * g.a_col;
      block.a_row = g.a_row;
      block.a_col = g.a_col;
      if (pack_a) {
        block.a_row = 1;
        block.a_col = packed_pitch<T>(part.size());
        pack_panel(g.a + i * g.a_row + l * g.a_col, g.a_col, g.a_row, depth, part.size(),
                   block.a_col, packed_a);
        block.a = packed_a;
      }
      compute_rows(g, part, columns, depth, pack_b, block);
    }
  }
}

template <class T>
void compute_region(const Gemm<T>& g, Range rows, Range columns, T* scratch) {
  const int64_t width = slab_of<T>(packing_a_pays(g, columns.size())).columns;
  const int64_t slabs = ceil_div(columns.size(), width);
  for (int64_t s = 0; s < slabs; ++s) {
    const Range part = part_of(columns.size(), kPanelWidth<T>, slabs, s);
    compute_slab(g, rows, {columns.begin + part.begin, columns.begin + part.end}, scratch);
  }
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
