// Reads the elements of a Reduction in order, whatever its layout: cursors over dimensions, what
// elements are turned into before they are combined, and conversion into staging memory.
#pragma once

#include <type_traits>

#include "core/strided.h"
#include "core/types.h"
#include "cpu/reduce_leaf_columns.h"
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

// Bytes by which rows are fetched ahead, across the end of one into the next: the leaves folded
// side by side are as long together.
inline constexpr int kFetchAhead = 4096;

// Asks for the memory so far ahead of `at`, which lies `offset` bytes into what is read, once in
// `every` bytes.
template <class T>
TALLOW_INLINE void fetch_ahead(const T* at, int64_t offset, int every) {
  if (offset % every != 0) return;
  __builtin_prefetch(reinterpret_cast<const void*>(reinterpret_cast<uintptr_t>(at) + kFetchAhead));
}

// Contiguous elements; kEvery is for fetch_ahead.
template <class A, int kEvery, class... Maps>
struct Mapped {
  static constexpr int kMaps = sizeof...(Maps);
  const A* data = nullptr;
  Vec<A> center = {};
  TALLOW_INLINE void full(int64_t i, Wide<A> (&w)[kMaps]) const {
#pragma GCC unroll 8
    for (int p = 0; p < Wide<A>::kParts; ++p) {
      const A* const from = data + i + p * kLanes<A>;
      fetch_ahead(from, (i + p * kLanes<A>)*static_cast<int64_t>(sizeof(A)), kEvery);
      const Vec<A> x = load(from);
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
  // Pushes the leaves of n adjacent elements of a half type, which sums read as they lie; else
  // null.
  void (*push_sum)(const char* in, int64_t n, PairwiseTree<A, 1, Add>& tree) = nullptr;
  // Sums a leaf of a block of adjacent columns of such a type, see fold_leaf_block.
  void (*fold_sums)(const char* in, const int64_t* row, int64_t n, A* out) = nullptr;

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
  if constexpr (std::is_same_v<A, T> && std::is_same_v<Convert, AsValue<A>>) {
    constexpr int64_t kItem = sizeof(A);
    return gather(reinterpret_cast<char*>(out), in, kItem, {1, count, 0, stride * kItem});
  }
  if constexpr (std::is_same_v<A, float> && is_half_type<T>) {
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

// The source of half-precision numbers as floats.
template <class T>
struct Widened {
  const T* data = nullptr;
  TALLOW_INLINE void full(int64_t i, Wide<float> (&w)[1]) const {
#pragma GCC unroll 8
    for (int p = 0; p < Wide<float>::kParts; ++p) {
      w[0].part[p] = load_float(data + i + p * kLanes<float>);
    }
  }
  TALLOW_INLINE void partial(int64_t i, int64_t count, Wide<float> (&w)[1]) const {
    T rest[kWideLanes] = {};
    std::memcpy(static_cast<void*>(rest), data + i, static_cast<std::size_t>(count) * sizeof(T));
    Widened{rest}.full(0, w);
  }
};

template <class T>
TALLOW_NOINLINE void push_widened(const char* in, int64_t n, PairwiseTree<float, 1, Add>& tree) {
  const T* const data = reinterpret_cast<const T*>(in);
  push_leaves(n, Add{}, [&](int64_t k) { return Widened<T>{data + k * kLeaf}; }, tree);
}

template <class T, class A, class Convert = AsValue<A>>
Reader<A> reader(double p = 0) {
  constexpr bool kSameBits =
      std::is_same_v<T, A> || (std::is_same_v<T, int64_t> && std::is_same_v<A, uint64_t>);
  constexpr bool kAsStored = std::is_same_v<Convert, AsValue<A>>;
  return {sizeof(T), kSameBits && kAsStored, convert_run<T, A, Convert>, p};
}

// The reader for folds that are plain sums.
template <class T, class A>
Reader<A> sum_reader() {
  Reader<A> result = reader<T, A>();
  if constexpr (is_half_type<T>) {
    result.push_sum = push_widened<T>;
    result.fold_sums = fold_half_sums<T>;
  }
  return result;
}

// The offsets of the next n elements at the cursor, which moves on.
TALLOW_NOINLINE void find_offsets(Cursor& cursor, int64_t n, int64_t* offset) {
  for (int64_t done = 0; done < n;) {
    const int64_t run = cursor.run() < n - done ? cursor.run() : n - done;
    const int64_t first = cursor.offset(), stride = cursor.run_stride();
    for (int64_t i = 0; i < run; ++i) offset[done + i] = first + i * stride;
    cursor.advance(run);
    done += run;
  }
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

// Is it better to walk down columns? Yes where neighbouring outputs are closer in memory than
// neighbouring reduced elements, and there are enough of them to fill a register.
TALLOW_INLINE bool prefers_columns(const Reduction& r) {
  if (r.out_ndim == 0 || r.reduce_ndim == 0) return false;
  return r.out_size[r.out_ndim - 1] >= 4 &&
         r.in_stride[r.out_ndim - 1] < r.reduce_stride[r.reduce_ndim - 1];
}

// How many outputs (or segments of them) of n elements each make one parallel task.
TALLOW_INLINE int64_t items_per_task(int64_t n) {
  constexpr int64_t kTaskElements = 64 * 1024;
  return n >= kTaskElements ? 1 : kTaskElements / (n > 0 ? n : 1);
}

}  // namespace
}  // namespace tallow::cpu::TALLOW_ISA
