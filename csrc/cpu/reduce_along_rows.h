// Folds outputs whose reduced elements are read one after another, in parallel: the kept elements
// are rows, a long row is cut into segments, and short rows are folded several at a time.
#pragma once

#include "core/parallel.h"
#include "core/scratch.h"
#include "cpu/reduce_read.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// Do the reduced elements of an output lie side by side?
TALLOW_INLINE bool is_adjacent(const Reduction& r) {
  return r.reduce_ndim == 0 || (r.reduce_ndim == 1 && r.reduce_stride[0] == 1);
}

// Pushes the leaves of n contiguous elements, once per map.
template <class A, class Join, class... Maps>
TALLOW_NOINLINE void push_contiguous(const A* data, int64_t n, A center,
                                     PairwiseTree<A, sizeof...(Maps), Join>& tree) {
  const Vec<A> centers = broadcast(center);
  // Products of floats have no slots to spare for every line; the processor brings its neighbour.
  constexpr int kEvery = std::is_same_v<Join, Multiply> && sizeof(A) == 4 ? 2 * kLine : kLine;
  push_leaves(
      n, Join{}, [&](int64_t k) { return Mapped<A, kEvery, Maps...>{data + k * kLeaf, centers}; },
      tree);
}

// Folds n contiguous elements, once per map.
template <class A, class Join, class... Maps>
void fold_contiguous(const A* data, int64_t n, A center, A (&out)[sizeof...(Maps)]) {
  PairwiseTree<A, sizeof...(Maps), Join> tree;
  push_contiguous<A, Join, Maps...>(data, n, center, tree);
  tree.result(out);
}

// Sums n adjacent elements of a half type, if it is sums that are wanted and `push` is given.
template <class Join, class... Maps, class A, class Push>
TALLOW_INLINE bool fold_halves_in_place(Push push, const char* data, int64_t n,
                                        A (&out)[sizeof...(Maps)]) {
  if constexpr (std::is_same_v<Join, Add> && sizeof...(Maps) == 1 &&
                (std::is_same_v<Maps, Identity> && ...)) {
    if (push) {
      PairwiseTree<A, 1, Add> tree;
      push(data, n, tree);
      tree.result(out);
      return true;
    }
  }
  return false;
}

// Folds the reduced elements [begin, begin + n) of one output, once per map. Whole leaves of a
// contiguous run are read in place, everything else is gathered, some leaves at a time.
template <class A, class Join, class... Maps>
TALLOW_NOINLINE void fold_scattered(const Reduction& r, const Reader<A>& reader, const char* in,
                                    int64_t begin, int64_t n, A center, A (&out)[sizeof...(Maps)]) {
  alignas(kVectorBytes) A gathered[4 * kLeaf];
  PairwiseTree<A, sizeof...(Maps), Join> tree;
  Cursor cursor(r.reduce_ndim, r.reduce_size, r.reduce_stride, begin);
  const bool long_runs =
      reader.in_place && cursor.run_stride() == 1 && r.reduce_size[r.reduce_ndim - 1] >= kLeaf;
  while (n > 0) {
    const int64_t run = cursor.run();
    const A* data = gathered;
    int64_t count;
    if (long_runs && (run >= n || run >= kLeaf)) {
      count = run < n ? run / kLeaf * kLeaf : n;
      data = reinterpret_cast<const A*>(in) + cursor.offset();
      cursor.advance(count);
    } else {
      const int64_t room = long_runs ? kLeaf : 4 * kLeaf;
      count = n < room ? n : room;
      gather_run(reader, in, cursor, count, gathered);
    }
    push_contiguous<A, Join, Maps...>(data, count, center, tree);
    n -= count;
  }
  tree.result(out);
}

// The fold of N <= 8 elements, N known to the compiler: what fold_leaf gives, without lanes.
template <int N, class T, class Join>
TALLOW_INLINE T fold_few(const T* x, const Join& join) {
  T lane[N];
  for (int i = 0; i < N; ++i) lane[i] = x[i];
  for (int i = 0; i + 4 < N; ++i) lane[i] = join(lane[i], lane[i + 4]);
  for (int i = 0; i < 2 && i + 2 < N; ++i) lane[i] = join(lane[i], lane[i + 2]);
  if constexpr (N > 1) lane[0] = join(lane[0], lane[1]);
  return lane[0];
}

// Rows of N <= 8 adjacent elements, `pitch` apart.
template <class A, class Join, int N>
void fold_short_rows(const A* in, int64_t pitch, int64_t rows, A* out) {
  for (int64_t o = 0; o < rows; ++o) out[o] = fold_few<N>(in + o * pitch, Join{});
}
template <class A, class Join>
void fold_short_rows(int64_t n, const A* in, int64_t pitch, int64_t rows, A* out) {
  switch (n) {
    case 1:
      return fold_short_rows<A, Join, 1>(in, pitch, rows, out);
    case 2:
      return fold_short_rows<A, Join, 2>(in, pitch, rows, out);
    case 3:
      return fold_short_rows<A, Join, 3>(in, pitch, rows, out);
    case 4:
      return fold_short_rows<A, Join, 4>(in, pitch, rows, out);
    case 5:
      return fold_short_rows<A, Join, 5>(in, pitch, rows, out);
    case 6:
      return fold_short_rows<A, Join, 6>(in, pitch, rows, out);
    case 7:
      return fold_short_rows<A, Join, 7>(in, pitch, rows, out);
    default:
      return fold_short_rows<A, Join, 8>(in, pitch, rows, out);
  }
}

// Where the reduced elements of the next `rows` outputs lie, contiguous each: where they are, or
// converted in `packed`. Moves the cursor on.
template <class A>
TALLOW_NOINLINE void find_rows(const Reduction& r, const Reader<A>& reader, Cursor& kept,
                               int64_t rows, A* packed, const A** row) {
  const int64_t n = r.reduce_numel;
  const char* const base = static_cast<const char*>(r.in);
  const int64_t pitch = kept.run_stride();
  const bool regular = is_adjacent(r) && kept.run() >= rows;
  const bool in_place = regular && reader.in_place;
  if (in_place || (regular && pitch == n)) {
    if (!in_place) reader.read(base, kept.offset(), 1, rows * n, packed);
    const A* const first = in_place ? reinterpret_cast<const A*>(base) + kept.offset() : packed;
    for (int64_t i = 0; i < rows; ++i) row[i] = first + i * pitch;
    kept.advance(rows);
    return;
  }
  for (int64_t i = 0; i < rows; ++i) {
    row[i] = packed + i * n;
    Cursor reduced(r.reduce_ndim, r.reduce_size, r.reduce_stride, 0);
    gather_run(reader, base + kept.offset() * reader.item_size, reduced, n, packed + i * n);
    kept.advance(1);
  }
}

// Folds n <= kLeaf elements from each of `rows` <= lanes places, once per map: lane i of out[m] is
// that of row[i].
template <class A, class Join, class... Maps>
TALLOW_NOINLINE void fold_leaves(const A* const* row, int rows, int64_t n, const A* center,
                                 Vec<A> (&out)[sizeof...(Maps)]) {
  using Source = Mapped<A, kLine, Maps...>;
  Vec<A> folded[Source::kMaps][kLanes<A>] = {};
  for (int i = 0; i < rows; ++i) {
    const Source source{row[i], broadcast(center ? center[i] : A(0))};
    Wide<A> lanes[Source::kMaps];
    fold_leaf_lanes<A, Source::kMaps>(source, n, Join{}, lanes);
    for (int m = 0; m < Source::kMaps; ++m) folded[m][i] = fold_parts(lanes[m], Join{});
  }
  for (int m = 0; m < Source::kMaps; ++m) out[m] = fold_vectors<A>(folded[m], Join{});
}

// Are there many outputs of one leaf each, which fold_leaf_rows takes together?
TALLOW_INLINE bool has_short_rows(const Reduction& r) {
  return r.reduce_numel > 0 && r.reduce_numel <= kLeaf && r.out_numel > 1 && !prefers_columns(r);
}

// targets[m][o] = fold of map m over the n <= kLeaf elements of kept index o.
template <class A, class Join, class... Maps>
void fold_leaf_rows(const Reduction& r, const Reader<A>& reader, const A* center,
                    A* const* targets) {
  const int64_t n = r.reduce_numel;
  parallel_for(r.out_numel, items_per_task(n), [&](int64_t begin, int64_t end) {
    alignas(kVectorBytes) A packed[kLanes<A> * kLeaf];
    Cursor kept(r.out_ndim, r.out_size, r.in_stride, begin);
    for (int64_t o = begin; o < end; o += kLanes<A>) {
      const int rows = static_cast<int>(end - o < kLanes<A> ? end - o : kLanes<A>);
      const A* row[kLanes<A>];
      find_rows(r, reader, kept, rows, packed, row);
      Vec<A> folded[sizeof...(Maps)];
      fold_leaves<A, Join, Maps...>(row, rows, n, center ? center + o : nullptr, folded);
      for (std::size_t m = 0; m < sizeof...(Maps); ++m) {
        if (rows == kLanes<A>) {
          store(targets[m] + o, folded[m]);
        } else {
          store_partial(targets[m] + o, folded[m], rows);
        }
      }
    }
  });
}

// targets[m][o * segments + s] = fold of map m over segment s of the elements of kept index o.
template <class A, class Join, class... Maps>
void fold_segments(const Reduction& r, const Reader<A>& reader, const A* center, int64_t segments,
                   A* const* targets) {
  const int64_t n = r.reduce_numel;
  const char* const base = static_cast<const char*>(r.in);
  const bool in_place = reader.in_place && is_adjacent(r);
  const bool in_halves = reader.push_sum && is_adjacent(r);
  parallel_for(r.out_numel * segments, items_per_task(n < kSegment ? n : kSegment),
               [&](int64_t begin, int64_t end) {
                 int64_t o = begin / segments;
                 int64_t segment = begin % segments;
                 Cursor kept(r.out_ndim, r.out_size, r.in_stride, o);
                 for (int64_t item = begin; item < end; ++item) {
                   const int64_t first = segment * kSegment;
                   const int64_t count = n - first < kSegment ? n - first : kSegment;
                   const char* const in = base + kept.offset() * reader.item_size;
                   const A middle = center ? center[o] : A(0);
                   A folded[sizeof...(Maps)];
                   if (in_place) {
                     fold_contiguous<A, Join, Maps...>(reinterpret_cast<const A*>(in) + first,
                                                       count, middle, folded);
                   } else if (!fold_halves_in_place<Join, Maps...>(
                                  in_halves ? reader.push_sum : nullptr,
                                  in + first * reader.item_size, count, folded)) {
                     fold_scattered<A, Join, Maps...>(r, reader, in, first, count, middle, folded);
                   }
                   for (std::size_t m = 0; m < sizeof...(Maps); ++m) targets[m][item] = folded[m];
                   if (++segment == segments) {
                     segment = 0;
                     ++o;
                     kept.advance(1);
                   }
                 }
               });
}

// The same for a transposed reduction: some segments at a time are turned around first.
template <class A, class Join, class... Maps>
Status fold_transposed(const Reduction& r, const Reader<A>& reader, const A* center,
                       int64_t segments, A* const* targets) {
  constexpr int64_t kTogether = 4;
  const int64_t n = r.reduce_numel;
  const int64_t groups = (segments + kTogether - 1) / kTogether;
  const int64_t room = n < kTogether * kSegment ? n : kTogether * kSegment;
  const char* const base = static_cast<const char*>(r.in);
  int failed = 0;
  parallel_for(r.out_numel * groups, items_per_task(room), [&](int64_t begin, int64_t end) {
    const Scratch<A> packed(room);
    const Scratch<char> staging(reader.in_place ? 0 : room * reader.item_size);
    if (!packed || (!staging && !reader.in_place)) {
      __atomic_store_n(&failed, 1, __ATOMIC_RELAXED);
      return;
    }
    for (int64_t item = begin; item < end; ++item) {
      const int64_t o = item / groups;
      const int64_t first = item % groups * kTogether * kSegment;
      const int64_t count = n - first < room ? n - first : room;
      const Cursor kept(r.out_ndim, r.out_size, r.in_stride, o);
      gather_transposed(r, reader, base + kept.offset() * reader.item_size, first, count,
                        staging.get(), packed.get());
      for (int64_t done = 0; done < count; done += kSegment) {
        A folded[sizeof...(Maps)];
        fold_contiguous<A, Join, Maps...>(packed.get() + done,
                                          count - done < kSegment ? count - done : kSegment,
                                          center ? center[o] : A(0), folded);
        const int64_t at = o * segments + (first + done) / kSegment;
        for (std::size_t m = 0; m < sizeof...(Maps); ++m) targets[m][at] = folded[m];
      }
    }
  });
  return failed ? out_of_memory(room * static_cast<int64_t>(sizeof(A))) : Status::kOk;
}

// results[m][o] = fold of map m over the reduced elements of kept index o (in row-major order).
template <class A, class Join, class... Maps>
Status fold_rows(const Reduction& r, const Reader<A>& reader, const A* center, A* const* results) {
  constexpr int kMaps = sizeof...(Maps);
  const int64_t n = r.reduce_numel;
  const int64_t segments = (n + kSegment - 1) / kSegment;
  if constexpr (kMaps == 1 && (std::is_same_v<Maps, Identity> && ...)) {
    if (n <= 8 && reader.in_place && is_adjacent(r) && r.out_ndim == 1) {
      parallel_for(r.out_numel, items_per_task(n), [&](int64_t begin, int64_t end) {
        fold_short_rows<A, Join>(n, static_cast<const A*>(r.in) + begin * r.in_stride[0],
                                 r.in_stride[0], end - begin, results[0] + begin);
      });
      return Status::kOk;
    }
  }
  if (has_short_rows(r)) {
    fold_leaf_rows<A, Join, Maps...>(r, reader, center, results);
    return Status::kOk;
  }
  const int64_t items = r.out_numel * segments;
  Scratch<A> partial(segments == 1 ? 0 : items * kMaps);
  if (segments > 1 && !partial) return partial.failure();
  A* targets[kMaps];
  for (int m = 0; m < kMaps; ++m)
    targets[m] = segments == 1 ? results[m] : partial.get() + m * items;
  if (is_transposed(r) && n > 4 * kLeaf) {
    const Status status = fold_transposed<A, Join, Maps...>(r, reader, center, segments, targets);
    if (status != Status::kOk) return status;
  } else {
    fold_segments<A, Join, Maps...>(r, reader, center, segments, targets);
  }
  for (int m = 0; segments > 1 && m < kMaps; ++m) {
    for (int64_t o = 0; o < r.out_numel; ++o) {
      results[m][o] =
          fold_partials<A, Join>(segments, [&](int64_t s) { return targets[m][o * segments + s]; });
    }
  }
  return Status::kOk;
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
