// Building blocks of kernels that normalise along a dimension of a contiguous [outer][n][inner]
// array: walks over rows (inner == 1) and over blocks of columns, and folds of computed values in
// the tree of reduce_tree.h. A column is folded in the same order as a row, so both give the same
// bits.
#pragma once

#include <type_traits>

#include "core/parallel.h"
#include "core/scratch.h"
#include "core/types.h"
#include "cpu/reduce_tree.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Vectors of the type computed in, from and to any floating storage. `count` lanes exist.
template <class T>
TALLOW_INLINE Vec<Compute<T>> read(const T* from, int count) {
  constexpr int W = kLanes<Compute<T>>;
  if constexpr (std::is_same_v<T, double>) {
    return count == W ? load(from) : load_partial(from, count);
  } else {
    return count == W ? load_float(from) : load_float_partial(from, count);
  }
}
template <class T>
TALLOW_INLINE void write(T* to, Vec<Compute<T>> value, int count) {
  constexpr int W = kLanes<Compute<T>>;
  if constexpr (std::is_same_v<T, double>) {
    if (count == W) {
      store(to, value);
    } else {
      store_partial(to, value, count);
    }
  } else if (count == W) {
    store_float(to, value);
  } else {
    store_float_partial(to, value, count);
  }
}

// Calls f(i, count) for consecutive vectors of A covering [0, n).
template <class A, class F>
TALLOW_INLINE void for_each_vector(int64_t n, const F& f) {
  constexpr int W = kLanes<A>;
  int64_t i = 0;
  for (; i + W <= n; i += W) f(i, W);
  if (i < n) f(i, static_cast<int>(n - i));
}

// A source for the tree: f(i, count, x) puts `count` elements from i on of term k into x[k].
template <class A, int K, class F>
struct Computed {
  const F* f = nullptr;
  int64_t base = 0;
  TALLOW_INLINE void full(int64_t i, Wide<A> (&w)[K]) const {
#pragma GCC unroll 8
    for (int p = 0; p < Wide<A>::kParts; ++p) {
      Vec<A> x[K];
      (*f)(base + i + p * kLanes<A>, kLanes<A>, x);
#pragma GCC unroll 4
      for (int k = 0; k < K; ++k) w[k].part[p] = x[k];
    }
  }
  TALLOW_INLINE void partial(int64_t i, int64_t count, Wide<A> (&w)[K]) const {
    constexpr int W = kLanes<A>;
#pragma GCC unroll 8
    for (int p = 0; p < Wide<A>::kParts; ++p) {
      const int64_t left = count - p * W;
      Vec<A> x[K] = {};
      if (left > 0) (*f)(base + i + p * W, left < W ? static_cast<int>(left) : W, x);
#pragma GCC unroll 4
      for (int k = 0; k < K; ++k) w[k].part[p] = x[k];
    }
  }
};

// Folds n > 0 values of K terms; f is called once for each.
template <class A, int K, class Join, class F>
TALLOW_INLINE void fold_terms(int64_t n, const Join& join, const F& f, A (&out)[K]) {
  fold_row<A, K>(n, join, [&](int64_t k) { return Computed<A, K, F>{&f, k * kLeaf}; }, out);
}

// Folds n > 0 values; f(i, count) gives `count` of them from i on.
template <class A, class Join, class F>
TALLOW_INLINE A fold_values(int64_t n, const Join& join, const F& f) {
  A out[1];
  fold_terms<A, 1>(n, join, [&](int64_t i, int count, Vec<A>(&x)[1]) { x[0] = f(i, count); }, out);
  return out[0];
}

// The same for `Vecs` vectors of columns: f(row, x) puts the vectors of a row into x.
template <class A, int Vecs, class Join, class F>
TALLOW_INLINE void fold_column_values(int64_t n, const Join& join, const F& f,
                                      Vec<A> (&result)[Vecs]) {
  Vec<A> level[48][Vecs];
  uint64_t count = 0;
  const auto push = [&](Vec<A>(&value)[Vecs]) {
    int depth = 0;
    for (uint64_t full = count; full & 1; full >>= 1, ++depth) {
      for (int v = 0; v < Vecs; ++v) value[v] = join(level[depth][v], value[v]);
    }
    for (int v = 0; v < Vecs; ++v) level[depth][v] = value[v];
    ++count;
  };
  for (int64_t first = 0; first < n; first += kLeaf) {
    Vec<A> folded[Vecs];
    const int64_t count = n - first < kLeaf ? n - first : kLeaf;
    fold_column_leaf<A, Vecs>(
        count, join, [&](int64_t i, Vec<A>(&x)[Vecs]) { f(first + i, x); }, folded);
    push(folded);
  }
  int depth = 0;
  for (; !(count & 1); count >>= 1) ++depth;
  for (int v = 0; v < Vecs; ++v) result[v] = level[depth][v];
  for (count >>= 1, ++depth; count; count >>= 1, ++depth) {
    if (!(count & 1)) continue;
    for (int v = 0; v < Vecs; ++v) result[v] = join(level[depth][v], result[v]);
  }
}

// Columns whose sums are taken together, the same on every level: rows are read in the order of
// memory, some cache lines of each.
inline constexpr int kSumColumns = 64;

// The sums of one term down at most kSumColumns columns, in the tree.
template <class A>
class ColumnSums {
 public:
  TALLOW_INLINE void begin(int columns) {
    columns_ = columns;
    count_ = 0;
  }
  // Before every kLeaf rows.
  TALLOW_NOINLINE void begin_leaf() {
    for (auto& lane : lane_) {
      for (int c = 0; c < columns_; c += kLanes<A>) {
        store(lane + c, broadcast(Add::identity<A>));
      }
    }
  }
  // Of a row of a leaf.
  TALLOW_INLINE void add(uint64_t row, int column, Vec<A> value) {
    A* const sum = lane_[row % kWideLanes] + column;
    store(sum, load(sum) + value);
  }
  // After them, and after the last row.
  TALLOW_NOINLINE void end_leaf() {
    for (int half = kWideLanes / 2; half > 0; half /= 2) {
      for (int i = 0; i < half; ++i) join(lane_[i], lane_[i + half]);
    }
    int depth = 0;
    for (uint64_t full = count_; full & 1; full >>= 1, ++depth) join(lane_[0], level_[depth]);
    std::memcpy(level_[depth], lane_[0], sizeof(lane_[0]));
    ++count_;
  }
  TALLOW_NOINLINE const A* result() {
    int depth = 0;
    uint64_t full = count_;
    for (; !(full & 1); full >>= 1) ++depth;
    A* const sum = level_[depth];
    for (full >>= 1, ++depth; full; full >>= 1, ++depth) {
      if (full & 1) join(sum, level_[depth]);
    }
    return sum;
  }

 private:
  TALLOW_INLINE void join(A* a, const A* b) const {
    for (int c = 0; c < columns_; c += kLanes<A>) store(a + c, load(a + c) + load(b + c));
  }
  alignas(kVectorBytes) A lane_[kWideLanes][kSumColumns];
  alignas(kVectorBytes) A level_[40][kSumColumns];
  uint64_t count_;
  int columns_;
};

// sum[k].result()[c] = the sum over n > 0 rows of term k of column c. f(row, column, count, x) puts
// the terms of `count` columns from `column` on into x.
template <class A, int K, class F>
TALLOW_INLINE void sum_rows(int64_t n, int columns, const F& f, ColumnSums<A> (&sum)[K]) {
  constexpr int W = kLanes<A>;
  for (int k = 0; k < K; ++k) sum[k].begin(columns);
  for (int64_t row = 0; row < n; ++row) {
    if (row % kLeaf == 0) {
      for (int k = 0; k < K; ++k) sum[k].begin_leaf();
    }
    const auto add = [&](int column, int count) {
      Vec<A> x[K];
      f(row, column, count, x);
      for (int k = 0; k < K; ++k) sum[k].add(static_cast<uint64_t>(row), column, x[k]);
    };
    int column = 0;
    for (; column + W <= columns; column += W) add(column, W);
    if (column < columns) add(column, columns - column);
    if (row % kLeaf == kLeaf - 1 || row == n - 1) {
      for (int k = 0; k < K; ++k) sum[k].end_leaf();
    }
  }
}

// Work of about this many elements makes one parallel task.
inline constexpr int64_t kNormalizeGrain = 16 * 1024;

// Calls body(row) for each of `outer` rows of n elements, in parallel.
template <class Body>
TALLOW_INLINE void for_each_row(int64_t outer, int64_t n, const Body& body) {
  parallel_for(outer, kNormalizeGrain / (n > 0 ? n : 1), [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) body(row);
  });
}

// Vectors of columns handled together.
inline constexpr int kColumnVecs = 4;

// Splits the columns of [outer][n][inner] into blocks of kColumnVecs vectors and the rest into
// single ones. body.operator()<Vecs>(o, column, last): `last` columns are in the last vector.
template <class A, class Body>
TALLOW_INLINE void for_each_column_block(int64_t outer, int64_t n, int64_t inner,
                                         const Body& body) {
  constexpr int W = kLanes<A>;
  constexpr int64_t kBlock = 16 * 4;  // columns, the same on every level
  const int64_t blocks = (inner + kBlock - 1) / kBlock;
  const int64_t work = n * (inner < kBlock ? inner : kBlock);
  parallel_for(outer * blocks, kNormalizeGrain / (work > 0 ? work : 1),
               [&](int64_t begin, int64_t end) {
                 for (int64_t item = begin; item < end; ++item) {
                   const int64_t o = item / blocks;
                   int64_t column = item % blocks * kBlock;
                   const int64_t stop = inner - column < kBlock ? inner : column + kBlock;
                   for (; column + kColumnVecs * W <= stop; column += kColumnVecs * W) {
                     body.template operator()<kColumnVecs>(o, column, W);
                   }
                   for (; column < stop; column += W) {
                     body.template operator()<1>(
                         o, column, static_cast<int>(stop - column < W ? stop - column : W));
                   }
                 }
               });
}

// out[t][c] = the sum over `rows` rows of term t of column c, in the tree. f(row, column, count, x)
// puts the `Terms` vectors for columns [column, column + count) into x.
template <class A, int Terms, class F>
Status sum_columns(int64_t rows, int64_t width, A* const (&out)[Terms], const F& f) {
  for (int t = 0; rows == 0 && t < Terms; ++t) {
    for (int64_t c = 0; out[t] && c < width; ++c) out[t][c] = A(0);
  }
  if (rows == 0) return Status::kOk;
  constexpr int64_t kRows = 16 * kLeaf;  // of a task: a power of two of leaves, as kSegment
  const int64_t segments = (rows + kRows - 1) / kRows;
  const int64_t blocks = (width + kSumColumns - 1) / kSumColumns;
  Scratch<A> partial(segments == 1 ? 0 : segments * Terms * width);
  if (segments > 1 && !partial) return partial.failure();
  const int64_t work = (rows < kRows ? rows : kRows) * (width < kSumColumns ? width : kSumColumns);
  parallel_for(
      blocks * segments, kNormalizeGrain / (work > 0 ? work : 1), [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item) {
          const int64_t segment = item / blocks;
          const int64_t first = segment * kRows;
          const int64_t column = item % blocks * kSumColumns;
          const int count =
              static_cast<int>(width - column < kSumColumns ? width - column : kSumColumns);
          ColumnSums<A> sum[Terms];
          sum_rows<A, Terms>(
              rows - first < kRows ? rows - first : kRows, count,
              [&](int64_t i, int c, int lanes, Vec<A>(&x)[Terms]) {
                f(first + i, column + c, lanes, x);
              },
              sum);
          for (int t = 0; t < Terms; ++t) {
            A* const to = segments == 1 ? out[t] : partial.get() + (segment * Terms + t) * width;
            if (to)
              std::memcpy(to + column, sum[t].result(), static_cast<size_t>(count) * sizeof(A));
          }
        }
      });
  for (int t = 0; segments > 1 && t < Terms; ++t) {
    for (int64_t c = 0; out[t] && c < width; ++c) {
      out[t][c] = fold_partials<A, Add>(
          segments, [&](int64_t s) { return partial[(s * Terms + t) * width + c]; });
    }
  }
  return Status::kOk;
}

template <class A>
TALLOW_NOINLINE void push_values(const A* values, int64_t n, PairwiseTree<A, 1, Add>& tree) {
  push_leaves(n, Add{}, [&](int64_t k) { return Contiguous<A>{values + k * kLeaf}; }, tree);
}

// *result = the sum of n values in the tree, in parallel; f as for fold_values. The values go
// through a buffer, so that only computing them is compiled anew for each f.
template <class A, class F>
Status sum_values(int64_t n, A* result, const F& f) {
  *result = A(0);
  if (n == 0) return Status::kOk;
  constexpr int64_t kStaged = 4 * kLeaf;
  const int64_t segments = (n + kSegment - 1) / kSegment;
  Scratch<A> partial(segments);
  if (!partial) return partial.failure();
  parallel_for(segments, 2, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end; ++s) {
      const int64_t first = s * kSegment;
      const int64_t stop = n - first < kSegment ? n : first + kSegment;
      PairwiseTree<A, 1, Add> tree;
      for (int64_t at = first; at < stop; at += kStaged) {
        A values[kStaged];
        const int64_t staged = stop - at < kStaged ? stop - at : kStaged;
        for_each_vector<A>(staged,
                           [&](int64_t i, int count) { store(values + i, f(at + i, count)); });
        push_values(values, staged, tree);
      }
      A sum[1];
      tree.result(sum);
      partial[s] = sum[0];
    }
  });
  *result = fold_partials<A, Add>(segments, [&](int64_t s) { return partial[s]; });
  return Status::kOk;
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
