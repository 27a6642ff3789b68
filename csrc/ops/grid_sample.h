// Reading images and volumes at the places of a grid: what nn.functional.grid_sample runs on a CPU.
#pragma once

#include <tuple>

#include "core/tensor.h"

namespace tallow::ops {

// `input` is (N, C, H, W) or (N, C, D, H, W) of floats or doubles, `grid` (N, places..., 2 or 3) of
// the same type. Modes and paddings are numbered as SampleMode and SamplePadding are. No
// derivative: the caller's is grid_sample_backward().
Tensor grid_sample(const Tensor& input, const Tensor& grid, int64_t mode, int64_t padding,
                   bool align_corners);

// The gradients of input and grid, undefined where not asked for.
std::tuple<Tensor, Tensor> grid_sample_backward(const Tensor& grad, const Tensor& input,
                                                const Tensor& grid, int64_t mode, int64_t padding,
                                                bool align_corners, bool input_too, bool grid_too);

}  // namespace tallow::ops
