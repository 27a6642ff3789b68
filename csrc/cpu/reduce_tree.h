// The fixed tree in which every floating-point reduction is evaluated. A reduction of n elements is
// cut into leaves of kLeaf; in a leaf, logical lane l combines the elements 16 g + l in the order of
// g, then the lanes are folded by halves; leaves are combined pairwise. The shape of the tree
// depends on n alone, so rows, columns, threads and register widths all give the same bits.
#pragma once

#include <limits>

#include "core/macros.h"
#include "cpu/simd.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

inline constexpr int64_t kLeaf = 256;
// The unit of parallel work: a power of two of leaves, so that the pairwise tree inside a segment
// is a subtree of the whole.
inline constexpr int64_t kSegment = 64 * kLeaf;

// What combines two partial results; `identity` fills the lanes that have no element. -0.0 is the
// identity of addition that also keeps a sum of negative zeros negative.
struct Add {
  template <class T>
  static constexpr T identity = std::numeric_limits<T>::is_integer ? T(0) : T(-0.0);
  template <class V>
  TALLOW_INLINE V operator()(V a, V b) const { return a + b; }
};
struct Multiply {
  template <class T>
  static constexpr T identity = T(1);
  template <class V>
  TALLOW_INLINE V operator()(V a, V b) const { return a * b; }
};
struct Minimum {
  template <class T>
  static constexpr T identity = std::numeric_limits<T>::has_infinity
                                    ? std::numeric_limits<T>::infinity()
                                    : std::numeric_limits<T>::max();
  template <class V>
  TALLOW_INLINE V operator()(V a, V b) const {
    const V smaller = b < a ? b : a;
    return b != b ? b : smaller;
  }
};
struct Maximum {
  template <class T>
  static constexpr T identity = std::numeric_limits<T>::has_infinity
                                    ? -std::numeric_limits<T>::infinity()
                                    : std::numeric_limits<T>::min();
  template <class V>
  TALLOW_INLINE V operator()(V a, V b) const {
    const V larger = b > a ? b : a;
    return b != b ? b : larger;
  }
};

// Folds the lanes of one vector: lane i with i + Lanes / 2, and so on.
template <class T, int Lanes, class Join>
TALLOW_INLINE T fold_vector(Vec<T, Lanes> v, const Join& join) {
  if constexpr (Lanes == 2) {
    return join(v[0], v[1]);
  } else {
    using HalfVec = Vec<T, Lanes / 2>;
    HalfVec halves[2];
    std::memcpy(halves, &v, sizeof(v));
    return fold_vector<T, Lanes / 2>(join(halves[0], halves[1]), join);
  }
}

// Lane i with lane i + 8, then i + 4, i + 2, i + 1.
template <class T, class Join>
TALLOW_INLINE T fold_lanes(Wide<T> w, const Join& join) {
#pragma GCC unroll 8
  for (int half = Wide<T>::kParts / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (int p = 0; p < half; ++p) w.part[p] = join(w.part[p], w.part[p + half]);
  }
  return fold_vector<T, kLanes<T>>(w.part[0], join);
}

template <class T, class Join>
TALLOW_INLINE Wide<T> join_lanes(const Wide<T>& a, const Wide<T>& b, const Join& join) {
  Wide<T> w;
#pragma GCC unroll 8
  for (int p = 0; p < Wide<T>::kParts; ++p) w.part[p] = join(a.part[p], b.part[p]);
  return w;
}

// The first `count` < 16 elements; the other lanes are 0.
template <class T>
TALLOW_INLINE Wide<T> load_lanes_partial(const T* from, int64_t count) {
  Wide<T> w;
#pragma GCC unroll 8
  for (int p = 0; p < Wide<T>::kParts; ++p) {
    const int64_t left = count - p * kLanes<T>;
    if (left >= kLanes<T>) {
      w.part[p] = load(from + p * kLanes<T>);
    } else {
      w.part[p] = left > 0 ? load_partial(from + p * kLanes<T>, static_cast<int>(left)) : Vec<T>{};
    }
  }
  return w;
}

// Replaces the lanes from `count` on by `value`.
template <class T>
TALLOW_INLINE Wide<T> fill_lanes_from(Wide<T> w, int64_t count, T value) {
  using Int = typename SignedOf<sizeof(T)>::type;
#pragma GCC unroll 8
  for (int p = 0; p < Wide<T>::kParts; ++p) {
    Vec<Int> lane;
#pragma GCC unroll 64
    for (int i = 0; i < kLanes<T>; ++i) lane[i] = static_cast<Int>(p * kLanes<T> + i);
    w.part[p] = lane < static_cast<Int>(count) ? w.part[p] : broadcast(value);
  }
  return w;
}

// How many leaves are folded side by side, so that the additions of one do not wait for each other.
template <class T>
inline constexpr int kAbreast = Wide<T>::kParts >= 4 ? 1 : 4 / Wide<T>::kParts;

// Folds kAbreast whole leaves. source[k].full(i) gives the lanes of elements [i, i + 16) of leaf k.
template <class T, class Join, class Source>
TALLOW_INLINE void fold_whole_leaves(const Source* source, const Join& join, T* out) {
  Wide<T> lanes[kAbreast<T>];
#pragma GCC unroll 4
  for (int k = 0; k < kAbreast<T>; ++k) lanes[k] = source[k].full(0);
  for (int64_t i = kWideLanes; i < kLeaf; i += kWideLanes) {
#pragma GCC unroll 4
    for (int k = 0; k < kAbreast<T>; ++k) {
      lanes[k] = join_lanes(lanes[k], source[k].full(i), join);
    }
  }
#pragma GCC unroll 4
  for (int k = 0; k < kAbreast<T>; ++k) out[k] = fold_lanes(lanes[k], join);
}

// Folds one leaf of 0 < n <= kLeaf elements. source.partial(i, count) gives the first `count` lanes
// of [i, i + 16), the others unspecified.
template <class T, class Join, class Source>
TALLOW_INLINE T fold_leaf(const Source& source, int64_t n, const Join& join) {
  constexpr T kIdentity = Join::template identity<T>;
  if (n < kWideLanes) {
    return fold_lanes(fill_lanes_from(source.partial(0, n), n, kIdentity), join);
  }
  Wide<T> lanes = source.full(0);
  int64_t i = kWideLanes;
  for (; i + kWideLanes <= n; i += kWideLanes) lanes = join_lanes(lanes, source.full(i), join);
  if (i < n) {
    lanes = join_lanes(lanes, fill_lanes_from(source.partial(i, n - i), n - i, kIdentity), join);
  }
  return fold_lanes(lanes, join);
}

// Combines values pushed in order into a balanced tree: two neighbours of equal size are joined as
// soon as both are complete.
template <class T, class Join>
class PairwiseTree {
 public:
  TALLOW_INLINE void push(T value) {
    int depth = 0;
    for (uint64_t full = count_; full & 1; full >>= 1, ++depth) value = Join{}(level_[depth], value);
    level_[depth] = value;
    ++count_;
  }
  // The combination of everything; at least one value must have been pushed.
  TALLOW_INLINE T result() const {
    int depth = 0;
    uint64_t full = count_;
    for (; !(full & 1); full >>= 1) ++depth;
    T value = level_[depth];
    for (full >>= 1, ++depth; full; full >>= 1, ++depth) {
      if (full & 1) value = Join{}(level_[depth], value);
    }
    return value;
  }

 private:
  T level_[48];
  uint64_t count_ = 0;
};

// Folds n > 0 elements; leaf(k) is the source of leaf k.
template <class T, class Join, class LeafAt>
TALLOW_INLINE T fold_row(int64_t n, const Join& join, const LeafAt& leaf) {
  if (n <= kLeaf) return fold_leaf<T>(leaf(0), n, join);
  PairwiseTree<T, Join> tree;
  const int64_t whole = n / kLeaf;
  int64_t k = 0;
  using Source = decltype(leaf(0));
  for (; k + kAbreast<T> <= whole; k += kAbreast<T>) {
    Source sources[kAbreast<T>];
    for (int j = 0; j < kAbreast<T>; ++j) sources[j] = leaf(k + j);
    T folded[kAbreast<T>];
    fold_whole_leaves<T>(sources, join, folded);
    for (int j = 0; j < kAbreast<T>; ++j) tree.push(folded[j]);
  }
  for (; k < whole; ++k) tree.push(fold_leaf<T>(leaf(k), kLeaf, join));
  if (whole * kLeaf < n) tree.push(fold_leaf<T>(leaf(k), n - whole * kLeaf, join));
  return tree.result();
}

// Folds 0 < n <= kLeaf rows of `Vecs` vectors of columns, each column in the order of fold_leaf;
// f(row, x) puts the vectors of a row into x and is called once for each row.
template <class A, int Vecs, class Join, class F>
TALLOW_INLINE void fold_column_leaf(int64_t n, const Join& join, const F& f,
                                    Vec<A> (&result)[Vecs]) {
  Vec<A> lanes[kWideLanes][Vecs];
  const int64_t used = n < kWideLanes ? n : kWideLanes;
  for (int64_t lane = 0; lane < used; ++lane) {
    Vec<A> sum[Vecs] = {};
    f(lane, sum);
    for (int64_t i = lane + kWideLanes; i < n; i += kWideLanes) {
      Vec<A> x[Vecs] = {};
      f(i, x);
#pragma GCC unroll 16
      for (int v = 0; v < Vecs; ++v) sum[v] = join(sum[v], x[v]);
    }
#pragma GCC unroll 16
    for (int v = 0; v < Vecs; ++v) lanes[lane][v] = sum[v];
  }
  // An absent lane would hold the identity: leaving it out changes nothing.
  for (int64_t half = kWideLanes / 2; half > 0; half /= 2) {
    for (int64_t lane = 0; lane < half && lane + half < used; ++lane) {
      for (int v = 0; v < Vecs; ++v) lanes[lane][v] = join(lanes[lane][v], lanes[lane + half][v]);
    }
  }
  for (int v = 0; v < Vecs; ++v) result[v] = lanes[0][v];
}

// The plain source: contiguous elements of T.
template <class T>
struct Contiguous {
  const T* data = nullptr;
  TALLOW_INLINE Wide<T> full(int64_t i) const {
    Wide<T> w;
#pragma GCC unroll 8
    for (int p = 0; p < Wide<T>::kParts; ++p) w.part[p] = load(data + i + p * kLanes<T>);
    return w;
  }
  TALLOW_INLINE Wide<T> partial(int64_t i, int64_t count) const {
    return load_lanes_partial(data + i, count);
  }
};

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
