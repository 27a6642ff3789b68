// Reductions with integer results: sums and products of integers, counts of what is not zero.
// Integer arithmetic gives the same in any order, so there is no tree: rows and blocks of columns
// are added up as they lie in memory.
#include "backend/reduce.h"
#include "cpu/reduce_walk.h"
#include "cpu/table.h"

namespace tallow::cpu::TALLOW_ISA {

Status reduce_integers(ReduceOp op, DType dtype, const Reduction& r);
Status reduce_counts(ReduceOp op, DType dtype, const Reduction& r);

namespace {

// Columns that are added up together.
constexpr int64_t kColumnBlock = 512;

// How a reduction is cut into items of parallel work: an item is one segment of the reduced
// elements of one output, or of a block of outputs that lie side by side.
struct Parts {
  bool columns;
  int64_t width, column_stride, blocks, segments;
  explicit Parts(const Reduction& r)
      : columns(prefers_columns(r)),
        width(columns ? r.out_size[r.out_ndim - 1] : 1),
        column_stride(columns ? r.in_stride[r.out_ndim - 1] : 1),
        blocks((width + kColumnBlock - 1) / kColumnBlock),
        segments((r.reduce_numel + kSegment - 1) / kSegment) {}
};

// Calls fold(in, column_stride, columns, begin, n, out) for every item, which must combine the
// reduced elements [begin, begin + n) of `columns` outputs whose first elements start at `in`, and
// write out[0 .. columns); then combines segments with `join` into results[kept index].
template <class Join, class Fold>
Status fold_parts_of(const Reduction& r, int64_t item_size, uint64_t* results, const Join& join,
                     const Fold& fold) {
  const Parts parts(r);
  const int64_t n = r.reduce_numel;
  Scratch<uint64_t> partial(parts.segments > 1 ? r.out_numel * parts.segments : 0);
  if (parts.segments > 1 && !partial) return partial.failure();
  uint64_t* const target = parts.segments > 1 ? partial.get() : results;
  const int64_t per_group = parts.segments * parts.blocks;
  const int64_t work =
      (n < kSegment ? n : kSegment) * (parts.width < kColumnBlock ? parts.width : kColumnBlock);
  const char* const base = static_cast<const char*>(r.in);
  parallel_for(r.out_numel / parts.width * per_group, items_per_task(work),
               [&](int64_t first, int64_t end) {
                 int64_t group = first / per_group;
                 int64_t segment = first % per_group / parts.blocks;
                 int64_t block = first % parts.blocks;
                 Cursor kept(r.out_ndim - (parts.columns ? 1 : 0), r.out_size, r.in_stride, group);
                 for (int64_t item = first; item < end; ++item) {
                   const int64_t column = block * kColumnBlock;
                   const int64_t left = parts.width - column;
                   const int64_t begin = segment * kSegment;
                   fold(base + (kept.offset() + column * parts.column_stride) * item_size,
                        parts.column_stride, left < kColumnBlock ? left : kColumnBlock, begin,
                        n - begin < kSegment ? n - begin : kSegment,
                        target + segment * r.out_numel + group * parts.width + column);
                   if (++block < parts.blocks) continue;
                   block = 0;
                   if (++segment < parts.segments) continue;
                   segment = 0;
                   ++group;
                   kept.advance(1);
                 }
               });
  for (int64_t o = 0; parts.segments > 1 && o < r.out_numel; ++o) {
    results[o] = target[o];
    for (int64_t s = 1; s < parts.segments; ++s) {
      results[o] = join(results[o], target[s * r.out_numel + o]);
    }
  }
  return Status::kOk;
}

template <class Out, class Finish>
void store_all(const Reduction& r, const uint64_t* results, const Finish& finish) {
  for_each_output(r, [&](int64_t at, int64_t o) {
    static_cast<Out*>(r.out)[at] = static_cast<Out>(finish(results[o]));
  });
}

using IntegralOrBool = Types<bool, uint8_t, int8_t, int16_t, int32_t, int64_t>;

// ---- Sums and products.

// out[c] = join(out[c], row i of column c) for n rows of `Vecs` vectors of columns, the last of
// which has `last` columns.
template <int Vecs, class Join>
TALLOW_INLINE void fold_down(const uint64_t* in, const int64_t* row, int64_t n, int last,
                             const Join& join, uint64_t* out) {
  constexpr int W = kLanes<uint64_t>;
  const bool whole = last == W;
  Vec<uint64_t> total[Vecs];
  for (auto& lane : total) lane = broadcast(Join::template identity<uint64_t>);
  for (int64_t i = 0; i < n; ++i) {
#pragma GCC unroll 8
    for (int v = 0; v < Vecs; ++v) {
      const uint64_t* const x = in + row[i] + v * W;
      total[v] = join(total[v], v + 1 < Vecs || whole ? load(x) : load_partial(x, last));
    }
  }
  for (int v = 0; v < Vecs; ++v) {
    for (int lane = 0; lane < (v + 1 < Vecs ? W : last); ++lane) {
      out[v * W + lane] = join(out[v * W + lane], uint64_t{total[v][lane]});
    }
  }
}

// The same for n rows of any number of adjacent columns.
template <class Join>
TALLOW_NOINLINE void fold_adjacent_columns(const uint64_t* in, Cursor& cursor, int64_t columns,
                                           int64_t n, uint64_t* out) {
  constexpr int W = kLanes<uint64_t>;
  constexpr int kVecs = 4;
  int64_t row[kLeaf];
  for (int64_t done = 0; done < n; done += kLeaf) {
    const int64_t rows = n - done < kLeaf ? n - done : kLeaf;
    find_offsets(cursor, rows, row);
    int64_t c = 0;
    for (; c + kVecs * W <= columns; c += kVecs * W) {
      fold_down<kVecs>(in + c, row, rows, W, Join{}, out + c);
    }
    for (; c < columns; c += W) {
      const int last = columns - c < W ? static_cast<int>(columns - c) : W;
      fold_down<1>(in + c, row, rows, last, Join{}, out + c);
    }
  }
}

// Folds n numbers, and fetches those that follow.
template <class Join>
TALLOW_NOINLINE uint64_t fold_adjacent(const uint64_t* x, int64_t n) {
  constexpr int W = kLanes<uint64_t>;
  constexpr int kVecs = kLine / kVectorBytes * 2;
  const Join join;
  Vec<uint64_t> total[kVecs];
  for (auto& lane : total) lane = broadcast(Join::template identity<uint64_t>);
  int64_t i = 0;
  for (; i + kVecs * W <= n; i += kVecs * W) {
#pragma GCC unroll 8
    for (int v = 0; v < kVecs; ++v) {
      fetch_ahead(x + i + v * W, v * kVectorBytes, kLine);
      total[v] = join(total[v], load(x + i + v * W));
    }
  }
  for (int v = 1; v < kVecs; ++v) total[0] = join(total[0], total[v]);
  uint64_t result = fold_vector<uint64_t, W>(total[0], join);
  for (; i < n; ++i) result = join(result, x[i]);
  return result;
}

template <class Join>
Status fold_integers(const Reduction& r, const Reader<uint64_t>& reader, uint64_t* results) {
  constexpr uint64_t kIdentity = Join::template identity<uint64_t>;
  const Join join;
  const bool in_place = reader.in_place && is_adjacent(r);
  const bool columns = prefers_columns(r);
  const bool plain_rows = in_place && !columns && r.out_ndim == 1 && r.reduce_numel <= kSegment;
  if (has_short_rows(r) || plain_rows) {  // a whole row at a time
    constexpr int64_t kRows = 8;
    parallel_for(r.out_numel, items_per_task(r.reduce_numel), [&](int64_t begin, int64_t end) {
      alignas(kVectorBytes) uint64_t packed[kRows * kLeaf];
      Cursor kept(r.out_ndim, r.out_size, r.in_stride, begin);
      for (int64_t o = begin; o < end; o += kRows) {
        const int64_t rows = end - o < kRows ? end - o : kRows;
        const uint64_t* row[kRows];
        find_rows(r, reader, kept, rows, packed, row);
        for (int64_t k = 0; k < rows; ++k) {
          results[o + k] = fold_adjacent<Join>(row[k], r.reduce_numel);
        }
      }
    });
    return Status::kOk;
  }
  return fold_parts_of(r, reader.item_size, results, join,
                       [&](const char* in, int64_t column_stride, int64_t count, int64_t begin,
                           int64_t n, uint64_t* out) {
                         alignas(kVectorBytes) uint64_t packed[kColumnBlock];
                         Cursor cursor(r.reduce_ndim, r.reduce_size, r.reduce_stride, begin);
                         for (int64_t c = 0; c < count; ++c) out[c] = kIdentity;
                         if (columns && reader.in_place && column_stride == 1) {
                           const uint64_t* const x = reinterpret_cast<const uint64_t*>(in);
                           fold_adjacent_columns<Join>(x, cursor, count, n, out);
                           return;
                         }
                         for (int64_t row = 0; columns && row < n; ++row, cursor.advance(1)) {
                           reader.read(in, cursor.offset(), column_stride, count, packed);
                           for (int64_t i = 0; i < count; ++i) out[i] = join(out[i], packed[i]);
                         }
                         const int64_t block = in_place ? n : kColumnBlock;
                         for (int64_t done = 0; !columns && done < n; done += block) {
                           const int64_t some = n - done < block ? n - done : block;
                           const uint64_t* x = packed;
                           if (in_place) {
                             x = reinterpret_cast<const uint64_t*>(in) + begin + done;
                           } else {
                             gather_run(reader, in, cursor, some, packed);
                           }
                           out[0] = join(out[0], fold_adjacent<Join>(x, some));
                         }
                       });
}

// ---- Counts. An element is a word of its size that has bits set under a mask: the sign of a
// floating-point number does not count.

template <class Word>
uint64_t count_run(const char* in, int64_t n, uint64_t mask) {
  constexpr int W = kLanes<Word>;
  constexpr int64_t kUnflushed = 127;  // what a lane of 8 bits can count to
  const Word* const data = reinterpret_cast<const Word*>(in);
  const Word bits = static_cast<Word>(mask);
  int64_t count = 0, i = 0;
  while (i + W <= n) {
    Vec<Word> lanes = {};
    const int64_t stop = i + kUnflushed * W < n ? i + kUnflushed * W : n;
    for (; i + W <= stop; i += W) lanes -= (load(data + i) & bits) != Word(0);
    for (int lane = 0; lane < W; ++lane) count += lanes[lane];
  }
  for (; i < n; ++i) count += (data[i] & bits) != 0;
  return static_cast<uint64_t>(count);
}

// out[i] = 1 where the element is not zero, else 0.
template <class Word>
void mark_run(const char* in, int64_t stride, int64_t n, uint64_t mask, uint8_t* out) {
  const Word* const data = reinterpret_cast<const Word*>(in);
  const Word bits = static_cast<Word>(mask);
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) out[i] = (data[i] & bits) != 0;
  } else {
    for (int64_t i = 0; i < n; ++i) out[i] = (data[i * stride] & bits) != 0;
  }
}

struct Counter {
  int64_t item_size;
  uint64_t (*count)(const char* in, int64_t n, uint64_t mask);
  void (*mark)(const char* in, int64_t stride, int64_t n, uint64_t mask, uint8_t* out);
  uint64_t mask;
};

Counter counter_of(DType dtype) {
  const uint64_t all = ~uint64_t{0};
  switch (dtype) {
    case DType::kFloat8E4M3FN:
    case DType::kFloat8E5M2:
      return {1, count_run<int8_t>, mark_run<int8_t>, 0x7f};
    case DType::kInt16:
    case DType::kUInt16:
      return {2, count_run<int16_t>, mark_run<int16_t>, all};
    case DType::kFloat16:
    case DType::kBFloat16:
      return {2, count_run<int16_t>, mark_run<int16_t>, 0x7fff};
    case DType::kInt32:
    case DType::kUInt32:
      return {4, count_run<int32_t>, mark_run<int32_t>, all};
    case DType::kFloat32:
      return {4, count_run<int32_t>, mark_run<int32_t>, 0x7fffffff};
    case DType::kInt64:
    case DType::kUInt64:
      return {8, count_run<int64_t>, mark_run<int64_t>, all};
    case DType::kFloat64:
      return {8, count_run<int64_t>, mark_run<int64_t>, all >> 1};
    default:
      return {1, count_run<int8_t>, mark_run<int8_t>, all};
  }
}

// Counts down `columns` <= kColumnBlock columns: in bytes, emptied before they can overflow.
void count_columns(const Counter& counter, const char* in, Cursor& cursor, int64_t column_stride,
                   int64_t columns, int64_t n, uint64_t* out) {
  alignas(kVectorBytes) uint8_t marks[kColumnBlock];
  alignas(kVectorBytes) uint8_t sums[kColumnBlock] = {};
  for (int64_t c = 0; c < columns; ++c) out[c] = 0;
  for (int64_t i = 0; i < n; ++i, cursor.advance(1)) {
    counter.mark(in + cursor.offset() * counter.item_size, column_stride, columns, counter.mask,
                 marks);
    for (int64_t c = 0; c < columns; ++c) sums[c] += marks[c];
    if (i % 255 != 254 && i + 1 < n) continue;
    for (int64_t c = 0; c < columns; ++c) out[c] += sums[c];
    std::memset(sums, 0, sizeof(sums));
  }
}

// Counts n reduced elements of one output.
uint64_t count_row(const Counter& counter, const char* in, Cursor& cursor, int64_t n) {
  uint64_t total = 0;
  while (n > 0) {
    const int64_t run = cursor.run() < n ? cursor.run() : n;
    const char* const from = in + cursor.offset() * counter.item_size;
    int64_t done = run;
    if (cursor.run_stride() == 1) {
      total += counter.count(from, run, counter.mask);
    } else {
      uint8_t marks[kColumnBlock];
      done = run < kColumnBlock ? run : kColumnBlock;
      counter.mark(from, cursor.run_stride(), done, counter.mask, marks);
      for (int64_t i = 0; i < done; ++i) total += marks[i];
    }
    cursor.advance(done);
    n -= done;
  }
  return total;
}

Status count_all(const Reduction& r, const Counter& counter, uint64_t* results) {
  const bool columns = prefers_columns(r);
  return fold_parts_of(r, counter.item_size, results, Add{},
                       [&](const char* in, int64_t column_stride, int64_t count, int64_t begin,
                           int64_t n, uint64_t* out) {
                         Cursor cursor(r.reduce_ndim, r.reduce_size, r.reduce_stride, begin);
                         if (columns) {
                           count_columns(counter, in, cursor, column_stride, count, n, out);
                         } else {
                           out[0] = count_row(counter, in, cursor, n);
                         }
                       });
}

}  // namespace

// The sum (kSum) or product (kProd) as int64, of integers or bool.
Status reduce_integers(ReduceOp op, DType dtype, const Reduction& r) {
  if (op == ReduceOp::kSum && dtype == DType::kBool) {
    return reduce_counts(ReduceOp::kCountNonzero, dtype, r);
  }
  Scratch<uint64_t> results(r.out_numel);
  if (!results) return results.failure();
  const bool sum = op == ReduceOp::kSum;
  Status status = Status::kOk;
  if (r.reduce_numel == 0) {
    for (int64_t o = 0; o < r.out_numel; ++o) results[o] = sum ? 0 : 1;
  } else if (r.out_numel > 0) {
    status = dispatch(IntegralOrBool{}, dtype, sum ? "sum_cpu" : "prod_cpu", [&]<class T>() {
      const Reader<uint64_t> read = reader<T, uint64_t>();
      return sum ? fold_integers<Add>(r, read, results.get())
                 : fold_integers<Multiply>(r, read, results.get());
    });
  }
  if (status == Status::kOk) store_all<int64_t>(r, results.get(), [](uint64_t x) { return x; });
  return status;
}

// kAny, kAll, kCountNonzero or kNormZero (which has the input's type) of any real type.
Status reduce_counts(ReduceOp op, DType dtype, const Reduction& r) {
  // The one type that has no zero.
  if (dtype == DType::kFloat8E8M0FNU) return unsupported_dtype("nonzero_count_cpu", dtype);
  Scratch<uint64_t> counts(r.out_numel);
  if (!counts) return counts.failure();
  const uint64_t n = static_cast<uint64_t>(r.reduce_numel);
  if (n == 0) {
    for (int64_t o = 0; o < r.out_numel; ++o) counts[o] = 0;
  } else if (r.out_numel > 0) {
    const Status status = count_all(r, counter_of(dtype), counts.get());
    if (status != Status::kOk) return status;
  }
  switch (op) {
    case ReduceOp::kAny:
      store_all<bool>(r, counts.get(), [](uint64_t count) { return count != 0; });
      return Status::kOk;
    case ReduceOp::kAll:
      store_all<bool>(r, counts.get(), [&](uint64_t count) { return count == n; });
      return Status::kOk;
    case ReduceOp::kCountNonzero:
      store_all<int64_t>(r, counts.get(), [](uint64_t count) { return count; });
      return Status::kOk;
    default:
      return dispatch(FloatingAndHalf{}, dtype, "norm_cpu", [&]<class T>() -> Status {
        store_all<T>(r, counts.get(),
                     [](uint64_t count) { return static_cast<Compute<T>>(count); });
        return Status::kOk;
      });
  }
}

}  // namespace tallow::cpu::TALLOW_ISA
