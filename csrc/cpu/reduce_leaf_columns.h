// Folds one leaf of a block of columns, each column in the order of reduce_tree.h.
#pragma once

#include <type_traits>

#include "core/types.h"
#include "cpu/reduce_tree.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class T>
inline constexpr bool is_half_type = std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

inline constexpr int kLine = 64;  // bytes of a cache line
inline constexpr int kColumnBytes = 256;
template <class A>
inline constexpr int kColumns = kColumnBytes / static_cast<int>(sizeof(A));

// Folds a whole block over 0 < n <= kLeaf rows, of T that are computed with as A. Row i starts at
// in + row[i], row[n] is where the next leaf starts; `center` and `out` have kColumns elements. The
// rows of a lane are too far apart for the processor to guess the next: while those of one lane are
// added up, their neighbours are fetched.
template <class T, class A, class Join, class Map>
TALLOW_INLINE void fold_leaf_block(const T* in, const int64_t* row, int64_t n, const A* center,
                                   A* out) {
  constexpr int W = kLanes<A>;
  constexpr int kVecs = kColumns<A> / W;
  Vec<A> folded[kVecs];
  fold_column_leaf<A, kVecs>(
      n, Join{},
      [&](int64_t i, Vec<A>(&x)[kVecs]) {
#pragma GCC unroll 16
        for (int v = 0; v < kVecs; ++v) {
          const T* const from = in + row[i] + v * W;
          if (v * W * sizeof(T) % kLine == 0) __builtin_prefetch(in + row[i + 1] + v * W);
          if constexpr (is_half_type<T>) {
            x[v] = load_float(from);
          } else {
            x[v] = Map{}(load(from), load(center + v * W));
          }
        }
      },
      folded);
  for (int v = 0; v < kVecs; ++v) store(out + v * W, folded[v]);
}

// The sums of columns of a half type.
template <class T>
TALLOW_NOINLINE void fold_half_sums(const char* in, const int64_t* row, int64_t n, float* out) {
  fold_leaf_block<T, float, Add, void>(reinterpret_cast<const T*>(in), row, n, nullptr, out);
}

// Copies rows of `columns` elements, of which the first are at in + row[i], side by side; `out` has
// room for a vector more.
template <class A>
TALLOW_NOINLINE void join_rows(const A* in, const int64_t* row, int64_t n, int columns, A* out) {
  constexpr int W = kLanes<A>;
  for (int64_t i = 0; i < n; ++i, out += columns) {
    const A* const from = in + row[i];
    int c = 0;
    for (; c + W <= columns; c += W) store(out + c, load(from + c));
    store(out + c, load_partial(from + c, columns - c));
  }
}

// Folds rows that follow one another without a gap. Sixteen of them have a column of every lane of
// the leaf and are whole vectors, whatever their length; `center` is repeated for so many.
template <class A, class Join, class Map>
TALLOW_NOINLINE void fold_leaf_gapless(const A* in, int64_t n, int columns, const A* center,
                                       A* out) {
  constexpr int W = kLanes<A>;
  constexpr int64_t kRoom = kWideLanes * kColumns<A> + W;
  const int64_t period = int64_t{kWideLanes} * columns;
  const Join join;
  alignas(kVectorBytes) A lanes[kRoom];
  for (int64_t j = 0; j < period + W; j += W) {
    store(lanes + j, broadcast(Join::template identity<A>));
  }
  for (int64_t left = n * columns; left > 0; left -= period, in += period) {
    const int64_t count = left < period ? left : period;
    int64_t j = 0;
    for (; j + W <= count; j += W) {
      store(lanes + j, join(load(lanes + j), Map{}(load(in + j), load(center + j))));
    }
    if (const int rest = static_cast<int>(count - j)) {
      const Vec<A> x = Map{}(load_partial(in + j, rest), load(center + j));
      store_partial(lanes + j, join(load(lanes + j), x), rest);
    }
  }
  // What a vector writes beyond `half` is not read again.
  for (int64_t half = period / 2; half >= columns; half /= 2) {
    for (int64_t j = 0; j < half; j += W) {
      store(lanes + j, join(load(lanes + j), load(lanes + j + half)));
    }
  }
  std::memcpy(out, lanes, static_cast<size_t>(columns) * sizeof(A));
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
