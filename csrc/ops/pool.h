// Pooling over one or two spatial dimensions.
#pragma once

#include <optional>
#include <tuple>

#include "core/tensor.h"

namespace tallow::ops {

// Lists hold one number for both dimensions or two; an empty stride means the kernel's size. Inputs
// are (N, C, H, W) or (C, H, W); (N, C, L) or (C, L) in the one-dimensional forms. ceil_mode also
// counts windows that begin inside the input or its left padding and end outside.

Tensor max_pool2d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                  const Dims& padding, const Dims& dilation, bool ceil_mode);
// Also the position of each maximum in its flattened plane, int64.
std::tuple<Tensor, Tensor> max_pool2d_with_indices(const Tensor& input, const Dims& kernel_size,
                                                   const Dims& stride, const Dims& padding,
                                                   const Dims& dilation, bool ceil_mode);
Tensor max_pool1d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                  const Dims& padding, const Dims& dilation, bool ceil_mode);
std::tuple<Tensor, Tensor> max_pool1d_with_indices(const Tensor& input, const Dims& kernel_size,
                                                   const Dims& stride, const Dims& padding,
                                                   const Dims& dilation, bool ceil_mode);

Tensor avg_pool2d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                  const Dims& padding, bool ceil_mode, bool count_include_pad,
                  std::optional<int64_t> divisor_override);
Tensor avg_pool1d(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                  const Dims& padding, bool ceil_mode, bool count_include_pad);

// Windows that divide the input into output_size nearly equal parts.
Tensor adaptive_avg_pool2d(const Tensor& input, const Dims& output_size);
Tensor adaptive_avg_pool1d(const Tensor& input, const Dims& output_size);
std::tuple<Tensor, Tensor> adaptive_max_pool2d(const Tensor& input, const Dims& output_size);
std::tuple<Tensor, Tensor> adaptive_max_pool1d(const Tensor& input, const Dims& output_size);

}  // namespace tallow::ops
