// Walks a Reduction: turns any layout into contiguous leaves for the tree of reduce_tree.h, along
// rows (reduced elements adjacent) or down columns (kept elements adjacent), in parallel.
#pragma once

#include <type_traits>

#include "core/parallel.h"
#include "core/scratch.h"
#include "core/strided.h"
#include "core/types.h"
#include "cpu/reduce_tree.h"
#include "cpu/tile_moves.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

// A position in a group of dimensions, advanced in row-major order; keeps the element offset.
class Cursor {
 public:
  TALLOW_INLINE Cursor(int ndim, const int64_t* size, const int64_t* stride, int64_t position)
      : ndim_(ndim), size_(size), stride_(stride) {
    for (int d = ndim - 1; d >= 0; --d) {
      index_[d] = d == 0 ? position : position % size[d];
      position = d == 0 ? 0 : position / size[d];
      offset_ += index_[d] * stride[d];
    }
  }
  TALLOW_INLINE int64_t offset() const { return offset_; }
  // Elements left in the innermost dimension, this one included.
  TALLOW_INLINE int64_t run() const {
    return ndim_ == 0 ? 1 : size_[ndim_ - 1] - index_[ndim_ - 1];
  }
  TALLOW_INLINE int64_t run_stride() const { return ndim_ == 0 ? 1 : stride_[ndim_ - 1]; }
  // Moves on by count <= run() elements.
  TALLOW_INLINE void advance(int64_t count) {
    int d = ndim_ - 1;
    if (d < 0) return;
    index_[d] += count;
    offset_ += count * stride_[d];
    while (d > 0 && index_[d] == size_[d]) {
      offset_ += stride_[d - 1] - size_[d] * stride_[d];
      index_[d] = 0;
      ++index_[--d];
    }
  }

 private:
  int ndim_;
  const int64_t* size_;
  const int64_t* stride_;
  int64_t offset_ = 0;
  int64_t index_[kMaxDims];
};

// Is it better to walk down columns? Yes where neighbouring outputs are closer in memory than
// neighbouring reduced elements, and there are enough of them to fill a register.
TALLOW_INLINE bool prefers_columns(const Reduction& r) {
  if (r.out_ndim == 0 || r.reduce_ndim == 0) return false;
  return r.out_size[r.out_ndim - 1] >= 4 &&
         r.in_stride[r.out_ndim - 1] < r.reduce_stride[r.reduce_ndim - 1];
}

// What an element, already of type A, is turned into before it is combined. `center` belongs to the
// output: the mean, for variances.
struct Identity {
  template <class V>
  TALLOW_INLINE V operator()(V x, V) const {
    return x;
  }
};
struct Square {
  template <class V>
  TALLOW_INLINE V operator()(V x, V) const {
    return x * x;
  }
};
struct Deviation {
  template <class V>
  TALLOW_INLINE V operator()(V x, V center) const {
    return x - center;
  }
};
struct SquaredDeviation {
  template <class V>
  TALLOW_INLINE V operator()(V x, V center) const {
    return (x - center) * (x - center);
  }
};

template <class A, class... Maps>
struct Mapped {
  static constexpr int kMaps = sizeof...(Maps);
  const A* data = nullptr;
  Vec<A> center = {};
  TALLOW_INLINE void full(int64_t i, Wide<A> (&w)[kMaps]) const {
#pragma GCC unroll 8
    for (int p = 0; p < Wide<A>::kParts; ++p) {
      const Vec<A> x = load(data + i + p * kLanes<A>);
      int map = 0;
      ((w[map++].part[p] = Maps{}(x, center)), ...);
    }
  }
  TALLOW_INLINE void partial(int64_t i, int64_t count, Wide<A> (&w)[kMaps]) const {
    const Wide<A> x = load_lanes_partial(data + i, count);
#pragma GCC unroll 8
    for (int p = 0; p < Wide<A>::kParts; ++p) {
      int map = 0;
      ((w[map++].part[p] = Maps{}(x.part[p], center)), ...);
    }
  }
};

// How stored elements become numbers of type A. A function pointer, so that the folds are compiled
// per type they compute in and not per stored type.
template <class A>
struct Reader {
  int64_t item_size;
  bool in_place;  // the elements are of type A and wanted as they are
  // Converts `count` elements, `stride` apart.
  void (*run)(const char* in, int64_t stride, int64_t count, double p, A* out);
  double p;

  TALLOW_INLINE void read(const char* in, int64_t offset, int64_t stride, int64_t count,
                          A* out) const {
    run(in + offset * item_size, stride, count, p, out);
  }
};

template <class A>
struct AsValue {
  template <class T>
  TALLOW_INLINE A operator()(T x, double) const {
    return static_cast<A>(x);
  }
};
template <class A>
struct AsNonZero {
  template <class T>
  TALLOW_INLINE A operator()(T x, double) const {
    return static_cast<A>(x != T(0));
  }
};

// The compiler does not vectorise this conversion.
template <class T>
TALLOW_INLINE void widen_run(const T* from, int64_t count, float* out) {
  constexpr int kW = kLanes<float>;
  int64_t i = 0;
  for (; i + kW <= count; i += kW) store(out + i, load_float(from + i));
  if (i < count) {
    const int left = static_cast<int>(count - i);
    store_partial(out + i, load_float_partial(from + i, left), left);
  }
}

template <class T, class A, class Convert>
void convert_run(const char* in, int64_t stride, int64_t count, double p, A* out) {
  const T* const from = reinterpret_cast<const T*>(in);
  const Convert convert;
  if constexpr (std::is_same_v<A, float> && std::is_same_v<T, Half>) {
    if (stride == 1) {
      widen_run(from, count, out);
      if constexpr (std::is_same_v<Convert, AsValue<A>>) return;
      for (int64_t i = 0; i < count; ++i) out[i] = convert(out[i], p);
      return;
    }
  }
  if (stride == 1) {
    for (int64_t i = 0; i < count; ++i) out[i] = convert(static_cast<Compute<T>>(from[i]), p);
  } else {
    for (int64_t i = 0; i < count; ++i) {
      out[i] = convert(static_cast<Compute<T>>(from[i * stride]), p);
    }
  }
}

template <class T, class A, class Convert = AsValue<A>>
Reader<A> reader(double p = 0) {
  constexpr bool kSameBits =
      std::is_same_v<T, A> || (std::is_same_v<T, int64_t> && std::is_same_v<A, uint64_t>);
  return {sizeof(T), kSameBits && std::is_same_v<Convert, AsValue<A>>, convert_run<T, A, Convert>,
          p};
}

// Converts the next `count` elements at the cursor, which moves on.
template <class A>
void gather_run(const Reader<A>& reader, const char* in, Cursor& cursor, int64_t count, A* out) {
  while (count > 0) {
    const int64_t run = cursor.run() < count ? cursor.run() : count;
    reader.read(in, cursor.offset(), cursor.run_stride(), run, out);
    cursor.advance(run);
    out += run;
    count -= run;
  }
}

// Is the second but last reduced dimension contiguous, the last not? Then whole lines of memory are
// worth turning around in blocks.
TALLOW_INLINE bool is_transposed(const Reduction& r) {
  const int last = r.reduce_ndim - 1;
  return last > 0 && r.reduce_stride[last] != 1 && r.reduce_stride[last - 1] == 1;
}

// The reduced elements [begin, begin + count) of a transposed reduction; `staging` has room for
// `count` elements as they are stored.
template <class A>
void gather_transposed(const Reduction& r, const Reader<A>& reader, const char* in, int64_t begin,
                       int64_t count, char* staging, A* out) {
  const int last = r.reduce_ndim - 1;
  const int64_t cols = r.reduce_size[last], rows_in_all = r.reduce_size[last - 1];
  Cursor cursor(r.reduce_ndim, r.reduce_size, r.reduce_stride, begin);
  while (count > 0) {
    const int64_t row = begin / cols % rows_in_all;
    const int64_t left = rows_in_all - row;
    int64_t rows = begin % cols == 0 ? count / cols : 0;
    if (rows > left) rows = left;
    int64_t done = cols - begin % cols < count ? cols - begin % cols : count;
    if (rows < 2) {
      gather_run(reader, in, cursor, done, out);
    } else {
      done = rows * cols;
      const TileAt at{rows, cols, reader.item_size, r.reduce_stride[last] * reader.item_size};
      char* const to = reader.in_place ? reinterpret_cast<char*>(out) : staging;
      gather(to, in + cursor.offset() * reader.item_size, static_cast<int>(reader.item_size), at);
      if (!reader.in_place) reader.read(staging, 0, 1, done, out);
      for (int64_t i = 0; i < rows; ++i) cursor.advance(cols);
    }
    begin += done;
    out += done;
    count -= done;
  }
}

// How many outputs (or segments of them) of n elements each make one parallel task.
TALLOW_INLINE int64_t items_per_task(int64_t n) {
  constexpr int64_t kTaskElements = 64 * 1024;
  return n >= kTaskElements ? 1 : kTaskElements / (n > 0 ? n : 1);
}

// Do the reduced elements of an output lie side by side?
TALLOW_INLINE bool is_adjacent(const Reduction& r) {
  return r.reduce_ndim == 0 || (r.reduce_ndim == 1 && r.reduce_stride[0] == 1);
}

// Folds n contiguous elements, once per map.
template <class A, class Join, class... Maps>
TALLOW_NOINLINE void fold_contiguous(const A* data, int64_t n, A center,
                                     A (&out)[sizeof...(Maps)]) {
  using Source = Mapped<A, Maps...>;
  const Vec<A> centers = broadcast(center);
  fold_row<A, Source::kMaps>(
      n, Join{}, [&](int64_t k) { return Source{data + k * kLeaf, centers}; }, out);
}

// Folds the reduced elements [begin, begin + n) of one output, once per map.
template <class A, class Join, class... Maps>
void fold_part_of_row(const Reduction& r, const Reader<A>& reader, const char* in, int64_t begin,
                      int64_t n, A center, A (&out)[sizeof...(Maps)]) {
  using Source = Mapped<A, Maps...>;
  if (reader.in_place && is_adjacent(r)) {
    fold_contiguous<A, Join, Maps...>(reinterpret_cast<const A*>(in) + begin, n, center, out);
    return;
  }
  const Vec<A> centers = broadcast(center);
  // Leaves that lie in one contiguous run are read in place, the others gathered.
  alignas(kVectorBytes) A buffer[kAbreast<A>][kLeaf];
  Cursor cursor(r.reduce_ndim, r.reduce_size, r.reduce_stride, begin);
  const auto leaf = [&](int64_t k) -> Source {
    const int64_t left = n - k * kLeaf;
    const int64_t count = left < kLeaf ? left : kLeaf;
    if (reader.in_place && cursor.run_stride() == 1 && cursor.run() >= count) {
      const A* const data = reinterpret_cast<const A*>(in) + cursor.offset();
      cursor.advance(count);
      return {data, centers};
    }
    A* const packed = buffer[k % kAbreast<A>];
    gather_run(reader, in, cursor, count, packed);
    return {packed, centers};
  };
  fold_row<A, Source::kMaps>(n, Join{}, leaf, out);
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
  const bool regular = is_adjacent(r) && kept.run() >= rows;
  const int64_t pitch = kept.run_stride();
  const A* first = packed;
  if (regular && reader.in_place) {
    first = reinterpret_cast<const A*>(base) + kept.offset();
  } else if (regular && pitch == n) {
    reader.read(base, kept.offset(), 1, rows * n, packed);
  } else {
    for (int64_t i = 0; i < rows; ++i) {
      Cursor reduced(r.reduce_ndim, r.reduce_size, r.reduce_stride, 0);
      gather_run(reader, base + kept.offset() * reader.item_size, reduced, n, packed + i * n);
      kept.advance(1);
    }
  }
  for (int64_t i = 0; i < rows; ++i) row[i] = first + i * (first == packed ? n : pitch);
  if (regular) kept.advance(rows);
}

// Folds n <= kLeaf elements from each of `rows` <= lanes places, once per map: lane i of out[m] is
// that of row[i].
template <class A, class Join, class... Maps>
TALLOW_NOINLINE void fold_leaves(const A* const* row, int rows, int64_t n, const A* center,
                                 Vec<A> (&out)[sizeof...(Maps)]) {
  using Source = Mapped<A, Maps...>;
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
  parallel_for(r.out_numel * segments, items_per_task(n < kSegment ? n : kSegment),
               [&](int64_t begin, int64_t end) {
                 int64_t o = begin / segments;
                 int64_t segment = begin % segments;
                 Cursor kept(r.out_ndim, r.out_size, r.in_stride, o);
                 for (int64_t item = begin; item < end; ++item) {
                   const int64_t first = segment * kSegment;
                   A folded[sizeof...(Maps)];
                   fold_part_of_row<A, Join, Maps...>(
                       r, reader, base + kept.offset() * reader.item_size, first,
                       n - first < kSegment ? n - first : kSegment, center ? center[o] : A(0),
                       folded);
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

// ---- Columns: every column is folded in the same tree, a block of columns at a time.

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

// Folds every output; reduce_numel and out_numel are positive. `center` may be null.
template <class A, class Join, class... Maps>
Status fold_all(const Reduction& r, const Reader<A>& reader, const A* center, A* const* results) {
  return prefers_columns(r) ? fold_columns<A, Join, Maps...>(r, reader, center, results)
                            : fold_rows<A, Join, Maps...>(r, reader, center, results);
}

// Calls store(position in r.out, kept index) for every output.
template <class StoreAt>
TALLOW_INLINE void for_each_output(const Reduction& r, const StoreAt& store_at) {
  Cursor out(r.out_ndim, r.out_size, r.out_stride, 0);
  for (int64_t o = 0; o < r.out_numel; ++o, out.advance(1)) store_at(out.offset(), o);
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
