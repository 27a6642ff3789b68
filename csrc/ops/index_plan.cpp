#include "ops/index_plan.h"

#include <algorithm>

#include "ops/elementwise.h"

namespace tallow::ops {

Tensor begin_write(const Tensor& self, const Tensor& source, const Out& out, WriteOrder order) {
  if (out.is_inplace()) {
    check_inplace(self, source.defined() && source.requires_grad());
    return self;
  }
  const NoGradGuard no_grad;
  return order == WriteOrder::kPreserved ? clone(self)
                                         : clone_strided(self, contiguous_strides(self.sizes()));
}

Tensor finish_write(const Out& out, const Tensor& written) {
  if (!out.given()) return written;
  if (!out.is_inplace()) {
    Problem<2> problem;
    const Input input(written, written.dtype());
    prepare(problem, {&input}, written.dtype(), out);
    run<&Backend::pointwise, &PointwiseKernels::copy>("out", written.device(), problem.at,
                                                      problem.dtypes[0], problem.dtypes[1]);
  }
  finish(out);
  return out.tensor();
}

Tensor unaliased(const Tensor& source, const Tensor& destination) {
  if (source.impl()->storage.get() != destination.impl()->storage.get()) return source;
  const NoGradGuard no_grad;
  return clone(source);
}

void check_index_dtype(const char* op, const Tensor& index) {
  TALLOW_CHECK(index.dtype() == DType::kInt64 || index.dtype() == DType::kInt32, op,
               "(): Expected dtype int32/int64 for index");
}

bool accumulates_in_float(DType dtype) {
  return dtype == DType::kFloat16 || dtype == DType::kBFloat16;
}

Tensor as_int64(const Tensor& index) {
  if (index.dtype() == DType::kInt64) return index;
  const NoGradGuard no_grad;
  return to_dtype(index, DType::kInt64);
}

Strided<1> positions_of(const Tensor& index) {
  Strided<1> positions;
  positions.data[0] = index.ptr();
  set_space<1>(positions, index.sizes().data(), {index.strides().data()}, index.dim());
  return positions;
}

Tensor at_least_1d(const Tensor& tensor) {
  return tensor.dim() > 0 ? tensor : alias(tensor, {1}, {1}, tensor.impl()->offset);
}

void check_same_device(const char* op, const Tensor& self, const Tensor& other) {
  TALLOW_CHECK(
      self.device() == other.device(), op,
      "(): Expected all tensors to be on the same device, but found at least two devices, ",
      self.device(), " and ", other.device(), "!");
}

void check_positions(const char* op, const Tensor& self, int64_t dim, const Tensor& positions,
                     bool wrap) {
  const IndexBound bound{at_least_1d(self).sizes()[dim], 1, dim, wrap,
                         PositionError::kBoundsRuntime};
  run<&Backend::index, &IndexKernels::check>(op, self.device(), positions_of(positions), bound);
}

Tensor offsets_along(const char* op, const Tensor& self, int64_t dim, const Tensor& index,
                     const PositionRules& rules) {
  const Tensor positions = as_int64(index);
  Tensor offsets = empty({positions.numel()}, DType::kInt64, self.device());
  const bool scalar = self.dim() == 0;
  const IndexBound bound{scalar ? 1 : self.sizes()[dim],
                         scalar ? 1 : self.strides()[dim],
                         dim,
                         rules.wrap,
                         rules.error,
                         rules.prefix};
  run<&Backend::index, &IndexKernels::offsets>(op, self.device(), offsets.data<int64_t>(),
                                               positions_of(positions), bound, false);
  return offsets;
}

namespace {

// set_space() with the dimensions of two operands in the second one's memory order.
void set_ordered_space(Strided<2>& space, const int64_t* sizes, const int64_t* first,
                       const int64_t* second, int64_t ndim) {
  Dims order;
  for (int64_t d = 0; d < ndim; ++d) order.push_back(d);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return second[a] > second[b]; });
  Dims sorted[3];
  for (const int64_t d : order) {
    sorted[0].push_back(sizes[d]);
    sorted[1].push_back(first[d]);
    sorted[2].push_back(second[d]);
  }
  set_space<2>(space, sorted[0].data(), {sorted[1].data(), sorted[2].data()}, ndim);
}

}  // namespace

IndexedBlocks plan_blocks(const Tensor& indexed, int64_t first, int64_t picked, const Tensor& dense,
                          int64_t index_dims, const Tensor& offsets) {
  IndexedBlocks blocks;
  blocks.dtype = indexed.dtype();
  blocks.indexed = indexed.ptr();
  blocks.dense = dense.ptr();
  blocks.offsets = offsets.data<int64_t>();
  const int64_t* const sizes = dense.sizes().data();
  const int64_t* const dense_strides = dense.strides().data();
  const int64_t* const strides = indexed.strides().data();
  set_ordered_space(blocks.before, sizes, strides, dense_strides, first);
  set_space<1>(blocks.index, sizes + first, {dense_strides + first}, index_dims);
  const int64_t rest = first + index_dims;
  set_ordered_space(blocks.after, sizes + rest, strides + first + picked, dense_strides + rest,
                    dense.dim() - rest);
  return blocks;
}

IndexedLines plan_lines(const Tensor& indexed, const Tensor& dense, const Tensor& positions,
                        int64_t dim) {
  IndexedLines lines;
  lines.dtype = indexed.dtype();
  lines.indexed = indexed.ptr();
  lines.dense = dense.ptr();
  lines.positions = positions.data<int64_t>();
  lines.length = positions.sizes()[dim];
  lines.indexed_size = indexed.sizes()[dim];
  lines.indexed_stride = indexed.strides()[dim];
  lines.dense_stride = dense.strides()[dim];
  lines.position_stride = positions.strides()[dim];
  Dims sizes = positions.sizes();
  Dims strides[3] = {indexed.strides(), dense.strides(), positions.strides()};
  sizes.erase(dim);
  for (Dims& list : strides) list.erase(dim);
  set_space<3>(lines.rest, sizes.data(), {strides[0].data(), strides[1].data(), strides[2].data()},
               sizes.size());
  return lines;
}

}  // namespace tallow::ops
