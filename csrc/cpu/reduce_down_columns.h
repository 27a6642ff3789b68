// Folds outputs that lie side by side in memory, in parallel: every column in the same tree as a
// row would be, a block of columns at a time.
#pragma once

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/reduce_read.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

inline constexpr int kColumnBytes = 256;
template <class A>
inline constexpr int kColumns = kColumnBytes / static_cast<int>(sizeof(A));

// Folds `Vecs` vectors of columns over 0 < n <= kLeaf rows; the last vector has `last` columns.
template <class A, class Map, int Vecs, class Join>
TALLOW_INLINE void fold_leaf_columns(const A* in, const int64_t* row, int64_t n, int last,
                                     const A* center, const Join& join, A* out) {
  constexpr int W = kLanes<A>;
  Vec<A> folded[Vecs];
  fold_column_leaf<A, Vecs>(
      n, join,
      [&](int64_t i, Vec<A>(&x)[Vecs]) {
#pragma GCC unroll 16
        for (int v = 0; v < Vecs; ++v) {
          const A* const from = in + row[i] + v * W;
          x[v] = v + 1 < Vecs || last == W ? load(from) : load_partial(from, last);
          x[v] = Map{}(x[v], load(center + v * W));
        }
      },
      folded);
  for (int v = 0; v < Vecs; ++v) store(out + v * W, folded[v]);
}

// PairwiseTree for a block of columns.
template <class A, class Join>
class ColumnTree {
 public:
  TALLOW_INLINE void push(const A* value) {
    int depth = 0;
    alignas(kVectorBytes) A joined[kColumns<A>];
    std::memcpy(joined, value, sizeof(joined));
    for (uint64_t full = count_; full & 1; full >>= 1, ++depth) join_into(joined, level_[depth]);
    std::memcpy(level_[depth], joined, sizeof(joined));
    ++count_;
  }
  TALLOW_INLINE const A* result() {
    int depth = 0;
    uint64_t full = count_;
    for (; !(full & 1); full >>= 1) ++depth;
    A* const value = level_[depth];
    for (full >>= 1, ++depth; full; full >>= 1, ++depth) {
      if (full & 1) join_into(value, level_[depth]);
    }
    return value;
  }

 private:
  // value = join(earlier, value)
  TALLOW_INLINE void join_into(A* value, const A* earlier) {
    for (int c = 0; c < kColumns<A>; c += kLanes<A>) {
      store(value + c, Join{}(load(earlier + c), load(value + c)));
    }
  }
  static constexpr int kLevels = 8;  // a segment has 64 leaves
  alignas(kVectorBytes) A level_[kLevels][kColumns<A>];
  uint64_t count_ = 0;
};

template <class A, class Join, class Map>
TALLOW_INLINE void fold_leaf_block(const A* in, const int64_t* row, int64_t n, int columns,
                                   const A* center, A* out) {
  constexpr int kVecs = kColumns<A> / kLanes<A>;
  const Join join;
  if (columns == kColumns<A>) {
    fold_leaf_columns<A, Map, kVecs>(in, row, n, kLanes<A>, center, join, out);
    return;
  }
  for (int c = 0; c < columns; c += kLanes<A>) {
    const int last = columns - c < kLanes<A> ? columns - c : kLanes<A>;
    fold_leaf_columns<A, Map, 1>(in + c, row, n, last, center + c, join, out + c);
  }
}

// Folds rows [begin, begin + n), n <= kSegment, of a block of at most kColumns columns, whose first
// element is at `in`; out[m] gets `columns` values.
template <class A, class Join, class... Maps>
void fold_segment_columns(const Reduction& r, const Reader<A>& reader, const char* in,
                          int64_t column_stride, int columns, int64_t begin, int64_t n,
                          const A* center, A* const* out) {
  constexpr int kMaps = sizeof...(Maps);
  const bool direct = reader.in_place && column_stride == 1;
  alignas(kVectorBytes) A packed[kLeaf * kColumns<A>];
  alignas(kVectorBytes) A folded[kColumns<A>] = {};
  alignas(kVectorBytes) A middle[kColumns<A>] = {};
  if (center) std::memcpy(middle, center, static_cast<size_t>(columns) * sizeof(A));
  int64_t row[kLeaf];
  ColumnTree<A, Join> tree[kMaps];
  Cursor cursor(r.reduce_ndim, r.reduce_size, r.reduce_stride, begin);
  for (int64_t done = 0; done < n; done += kLeaf) {
    const int64_t rows = n - done < kLeaf ? n - done : kLeaf;
    for (int64_t i = 0; i < rows; ++i, cursor.advance(1)) {
      row[i] = direct ? cursor.offset() : i * kColumns<A>;
      if (!direct) reader.read(in, cursor.offset(), column_stride, columns, packed + row[i]);
    }
    const A* const data = direct ? reinterpret_cast<const A*>(in) : packed;
    int map = 0;
    ((fold_leaf_block<A, Join, Maps>(data, row, rows, columns, middle, folded),
      tree[map++].push(folded)),
     ...);
  }
  for (int m = 0; m < kMaps; ++m) {
    std::memcpy(out[m], tree[m].result(), static_cast<size_t>(columns) * sizeof(A));
  }
}

template <class A, class Join, class... Maps>
Status fold_columns(const Reduction& r, const Reader<A>& reader, const A* center,
                    A* const* results) {
  constexpr int kMaps = sizeof...(Maps);
  const int64_t n = r.reduce_numel;
  const int64_t segments = (n + kSegment - 1) / kSegment;
  const int64_t width = r.out_size[r.out_ndim - 1];
  const int64_t column_stride = r.in_stride[r.out_ndim - 1];
  const int64_t blocks = (width + kColumns<A> - 1) / kColumns<A>;
  const char* const base = static_cast<const char*>(r.in);
  // With one segment the results are final, else partial results per segment are combined below.
  Scratch<A> partial(segments == 1 ? 0 : r.out_numel * segments * kMaps);
  if (segments > 1 && !partial) return partial.failure();
  const auto target = [&](int m, int64_t segment) {
    return segments == 1 ? results[m] : partial.get() + (m * segments + segment) * r.out_numel;
  };
  const int64_t items = r.out_numel / width * segments * blocks;
  const int64_t item_rows = n < kSegment ? n : kSegment;
  const int64_t item_columns = width < kColumns<A> ? width : kColumns<A>;
  parallel_for(items, items_per_task(item_rows * item_columns), [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t column = item % blocks * kColumns<A>;
      const int64_t segment = item / blocks % segments;
      const int64_t group = item / blocks / segments;
      const int64_t columns = width - column < kColumns<A> ? width - column : kColumns<A>;
      const Cursor kept(r.out_ndim - 1, r.out_size, r.in_stride, group);
      const int64_t at = group * width + column;
      A* out[kMaps];
      for (int m = 0; m < kMaps; ++m) out[m] = target(m, segment) + at;
      const int64_t first = segment * kSegment;
      fold_segment_columns<A, Join, Maps...>(
          r, reader, base + (kept.offset() + column * column_stride) * reader.item_size,
          column_stride, static_cast<int>(columns), first,
          n - first < kSegment ? n - first : kSegment, center ? center + at : nullptr, out);
    }
  });
  for (int m = 0; segments > 1 && m < kMaps; ++m) {
    for (int64_t o = 0; o < r.out_numel; ++o) {
      results[m][o] = fold_partials<A, Join>(segments, [&](int64_t s) { return target(m, s)[o]; });
    }
  }
  return Status::kOk;
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
