// Shape arithmetic shared by all ops: sizes, strides, broadcasting, dimension numbers, overlap.
#pragma once

#include <optional>

#include "core/dims.h"
#include "core/macros.h"

namespace tallow {

class Tensor;

// The number of elements; raises on a negative size or overflow of int64.
int64_t checked_numel(const Dims& sizes);
// numel * itemsize with overflow check.
int64_t checked_nbytes(int64_t numel, int64_t itemsize);
// Bytes from the start of the storage that a view with this geometry reaches.
int64_t reach_nbytes(const Dims& sizes, const Dims& strides, int64_t offset, int64_t itemsize);

Dims contiguous_strides(const Dims& sizes);
bool is_contiguous(const Dims& sizes, const Dims& strides);
// Every element at its own address and no gaps, in some order of the dimensions.
bool is_dense(const Dims& sizes, const Dims& strides);
// Strides for a fresh tensor that keeps the memory order of `strides` (PyTorch's preserve_format).
Dims preserved_strides(const Dims& sizes, const Dims& strides);
// NHWC strides for 4-d sizes.
Dims channels_last_strides(const Dims& sizes);

// Maps dim in [-ndim, ndim) to [0, ndim); a 0-d tensor counts as having one dimension.
int64_t wrap_dim(int64_t dim, int64_t ndim);
// Wraps each of `dims`, raising if one appears twice.
Dims wrap_dims(const Dims& dims, int64_t ndim);

// The common shape of two operands, or PyTorch's error naming the first clashing dimension.
Dims broadcast_shapes(const Dims& a, const Dims& b);
// Can a tensor of shape `from` be expanded to `to`?
bool is_expandable(const Dims& from, const Dims& to);
// Strides that make (sizes, strides) look like `target`, 0 where it is broadcast.
Dims broadcast_strides(const Dims& sizes, const Dims& strides, const Dims& target);

// Replaces a -1 in `shape` by what `numel` elements need, or raises PyTorch's error.
Dims infer_shape(const Dims& shape, int64_t numel);
// Strides of a view with `shape` of the given geometry, if one exists without copying.
std::optional<Dims> view_strides(const Dims& sizes, const Dims& strides, const Dims& shape);

// Do two elements of one geometry share an address? Exact for dense and expanded tensors,
// conservative ("no") for exotic strides.
bool has_internal_overlap(const Tensor& tensor);
// Do the two share memory without being the same elements in the same order?
bool partially_overlaps(const Tensor& a, const Tensor& b);

// How an out-of-place reduction along `dims` (empty: all) leaves the shape.
Dims reduced_shape(const Dims& sizes, const Dims& dims, bool keepdim);

}  // namespace tallow
