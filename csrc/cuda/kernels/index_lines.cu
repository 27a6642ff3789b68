// gather and scatter: one element per position, along one dimension.
#include "cuda/kernels/index.h"

#include "cuda/kernels/table.h"

namespace tallow::cuda {
namespace {

// The elements of IndexedLines in the order of their lines, along each of which `length` runs.
struct LineSpace {
  Layout<3> rest;
  Splitter length;
  int64_t total;
  int64_t indexed_size;
  int64_t indexed_stride, dense_stride, position_stride;
};

LineSpace space_of(const IndexedLines& lines) {
  LineSpace space;
  space.total = lines.rest.numel * lines.length;
  space.rest = layout_of(lines.rest);
  space.length = Splitter(lines.length, space.total);
  space.indexed_size = lines.indexed_size;
  space.indexed_stride = lines.indexed_stride;
  space.dense_stride = lines.dense_stride;
  space.position_stride = lines.position_stride;
  return space;
}

struct LinePlace {
  int64_t indexed;  // of the element that the position picks
  int64_t dense;

  // Element k of a line. A position out of bounds, which check() has reported, counts as 0.
  __device__ LinePlace(const LineSpace& space, const int64_t* positions, int64_t line, int64_t k) {
    int64_t at[3];
    space.rest.offsets(line, at);
    int64_t position = positions[at[2] + k * space.position_stride];
    if (position < 0 || position >= space.indexed_size) position = 0;
    indexed = at[0] + position * space.indexed_stride;
    dense = at[1] + k * space.dense_stride;
  }
  __device__ LinePlace(const LineSpace& space, const int64_t* positions, int64_t i)
      : LinePlace(space, positions, space.length.quotient(i),
                  i - space.length.quotient(i) * space.length.size()) {}
};

template <class W>
__global__ void take_elements(W* dense, const W* indexed, const int64_t* positions,
                              LineSpace space) {
  for (int64_t i = global_index(); i < space.total; i += grid_stride()) {
    const LinePlace place(space, positions, i);
    dense[place.dense] = indexed[place.indexed];
  }
}

Status take_lines(const IndexedLines& lines) {
  TALLOW_CUDA_TRY(check_dims("gather", lines.rest.ndim));
  const LineSpace space = space_of(lines);
  if (space.total == 0) return Status::kOk;
  return by_size(item_size(lines.dtype), [&]<class W>() {
    return launch(threads_for(space.total), take_elements<W>, static_cast<W*>(lines.dense),
                  static_cast<const W*>(lines.indexed), lines.positions, space);
  });
}

// One thread for each line, through all its positions.
template <class T, class Op>
__global__ void put_in_turn(T* indexed, const T* dense, const int64_t* positions, LineSpace space,
                            int64_t lines, Op op) {
  for (int64_t line = global_index(); line < lines; line += grid_stride()) {
    for (int64_t k = 0; k < space.length.size(); ++k) {
      const LinePlace place(space, positions, line, k);
      T& target = indexed[place.indexed];
      target = T(op(widened(target), widened(dense[place.dense])));
    }
  }
}

__global__ void find_targets(int64_t* targets, const int64_t* positions, LineSpace space) {
  for (int64_t i = global_index(); i < space.total; i += grid_stride()) {
    targets[i] = LinePlace(space, positions, i).indexed;
  }
}

// One thread for each element that is written.
template <class T, class Op>
__global__ void put_groups(T* indexed, const T* dense, const int64_t* positions,
                           const OffsetItem* items, LineSpace space, Op op) {
  for (int64_t first = global_index(); first < space.total; first += grid_stride()) {
    if (!starts_group(items, first)) continue;
    int64_t k = first;
    T& target = indexed[LinePlace(space, positions, items[k].index).indexed];
    auto total = widened(target);
    do {
      if (Op::kLastOnly && k + 1 < space.total && !starts_group(items, k + 1)) continue;
      total = op(total, widened(dense[LinePlace(space, positions, items[k].index).dense]));
    } while (++k < space.total && !starts_group(items, k));
    target = T(total);
  }
}

template <class T, class Op>
Status put(const IndexedLines& lines, const Op& op) {
  constexpr int64_t kManyLines = 16 * 1024;  // as many threads as keep a device busy
  const LineSpace space = space_of(lines);
  T* const indexed = static_cast<T*>(lines.indexed);
  const T* const dense = static_cast<const T*>(lines.dense);
  if (lines.length <= kFewPositions || lines.rest.numel >= kManyLines) {
    return launch(threads_for(lines.rest.numel, 1), put_in_turn<T, Op>, indexed, dense,
                  lines.positions, space, lines.rest.numel, op);
  }
  Scratch<int64_t> targets;
  TALLOW_CUDA_TRY(targets.allocate(space.total));
  TALLOW_CUDA_TRY(
      launch(threads_for(space.total), find_targets, targets.get(), lines.positions, space));
  SortedOffsets sorted;
  TALLOW_CUDA_TRY(sorted.sort(targets.get(), 1, space.total, false));
  return launch(threads_for(space.total, 1), put_groups<T, Op>, indexed, dense, lines.positions,
                sorted.items(), space, op);
}

Status put_lines(const IndexedLines& lines, ScatterOp op) {
  if (lines.rest.numel * lines.length == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims("scatter", lines.rest.ndim));
  switch (op) {
    case ScatterOp::kSet:
      return by_size(item_size(lines.dtype), [&]<class W>() { return put<W>(lines, Replace{}); });
    case ScatterOp::kAdd:
      return by_dtype(All{}, lines.dtype, "scatter_add_cuda_kernel",
                      [&]<class T>() { return put<T>(lines, Accumulate{}); });
    case ScatterOp::kMul:
      return by_dtype(All{}, lines.dtype, "scatter_multiply_cuda_kernel",
                      [&]<class T>() { return put<T>(lines, MultiplyBy{}); });
    case ScatterOp::kMin:
      return by_dtype(RealAndBool{}, lines.dtype, "scatter_minimum_cuda_kernel",
                      [&]<class T>() { return put<T>(lines, KeepSmaller{}); });
    case ScatterOp::kMax:
      break;
  }
  return by_dtype(RealAndBool{}, lines.dtype, "scatter_maximum_cuda_kernel",
                  [&]<class T>() { return put<T>(lines, KeepLarger{}); });
}

}  // namespace

void fill_index_lines(IndexKernels& table) {
  table.take_lines = take_lines;
  table.put_lines = put_lines;
}

}  // namespace tallow::cuda
