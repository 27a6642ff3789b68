// Checking positions, and copies of blocks picked by offsets (index_select, advanced indexing,
// embedding, index_put, index_add and their kin).
#include "cuda/kernels/index.h"

#include "cuda/error_record.h"
#include "cuda/kernels/table.h"

namespace tallow::cuda {

void fill_index_lines(IndexKernels& table);
void fill_index_masks(IndexKernels& table);
void fill_index_creation(IndexKernels& table);

namespace {

// A position out of bounds is reported and becomes 0. Without `out` there is nothing else to do.
__global__ void resolve_positions(int64_t* out, const int64_t* positions, Layout<1> layout,
                                  int64_t n, int64_t size, int64_t stride, bool wrap, bool add,
                                  ErrorReport report) {
  for (int64_t i = global_index(); i < n; i += grid_stride()) {
    int64_t at[1];
    layout.offsets(i, at);
    const int64_t given = positions[at[0]];
    int64_t position = given;
    if (wrap && position < 0) position += size;
    if (position < 0 || position >= size) {
      report_index(report, given, size, i);
      position = 0;
    }
    if (out) out[i] = (add ? out[i] : 0) + position * stride;
  }
}

Status offsets(int64_t* out, const Strided<1>& positions, const IndexBound& bound, bool add) {
  if (positions.numel == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_dims("index", positions.ndim));
  ErrorReport report;
  TALLOW_CUDA_TRY(position_report(bound, &report));
  return launch(threads_for(positions.numel), resolve_positions, out,
                static_cast<const int64_t*>(positions.data[0]), layout_of(positions),
                positions.numel, bound.size, bound.stride, bound.wrap, add, report);
}

Status check(const Strided<1>& positions, const IndexBound& bound) {
  return offsets(nullptr, positions, bound, false);
}

// The spaces of IndexedBlocks, and a linear place in them: `after` runs fastest, then `index`.
struct BlockSpace {
  Layout<2> before;
  Layout<1> index;
  Layout<2> after;
  Splitter count;   // of offsets
  Splitter length;  // of a block
  int64_t total;
};

BlockSpace space_of(const IndexedBlocks& blocks) {
  BlockSpace space;
  space.total = blocks.before.numel * blocks.index.numel * blocks.after.numel;
  space.before = layout_of(blocks.before);
  space.index = layout_of(blocks.index);
  space.after = layout_of(blocks.after);
  space.count = Splitter(blocks.index.numel, space.total);
  space.length = Splitter(blocks.after.numel, space.total);
  return space;
}

Status check_space(const IndexedBlocks& blocks) {
  TALLOW_CUDA_TRY(check_dims("index", blocks.before.ndim));
  TALLOW_CUDA_TRY(check_dims("index", blocks.index.ndim));
  return check_dims("index", blocks.after.ndim);
}

// Element i of the space: which offset it belongs to, and where it is besides.
struct BlockPlace {
  int64_t offset;   // the number of the offset
  int64_t indexed;  // without the offset
  int64_t dense;    // without the offset's own place

  __device__ BlockPlace(const BlockSpace& space, int64_t i) {
    const int64_t block = space.length.quotient(i);
    const int64_t before = space.count.quotient(block);
    offset = block - before * space.count.size();
    int64_t outer[2], inner[2];
    space.before.offsets(before, outer);
    space.after.offsets(i - block * space.length.size(), inner);
    indexed = outer[0] + inner[0];
    dense = outer[1] + inner[1];
  }
};

template <class W>
__global__ void take_elements(W* dense, const W* indexed, const int64_t* offsets,
                              BlockSpace space) {
  for (int64_t i = global_index(); i < space.total; i += grid_stride()) {
    const BlockPlace place(space, i);
    int64_t at[1];
    space.index.offsets(place.offset, at);
    dense[place.dense + at[0]] = indexed[place.indexed + offsets[place.offset]];
  }
}

Status take_blocks(const IndexedBlocks& blocks) {
  TALLOW_CUDA_TRY(check_space(blocks));
  const BlockSpace space = space_of(blocks);
  if (space.total == 0) return Status::kOk;
  return by_size(item_size(blocks.dtype), [&]<class W>() {
    return launch(threads_for(space.total), take_elements<W>, static_cast<W*>(blocks.dense),
                  static_cast<const W*>(blocks.indexed), blocks.offsets, space);
  });
}

// One thread for each element of a block, through all offsets.
template <class T, class Op>
__global__ void put_in_turn(T* indexed, const T* dense, const int64_t* offsets, BlockSpace space,
                            Op op) {
  const int64_t count = space.count.size();
  const int64_t length = space.length.size();
  for (int64_t item = global_index(); item < space.total / count; item += grid_stride()) {
    const int64_t before = space.length.quotient(item);
    const BlockPlace place(space, item + before * (count - 1) * length);
    for (int64_t k = 0; k < count; ++k) {
      int64_t at[1];
      space.index.offsets(k, at);
      T& target = indexed[place.indexed + offsets[k]];
      target = T(op(widened(target), widened(dense[place.dense + at[0]])));
    }
  }
}

// One thread for each element of a block and each distinct offset; the others have nothing to do.
template <class T, class Op>
__global__ void put_groups(T* indexed, const T* dense, const int64_t* offsets,
                           const OffsetItem* items, BlockSpace space, Op op) {
  const int64_t count = space.count.size();
  for (int64_t i = global_index(); i < space.total; i += grid_stride()) {
    const BlockPlace place(space, i);
    int64_t k = place.offset;
    if (!starts_group(items, k)) continue;
    T& target = indexed[place.indexed + offsets[items[k].index]];
    auto total = widened(target);
    do {
      if (Op::kLastOnly && k + 1 < count && !starts_group(items, k + 1)) continue;
      int64_t at[1];
      space.index.offsets(items[k].index, at);
      total = op(total, widened(dense[place.dense + at[0]]));
    } while (++k < count && !starts_group(items, k));
    target = T(total);
  }
}

template <class T, class Op>
Status put(const IndexedBlocks& blocks, const Op& op) {
  const BlockSpace space = space_of(blocks);
  const int64_t count = blocks.index.numel;
  T* const indexed = static_cast<T*>(blocks.indexed);
  const T* const dense = static_cast<const T*>(blocks.dense);
  if (count <= kFewPositions) {
    return launch(threads_for(space.total / count), put_in_turn<T, Op>, indexed, dense,
                  blocks.offsets, space, op);
  }
  SortedOffsets sorted;
  TALLOW_CUDA_TRY(sorted.sort(blocks.offsets, 1, count, false));
  return launch(threads_for(space.total), put_groups<T, Op>, indexed, dense, blocks.offsets,
                sorted.items(), space, op);
}

Status put_blocks(const IndexedBlocks& blocks, bool accumulate) {
  if (blocks.before.numel * blocks.index.numel * blocks.after.numel == 0) return Status::kOk;
  TALLOW_CUDA_TRY(check_space(blocks));
  if (!accumulate) {
    return by_size(item_size(blocks.dtype), [&]<class W>() { return put<W>(blocks, Replace{}); });
  }
  return by_dtype(All{}, blocks.dtype, "index_put_cuda",
                  [&]<class T>() { return put<T>(blocks, Accumulate{}); });
}

}  // namespace

void fill_index(IndexKernels& table) {
  table.check = check;
  table.offsets = offsets;
  table.take_blocks = take_blocks;
  table.put_blocks = put_blocks;
  fill_index_lines(table);
  fill_index_masks(table);
  fill_index_creation(table);
}

}  // namespace tallow::cuda
