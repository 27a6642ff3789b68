// Folds outputs that lie side by side in memory, in parallel: every column in the same tree as a
// row would be, a block of columns at a time.
#pragma once

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/reduce_read.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

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

// Where a block of at most kColumns columns lies.
template <class A>
struct ColumnBlock {
  const char* in;  // its first element
  int64_t column_stride;
  int columns;
  int known;        // so many of the first columns are folded already, by the block before
  const A* center;  // of every column, or null
};

// Brings n <= kLeaf rows of a block side by side, unless they lie so: then where they are. Rows
// that are equally far apart have a `pitch`, others -1.
template <class A>
TALLOW_NOINLINE const A* gapless_rows(const Reader<A>& reader, const ColumnBlock<A>& block,
                                      const int64_t* row, int64_t n, int64_t pitch, A* packed) {
  const int columns = block.columns;
  const bool adjacent = block.column_stride == 1;
  const bool gapless = adjacent && pitch == columns;
  if (gapless && reader.in_place) return reinterpret_cast<const A*>(block.in) + row[0];
  if (gapless) {
    reader.read(block.in, row[0], 1, n * columns, packed);
  } else if (reader.in_place && adjacent) {
    join_rows(reinterpret_cast<const A*>(block.in), row, n, columns, packed);
  } else if (reader.in_place && pitch >= 0) {
    const int64_t item = reader.item_size;
    for (int64_t i = 0; i < n; i += columns) {  // planes that are not higher than wide
      const TileAt at{n - i < columns ? n - i : columns, columns, pitch * item,
                      block.column_stride * item};
      gather(reinterpret_cast<char*>(packed + i * columns), block.in + row[i] * item,
             static_cast<int>(item), at);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) {
      reader.read(block.in, row[i], block.column_stride, columns, packed + i * columns);
    }
  }
  return packed;
}

// Folds rows [begin, begin + n), n <= kSegment, of a block; out[m] gets its unknown columns.
template <class A, class Join, class... Maps>
void fold_segment_columns(const Reduction& r, const Reader<A>& reader, ColumnBlock<A> block,
                          int64_t begin, int64_t n, A* const* out) {
  constexpr int kMaps = sizeof...(Maps);
  constexpr bool kSums = std::is_same_v<Join, Add> && (std::is_same_v<Maps, Identity> && ...);
  const bool adjacent = block.column_stride == 1;
  const bool whole = block.columns == kColumns<A> && adjacent;
  const int64_t pitch = r.reduce_ndim == 1 ? r.reduce_stride[0] : -1;
  alignas(kVectorBytes) A packed[(kLeaf + 1) * kColumns<A>];
  alignas(kVectorBytes) A folded[kColumns<A>] = {};
  alignas(kVectorBytes) A middle[kWideLanes * kColumns<A>];
  for (int lane = 0; block.center && lane < kWideLanes; ++lane) {
    std::memcpy(middle + lane * block.columns, block.center,
                static_cast<size_t>(block.columns) * sizeof(A));
  }
  int64_t row[kLeaf + 1];
  ColumnTree<A, Join> tree[kMaps];
  Cursor cursor(r.reduce_ndim, r.reduce_size, r.reduce_stride, begin);
  for (int64_t done = 0; done < n; done += kLeaf) {
    const int64_t rows = n - done < kLeaf ? n - done : kLeaf;
    if (done == 0 || pitch < 0) {
      find_offsets(cursor, rows, row);
      row[rows] = cursor.offset();
    } else {  // the same rows, a leaf further on
      block.in += kLeaf * pitch * reader.item_size;
    }
    int map = 0;
    if (whole && reader.in_place) {
      const A* const data = reinterpret_cast<const A*>(block.in);
      ((fold_leaf_block<A, A, Join, Maps>(data, row, rows, middle, folded),
        tree[map++].push(folded)),
       ...);
    } else if (kSums && whole && reader.fold_sums) {
      reader.fold_sums(block.in, row, rows, folded);
      tree[0].push(folded);
    } else {
      const A* const data = gapless_rows(reader, block, row, rows, pitch, packed);
      ((fold_leaf_gapless<A, Join, Maps>(data, rows, block.columns, middle, folded),
        tree[map++].push(folded)),
       ...);
    }
  }
  for (int m = 0; m < kMaps; ++m) {
    std::memcpy(out[m], tree[m].result() + block.known,
                static_cast<size_t>(block.columns - block.known) * sizeof(A));
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
      // The last block reaches back where that makes it whole.
      const int64_t known = column > 0 ? kColumns<A> - columns : 0;
      const int64_t at = group * width + column;
      A* out[kMaps];
      for (int m = 0; m < kMaps; ++m) out[m] = target(m, segment) + at;
      const Cursor kept(r.out_ndim - 1, r.out_size, r.in_stride, group);
      const int64_t from = kept.offset() + (column - known) * column_stride;
      const ColumnBlock<A> block{base + from * reader.item_size, column_stride,
                                 static_cast<int>(columns + known), static_cast<int>(known),
                                 center ? center + at - known : nullptr};
      const int64_t first = segment * kSegment;
      fold_segment_columns<A, Join, Maps...>(r, reader, block, first,
                                             n - first < kSegment ? n - first : kSegment, out);
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
