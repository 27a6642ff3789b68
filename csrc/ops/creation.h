// New tensors with given contents. None of these is differentiable.
#pragma once

#include <optional>

#include "core/operand.h"
#include "core/tensor.h"

namespace tallow::ops {

Tensor zeros(const Dims& size, DType dtype, Device device = kCPU);
Tensor ones(const Dims& size, DType dtype, Device device = kCPU);
Tensor full(const Dims& size, const Scalar& value, DType dtype, Device device = kCPU);
// With the shape, type, device and, where dense, memory order of `like`.
Tensor zeros_like(const Tensor& like);
Tensor ones_like(const Tensor& like);
Tensor full_like(const Tensor& like, const Scalar& value);

// start, start + step, ... as long as it is before `end`.
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, DType dtype,
              Device device = kCPU);
// `steps` numbers at equal distances, both ends included.
Tensor linspace(const Scalar& start, const Scalar& end, int64_t steps, DType dtype,
                Device device = kCPU);
// base to the powers linspace(start, end, steps).
Tensor logspace(const Scalar& start, const Scalar& end, int64_t steps, double base, DType dtype,
                Device device = kCPU);
// n x m (default n x n), ones on the diagonal.
Tensor eye(int64_t n, std::optional<int64_t> m, DType dtype, Device device = kCPU);
// Positions of the lower (upper) triangle of a row x col matrix: 2 x count, rows first.
Tensor tril_indices(int64_t row, int64_t col, int64_t offset, DType dtype, Device device = kCPU);
Tensor triu_indices(int64_t row, int64_t col, int64_t offset, DType dtype, Device device = kCPU);

}  // namespace tallow::ops
