// Smallest and largest elements together with their positions: the first of equals, and the first
// NaN before everything else.
#include "backend/reduce.h"
#include "cpu/reduce_walk.h"

namespace tallow::cpu::TALLOW_ISA {
namespace {

template <class A>
struct Found {
  A value;
  int64_t index;
};

// Does `x` displace the earlier `best`? On vectors and on numbers.
struct Larger {
  using Join = LargerOrFirst;
  template <class V>
  TALLOW_INLINE auto operator()(V x, V best) const {
    return (x > best) | ((x != x) & (best == best));
  }
};
struct Smaller {
  using Join = SmallerOrFirst;
  template <class V>
  TALLOW_INLINE auto operator()(V x, V best) const {
    return (x < best) | ((x != x) & (best == best));
  }
};

inline constexpr int64_t kBlock = 4 * kLeaf;
inline constexpr int64_t kShortRow = 64;

// Notes whether any of the vectors it has seen holds a NaN.
template <class A>
class NanWatch {
 public:
  // One comparison of two vectors tells whether either holds one.
  TALLOW_INLINE void see(Vec<A> a, Vec<A> b) {
#if TALLOW_ISA_LEVEL == 2
    if constexpr (std::is_same_v<A, float>) {
      bits_ |= _mm512_cmp_ps_mask(bits_as<__m512>(a), bits_as<__m512>(b), _CMP_UNORD_Q);
      return;
    }
#endif
    lanes_ |= (a != a) | (b != b);
  }
  TALLOW_INLINE bool seen() const { return bits_ != 0 || any(lanes_); }

 private:
  unsigned bits_ = 0;
  Mask<A> lanes_ = {};
};

// The extremum of n <= kBlock contiguous elements.
template <class A, class Beats>
TALLOW_INLINE A block_extremum(const A* data, int64_t n) {
  constexpr int W = kLanes<A>;
  constexpr A kIdentity = Beats::Join::template identity<A>;
  const typename Beats::Join join;
  // Four vectors of sixteen lanes each, whatever the register width: among zeros of both signs the
  // same one is found on every level.
  constexpr int kParts = 4 * kWideLanes / W;
  Vec<A> best[kParts];
  for (int p = 0; p < kParts; ++p) best[p] = broadcast(kIdentity);
  NanWatch<A> nans;
  int64_t i = 0;
  for (; i + kParts * W <= n; i += kParts * W) {
#pragma GCC unroll 32
    for (int p = 0; p < kParts; p += 2) {
      const Vec<A> a = load(data + i + p * W), b = load(data + i + (p + 1) * W);
      best[p] = join(best[p], a);
      best[p + 1] = join(best[p + 1], b);
      nans.see(a, b);
    }
  }
  for (int p = 0; i < n; ++p, i += W) {
    const int count = static_cast<int>(n - i < W ? n - i : W);
    const Vec<A> x = count == W ? load(data + i) : load_partial(data + i, count);
    Mask<A> lane;
    for (int l = 0; l < W; ++l) lane[l] = static_cast<typename SignedOf<sizeof(A)>::type>(l);
    const Vec<A> filled =
        lane < static_cast<typename SignedOf<sizeof(A)>::type>(count) ? x : broadcast(kIdentity);
    best[p] = join(best[p], filled);
    nans.see(filled, filled);
  }
  if (nans.seen()) return std::numeric_limits<A>::quiet_NaN();
  for (int half = kParts / 2; half > 0; half /= 2) {
    for (int p = 0; p < half; ++p) best[p] = join(best[p], best[p + half]);
  }
  return fold_vector<A, W>(best[0], join);
}

template <class A>
TALLOW_INLINE int64_t first_equal(const A* data, int64_t n, A value) {
  const auto is_value = [&](A x) { return x == value || (x != x && value != value); };
  int64_t i = 0;
  const Vec<A> wanted = broadcast(value);
  for (; i + kLanes<A> <= n; i += kLanes<A>) {
    const Vec<A> x = load(data + i);
    if (any((x == wanted) | ((x != x) & (wanted != wanted)))) break;
  }
  while (i < n && !is_value(data[i])) ++i;
  return i;
}

// The position of the extremum is looked for only in blocks that hold a new one: rare after the
// first few.
// Without `positions` only values are wanted and all indices are 0.
template <class A, class Beats>
Found<A> search_row(const Reduction& r, const Reader<A>& reader, const char* in, int64_t begin,
                    int64_t n, bool positions) {
  alignas(kVectorBytes) A packed[kBlock];
  Cursor cursor(r.reduce_ndim, r.reduce_size, r.reduce_stride, begin);
  Found<A> best{A(0), -1};
  for (int64_t done = 0; done < n; done += kBlock) {
    const int64_t count = n - done < kBlock ? n - done : kBlock;
    const A* data = packed;
    if (reader.in_place && is_adjacent(r)) {
      data = reinterpret_cast<const A*>(in) + begin + done;
    } else {
      gather_run(reader, in, cursor, count, packed);
    }
    const A extremum = block_extremum<A, Beats>(data, count);
    if (best.index >= 0 && !Beats{}(extremum, best.value)) continue;
    best = {extremum, 0};
    if (positions) {
      const int64_t position = first_equal(data, count, extremum);
      best = {data[position], begin + done + position};
    }
    if (extremum != extremum) break;
  }
  return best;
}

// The same for a block of `Vecs` vectors of columns, rows [begin, begin + n); `last` columns are in
// the last vector.
template <class A, class Beats, int Vecs>
TALLOW_INLINE void search_columns(const Reduction& r, const Reader<A>& reader, const char* in,
                                  int64_t column_stride, int last, int64_t begin, int64_t n,
                                  Found<A>* found) {
  using Int = typename SignedOf<sizeof(A)>::type;
  constexpr int W = kLanes<A>;
  const bool direct = reader.in_place && column_stride == 1;
  alignas(kVectorBytes) A packed[Vecs * W] = {};
  const auto fetch = [&](int64_t offset, Vec<A>(&x)[Vecs]) {
    const A* row = packed;
    if (direct) {
      row = reinterpret_cast<const A*>(in) + offset;
    } else {
      reader.read(in, offset, column_stride, (Vecs - 1) * W + last, packed);
    }
#pragma GCC unroll 8
    for (int v = 0; v < Vecs; ++v) {
      const bool whole = v + 1 < Vecs || last == W || !direct;
      x[v] = whole ? load(row + v * W) : load_partial(row + v * W, last);
    }
  };
  Cursor cursor(r.reduce_ndim, r.reduce_size, r.reduce_stride, begin);
  Vec<A> best[Vecs];
  Mask<A> where[Vecs] = {};
  fetch(cursor.offset(), best);
  for (int64_t i = 1; i < n; ++i) {
    cursor.advance(1);
    Vec<A> x[Vecs];
    fetch(cursor.offset(), x);
#pragma GCC unroll 8
    for (int v = 0; v < Vecs; ++v) {
      const Mask<A> take = Beats{}(x[v], best[v]);
      best[v] = take ? x[v] : best[v];
      where[v] = take ? Mask<A>{} + static_cast<Int>(i) : where[v];
    }
  }
  for (int c = 0; c < (Vecs - 1) * W + last; ++c) {
    found[c] = {best[c / W][c % W], begin + where[c / W][c % W]};
  }
}

template <class A, class Beats>
void search_column_block(const Reduction& r, const Reader<A>& reader, const char* in,
                         int64_t column_stride, int64_t columns, int64_t begin, int64_t n,
                         Found<A>* found) {
  constexpr int W = kLanes<A>;
  constexpr int kVecs = 4;
  int64_t c = 0;
  const auto at = [&] { return in + c * column_stride * reader.item_size; };
  for (; c + kVecs * W <= columns; c += kVecs * W) {
    search_columns<A, Beats, kVecs>(r, reader, at(), column_stride, W, begin, n, found + c);
  }
  for (; c < columns; c += W) {
    const int last = static_cast<int>(columns - c < W ? columns - c : W);
    search_columns<A, Beats, 1>(r, reader, at(), column_stride, last, begin, n, found + c);
  }
}

// Fills found[segment * out_numel + kept index] for every segment of the reduced elements.
template <class A, class Beats>
void search_segments(const Reduction& r, const Reader<A>& reader, int64_t segments, bool positions,
                     Found<A>* found) {
  const int64_t n = r.reduce_numel;
  const char* const base = static_cast<const char*>(r.in);
  // Positions in short rows are found in many rows at once, as if they were columns.
  const bool short_rows =
      positions && n <= kShortRow && r.out_ndim > 0 && r.out_size[r.out_ndim - 1] >= 4 * kLanes<A>;
  const bool columns = prefers_columns(r) || short_rows;
  const int64_t width = columns ? r.out_size[r.out_ndim - 1] : 1;
  const int64_t stride = columns ? r.in_stride[r.out_ndim - 1] : 0;
  const int64_t block = columns ? 4 * kLanes<A> : 1;
  const int64_t blocks = (width + block - 1) / block;
  const int64_t per_group = segments * blocks;
  const int64_t work = (n < kSegment ? n : kSegment) * (width < block ? width : block);
  parallel_for(r.out_numel / width * per_group, items_per_task(work),
               [&](int64_t first_item, int64_t end_item) {
                 int64_t group = first_item / per_group;
                 Cursor kept(r.out_ndim - (columns ? 1 : 0), r.out_size, r.in_stride, group);
                 for (int64_t item = first_item; item < end_item; ++item) {
                   const int64_t segment = item % per_group / blocks;
                   const int64_t column = item % blocks * block;
                   const int64_t begin = segment * kSegment;
                   const int64_t count = n - begin < kSegment ? n - begin : kSegment;
                   const char* const in =
                       base + (kept.offset() + column * stride) * reader.item_size;
                   Found<A>* const to = found + segment * r.out_numel + group * width + column;
                   if (columns) {
                     search_column_block<A, Beats>(r, reader, in, stride,
                                                   width - column < block ? width - column : block,
                                                   begin, count, to);
                   } else {
                     *to = search_row<A, Beats>(r, reader, in, begin, count, positions);
                   }
                   if ((item + 1) % per_group == 0) {
                     ++group;
                     kept.advance(1);
                   }
                 }
               });
}

// The extremum of n > 0 contiguous integers. What two vectors share counts once.
template <class T, class Join>
T integer_extremum(const T* data, int64_t n) {
  constexpr int W = kLanes<T>;
  const Join join;
  if (n < W) {
    T result = data[0];
    for (int64_t i = 1; i < n; ++i) result = join(result, data[i]);
    return result;
  }
  Vec<T> best[2] = {load(data), load(data + n - W)};
  for (int64_t i = W; i + 2 * W <= n; i += 2 * W) {
    best[0] = join(best[0], load(data + i));
    best[1] = join(best[1], load(data + i + W));
  }
  if ((n - W) % (2 * W) >= W) best[0] = join(best[0], load(data + n / W * W - W));
  return fold_vector<T, W>(join(best[0], best[1]), join);
}

// Values alone along rows of adjacent integers: in their own type, not widened to int64.
template <class T, class Join>
Status integer_rows(const Reduction& r) {
  const int64_t n = r.reduce_numel;
  const int64_t segments = (n + kSegment - 1) / kSegment;
  Scratch<T> partial(r.out_numel * segments);
  if (!partial) return partial.failure();
  parallel_for(r.out_numel * segments, items_per_task(n < kSegment ? n : kSegment),
               [&](int64_t begin, int64_t end) {
                 int64_t segment = begin % segments;
                 Cursor kept(r.out_ndim, r.out_size, r.in_stride, begin / segments);
                 for (int64_t item = begin; item < end; ++item) {
                   const int64_t first = segment * kSegment;
                   partial[item] = integer_extremum<T, Join>(
                       static_cast<const T*>(r.in) + kept.offset() + first,
                       n - first < kSegment ? n - first : kSegment);
                   if (++segment < segments) continue;
                   segment = 0;
                   kept.advance(1);
                 }
               });
  for_each_output(r, [&](int64_t at, int64_t o) {
    static_cast<T*>(r.out)[at] =
        segments == 1 ? partial[o]
                      : integer_extremum<T, Join>(partial.get() + o * segments, segments);
  });
  return Status::kOk;
}

template <class T, class Beats>
Status find(const Reduction& r, int64_t* indices) {
  if (r.out_numel == 0) return Status::kOk;
  if constexpr (std::numeric_limits<T>::is_integer && !std::is_same_v<T, bool>) {
    if (!indices && is_adjacent(r) && r.reduce_numel >= kLanes<T>) {
      return integer_rows<T, typename Beats::Join>(r);
    }
  }
  using A = std::conditional_t<std::numeric_limits<T>::is_integer, int64_t, Compute<T>>;
  const int64_t segments = (r.reduce_numel + kSegment - 1) / kSegment;
  Scratch<Found<A>> found(r.out_numel * segments);
  if (!found) return found.failure();
  search_segments<A, Beats>(r, reader<T, A>(), segments, indices != nullptr, found.get());
  T* const values = static_cast<T*>(r.out);
  for_each_output(r, [&](int64_t at, int64_t o) {
    Found<A> best = found[o];
    for (int64_t s = 1; s < segments; ++s) {
      const Found<A>& later = found[s * r.out_numel + o];
      if (Beats{}(later.value, best.value)) best = later;
    }
    if (indices) indices[at] = best.index;
    if (values) values[at] = static_cast<T>(best.value);
  });
  return Status::kOk;
}

}  // namespace

Status reduce_extremum(bool largest, DType dtype, const Reduction& r, int64_t* indices) {
  const char* const names[] = {"min_values_cpu", "max_values_cpu", "min_cpu", "max_cpu"};
  return dispatch(RealAndBool{}, dtype, names[2 * (indices != nullptr) + largest],
                  [&]<class T>() -> Status {
                    return largest ? find<T, Larger>(r, indices) : find<T, Smaller>(r, indices);
                  });
}

}  // namespace tallow::cpu::TALLOW_ISA
