// What the ops that work along dimensions share: shapes, kernel descriptions, and the way back.
#pragma once

#include "core/strided.h"
#include "core/tensor.h"

namespace tallow::ops {

// Reduces `in` along `dims` (wrapped; empty: all) into the contiguous `out`.
Reduction describe_reduction(const Tensor& in, const Dims& dims, const Tensor& out);

// `reduced` (without `dims`, or with them as size 1 if `keepdim`) as a broadcastable partner of a
// tensor with `ndim` dimensions. `dims` are wrapped; empty means all.
Tensor restore_dims(const Tensor& reduced, const Dims& dims, bool keepdim, int64_t ndim);

// The number of elements one result is made of.
int64_t reduced_numel(const Dims& sizes, const Dims& dims);

// The elements of `self` in row-major order, for a kernel: no history.
Tensor contiguous_data(const Tensor& self);

// A tensor seen as [outer][n][inner] around one of its dimensions. A 0-d tensor is [1][1][1].
struct AroundDim {
  int64_t dim;
  int64_t outer;
  int64_t n;
  int64_t inner;
};
AroundDim around_dim(const Tensor& self, int64_t dim);

// The gradient of picking the elements at `indices` along `dim`: `grad` there, zeros elsewhere.
// `indices` and `grad` lack the dimension unless `keepdim`.
Tensor selecting_backward(const Tensor& grad, int64_t dim, const Tensor& indices, const Dims& sizes,
                          bool keepdim);

}  // namespace tallow::ops
