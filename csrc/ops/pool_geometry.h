// The geometry of a pooling op: shapes on both sides, worked out and checked with PyTorch's
// messages.
#pragma once

#include "backend/pool.h"
#include "core/tensor.h"

namespace tallow::ops {

// A pooling of one tensor: what the kernel is told, and the shapes on both sides. All tensors have
// the memory order of the input.
struct Pooling {
  PoolArgs args;
  Dims in_shape, out_shape;
  bool channels_last;
};

// One number for both dimensions, or two.
bool is_pair(const Dims& values);

// Output length of one dimension; not positive if the window does not fit.
int64_t pooled_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                    bool ceil_mode);

void check_image(const Tensor& input);
Pooling describe_windows(const char* op, const Tensor& input, const Dims& kernel_size,
                         const Dims& stride, const Dims& padding, const Dims& dilation,
                         bool ceil_mode);
// `got` is what stands between "but got" and the shape in the message of a wrong rank.
Pooling describe_adaptive(const char* op, const char* got, const Tensor& input,
                          const Dims& output_size);

}  // namespace tallow::ops
