// Windows of images as columns of a matrix, and the sum of such columns.
#pragma once

#include "core/tensor.h"

namespace tallow::ops {

// Every window of (N, C, H, W), or (C, H, W), as a column of (N, C * kernel rows * kernel columns,
// windows). The four tuples have two numbers each.
Tensor im2col(const Tensor& input, const Dims& kernel_size, const Dims& dilation,
              const Dims& padding, const Dims& stride);
// Images of output_size, with or without N, whose elements are the sums over the windows that hold
// them: the transpose of im2col.
Tensor col2im(const Tensor& input, const Dims& output_size, const Dims& kernel_size,
              const Dims& dilation, const Dims& padding, const Dims& stride);

}  // namespace tallow::ops
