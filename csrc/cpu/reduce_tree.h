// The fixed tree in which every floating-point reduction is evaluated. A reduction of n elements is
// cut into leaves of kLeaf; in a leaf, logical lane l combines the elements 16 g + l in the order
// of g, then the lanes are folded by halves; leaves are combined pairwise. The shape of the tree
// depends on n alone, so rows, columns, threads and register widths all give the same bits.
#pragma once

#include <utility>

#include "cpu/gemm_transpose.h"
#include "cpu/reduce_join.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

inline constexpr int64_t kLeaf = 256;
// The unit of parallel work: a power of two of leaves, so that the pairwise tree inside a segment
// is a subtree of the whole.
inline constexpr int64_t kSegment = 64 * kLeaf;

// Folds lane i of a vector with i + Lanes / 2, and so on until `Left` lanes are left.
template <int Left, class T, int Lanes, class Join>
TALLOW_INLINE Vec<T, Left> fold_halves(Vec<T, Lanes> v, const Join& join) {
  if constexpr (Lanes == Left) {
    return v;
  } else {
    using HalfVec = Vec<T, Lanes / 2>;
    HalfVec halves[2];
    std::memcpy(halves, &v, sizeof(v));
    return fold_halves<Left, T, Lanes / 2>(join(halves[0], halves[1]), join);
  }
}

// Folds the lanes of one vector to the end.
template <class T, int Lanes, class Join>
TALLOW_INLINE T fold_vector(Vec<T, Lanes> v, const Join& join) {
  const Vec<T, 2> pair = fold_halves<2, T, Lanes>(v, join);
  return join(pair[0], pair[1]);
}

// Lane i with lane i + 8, then i + 4, i + 2, i + 1: as far as that are whole registers, and to the
// end.
template <class T, class Join>
TALLOW_INLINE Vec<T> fold_parts(Wide<T> w, const Join& join) {
#pragma GCC unroll 8
  for (int half = Wide<T>::kParts / 2; half > 0; half /= 2) {
#pragma GCC unroll 8
    for (int p = 0; p < half; ++p) w.part[p] = join(w.part[p], w.part[p + half]);
  }
  return w.part[0];
}
template <class T, class Join>
TALLOW_INLINE T fold_lanes(const Wide<T>& w, const Join& join) {
  return fold_vector<T, kLanes<T>>(fold_parts(w, join), join);
}

// fold_vector of as many vectors as one has lanes, all at once: lane i of the result is that of
// v[i], which are turned around to this end.
template <class T, class Join>
TALLOW_NOINLINE Vec<T> fold_vectors(Vec<T> (&v)[kLanes<T>], const Join& join) {
  using Bits = Vec<std::conditional_t<sizeof(T) == 4, float, double>>;
  Bits turned[kLanes<T>];
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<T>; ++i) turned[i] = bits_as<Bits>(v[i]);
  transpose(turned);
#pragma GCC unroll 16
  for (int i = 0; i < kLanes<T>; ++i) v[i] = bits_as<Vec<T>>(turned[i]);
#pragma GCC unroll 16
  for (int half = kLanes<T> / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
    for (int i = 0; i < half; ++i) v[i] = join(v[i], v[i + half]);
  }
  return v[0];
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

// A fold combines K terms at once, each in a tree of its own. Where the terms come from:
//   source.full(i, w)            puts the lanes of elements [i, i + 16) of term k into w[k];
//   source.partial(i, count, w)  only the first `count` lanes, the others unspecified.

// How many leaves are folded side by side, so that the additions of one do not wait for each other.
template <class T>
inline constexpr int kAbreast = Wide<T>::kParts >= 4 ? 1 : 4 / Wide<T>::kParts;

// The combination of `Count` neighbouring leaves, whose lanes are given.
template <class T, int Count, class Join>
TALLOW_INLINE T fold_siblings(const Wide<T>* leaf, const Join& join) {
  if constexpr (Count == 1) {
    return fold_lanes(leaf[0], join);
  } else if constexpr (Count == 4 && sizeof(T) == 4) {
    // The last lanes of the four are folded together: lane i becomes leaf i.
    using Four = Vec<T, 4>;
    Four v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      v[i] = fold_halves<4, T, kLanes<T>>(fold_parts(leaf[i], join), join);
    }
    const Four first = join(__builtin_shufflevector(v[0], v[1], 0, 4, 1, 5),
                            __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7));
    const Four last = join(__builtin_shufflevector(v[2], v[3], 0, 4, 1, 5),
                           __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7));
    const Four folded = join(__builtin_shufflevector(first, last, 0, 1, 4, 5),
                             __builtin_shufflevector(first, last, 2, 3, 6, 7));
    return join(join(folded[0], folded[1]), join(folded[2], folded[3]));
  } else {
    return join(fold_siblings<T, Count / 2>(leaf, join),
                fold_siblings<T, Count / 2>(leaf + Count / 2, join));
  }
}

// The lanes of one leaf of 0 < n <= kLeaf elements; those without an element are the identity.
template <class T, int K, class Join, class Source>
TALLOW_INLINE void fold_leaf_lanes(const Source& source, int64_t n, const Join& join,
                                   Wide<T> (&lanes)[K]) {
  constexpr T kIdentity = Join::template identity<T>;
#pragma GCC unroll 4
  for (int k = 0; k < K; ++k) lanes[k] = Wide<T>::filled(kIdentity);
  int64_t i = 0;
  for (; i + kWideLanes <= n; i += kWideLanes) {
    Wide<T> w[K];
    source.full(i, w);
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) lanes[k] = join_lanes(lanes[k], w[k], join);
  }
  if (i < n) {
    Wide<T> w[K];
    source.partial(i, n - i, w);
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) {
      lanes[k] = join_lanes(lanes[k], fill_lanes_from(w[k], n - i, kIdentity), join);
    }
  }
}

// Folds one leaf of 0 < n <= kLeaf elements.
template <class T, int K, class Join, class Source>
TALLOW_INLINE void fold_leaf(const Source& source, int64_t n, const Join& join, T (&out)[K]) {
  Wide<T> lanes[K];
  fold_leaf_lanes<T, K>(source, n, join, lanes);
#pragma GCC unroll 4
  for (int k = 0; k < K; ++k) out[k] = fold_lanes(lanes[k], join);
}

// Combines values pushed in order into a balanced tree: two neighbours of equal size are joined as
// soon as both are complete.
template <class T, int K, class Join>
class PairwiseTree {
 public:
  TALLOW_INLINE void push(const T (&value)[K]) { push_siblings<1>(value); }
  // Pushes what `Count` values combine to, a power of two of which a multiple were pushed before.
  template <int Count>
  TALLOW_INLINE void push_siblings(const T (&pushed)[K]) {
    T value[K];
    for (int k = 0; k < K; ++k) value[k] = pushed[k];
    int depth = __builtin_ctz(Count);
    for (uint64_t full = count_ >> depth; full & 1; full >>= 1, ++depth) {
      for (int k = 0; k < K; ++k) value[k] = Join{}(level_[depth][k], value[k]);
    }
    for (int k = 0; k < K; ++k) level_[depth][k] = value[k];
    count_ += Count;
  }
  TALLOW_INLINE uint64_t count() const { return count_; }
  // The combination of everything; at least one value must have been pushed.
  TALLOW_INLINE void result(T (&value)[K]) const {
    int depth = 0;
    uint64_t full = count_;
    for (; !(full & 1); full >>= 1) ++depth;
    for (int k = 0; k < K; ++k) value[k] = level_[depth][k];
    for (full >>= 1, ++depth; full; full >>= 1, ++depth) {
      for (int k = 0; k < K && (full & 1); ++k) value[k] = Join{}(level_[depth][k], value[k]);
    }
  }

 private:
  T level_[48][K];
  uint64_t count_ = 0;
};

// Folds `Count` whole leaves side by side and pushes them; of three, the first two are siblings.
template <int Count, class T, int K, class Join, class Source>
TALLOW_INLINE void push_whole_leaves(const Source* source, const Join& join,
                                     PairwiseTree<T, K, Join>& tree) {
  Wide<T> lanes[K][Count];
#pragma GCC unroll 4
  for (int leaf = 0; leaf < Count; ++leaf) {
    Wide<T> w[K];
    source[leaf].full(0, w);
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) lanes[k][leaf] = w[k];
  }
  for (int64_t i = kWideLanes; i < kLeaf; i += kWideLanes) {
#pragma GCC unroll 4
    for (int leaf = 0; leaf < Count; ++leaf) {
      Wide<T> w[K];
      source[leaf].full(i, w);
#pragma GCC unroll 4
      for (int k = 0; k < K; ++k) lanes[k][leaf] = join_lanes(lanes[k][leaf], w[k], join);
    }
  }
  constexpr int kSiblings = Count == 3 ? 2 : Count;
  T folded[K];
#pragma GCC unroll 4
  for (int k = 0; k < K; ++k) folded[k] = fold_siblings<T, kSiblings>(lanes[k], join);
  tree.template push_siblings<kSiblings>(folded);
  if constexpr (Count > kSiblings) {
#pragma GCC unroll 4
    for (int k = 0; k < K; ++k) folded[k] = fold_lanes(lanes[k][kSiblings], join);
    tree.push(folded);
  }
}

// The combination of values at(0), ..., at(count - 1) in that tree.
template <class T, class Join, class At>
TALLOW_INLINE T fold_partials(int64_t count, const At& at) {
  if (count == 1) return at(0);
  PairwiseTree<T, 1, Join> tree;
  for (int64_t i = 0; i < count; ++i) tree.push({at(i)});
  T result[1];
  tree.result(result);
  return result[0];
}

// Folds the leaves of n elements and pushes them, neighbours in the tree side by side; leaf(k) is
// the source of leaf k. A source must stay valid while those of the next kAbreast - 1 leaves are
// made.
template <class T, int K, class Join, class LeafAt>
TALLOW_INLINE void push_leaves(int64_t n, const Join& join, const LeafAt& leaf,
                               PairwiseTree<T, K, Join>& tree) {
  const int64_t whole = n / kLeaf;
  int64_t next = 0;
  const auto fold = [&]<int Count>() {
    [&]<int... J>(std::integer_sequence<int, J...>) {
      const decltype(leaf(0)) sources[] = {leaf(next + J)...};
      push_whole_leaves<Count>(sources, join, tree);
    }(std::make_integer_sequence<int, Count>{});
    next += Count;
  };
  while (next < whole) {
    const int64_t left = whole - next;
    const uint64_t misaligned = tree.count() % kAbreast<T>;
    if (left >= kAbreast<T> && misaligned == 0) {
      fold.template operator()<kAbreast<T>>();
      continue;
    }
    if constexpr (kAbreast<T> > 2) {
      if (left == 3 && misaligned == 0) {
        fold.template operator()<3>();
        continue;
      }
      if (left >= 2 && misaligned % 2 == 0) {
        fold.template operator()<2>();
        continue;
      }
    }
    fold.template operator()<1>();
  }
  if (whole * kLeaf < n) {
    T folded[K];
    fold_leaf<T, K>(leaf(whole), n - whole * kLeaf, join, folded);
    tree.push(folded);
  }
}

// Folds n > 0 elements; leaf(k) as for push_leaves.
template <class T, int K, class Join, class LeafAt>
TALLOW_INLINE void fold_row(int64_t n, const Join& join, const LeafAt& leaf, T (&out)[K]) {
  if (n <= kLeaf) {
    fold_leaf<T, K>(leaf(0), n, join, out);
    return;
  }
  PairwiseTree<T, K, Join> tree;
  push_leaves(n, join, leaf, tree);
  tree.result(out);
}

// Folds the `used` lanes of a leaf. An absent lane would hold the identity: leaving it out changes
// nothing.
template <class A, int Vecs, class Join>
TALLOW_INLINE void fold_column_lanes(Vec<A> (&lanes)[kWideLanes][Vecs], int64_t used,
                                     const Join& join, Vec<A> (&result)[Vecs]) {
  for (int64_t half = kWideLanes / 2; half > 0; half /= 2) {
    for (int64_t lane = 0; lane < half && lane + half < used; ++lane) {
      for (int v = 0; v < Vecs; ++v) lanes[lane][v] = join(lanes[lane][v], lanes[lane + half][v]);
    }
  }
  for (int v = 0; v < Vecs; ++v) result[v] = lanes[0][v];
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
  fold_column_lanes<A, Vecs>(lanes, used, join, result);
}

// The plain source: contiguous elements of T.
template <class T>
struct Contiguous {
  const T* data = nullptr;
  TALLOW_INLINE void full(int64_t i, Wide<T> (&w)[1]) const {
#pragma GCC unroll 8
    for (int p = 0; p < Wide<T>::kParts; ++p) w[0].part[p] = load(data + i + p * kLanes<T>);
  }
  TALLOW_INLINE void partial(int64_t i, int64_t count, Wide<T> (&w)[1]) const {
    w[0] = load_lanes_partial(data + i, count);
  }
};

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
