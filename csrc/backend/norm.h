// Normalisation kernels. All arrays are contiguous. Parameters and statistics have the type
// computed in: float for the half types, else the input's own.
#pragma once

#include "core/types.h"

namespace tallow {

// [batch][channels][inner]: images have inner = H * W; to batch_norm a channels_last image is
// batch = N * H * W, inner = 1. With `last` it is [batch][inner][channels]: the group_norm kernels
// of the CPU alone take that, of float and double.
struct ChannelShape {
  int64_t batch;
  int64_t channels;
  int64_t inner;
  bool last = false;
};

struct NormKernels {
  // Per row of n: out = (in - mean) * rstd * weight + bias with rstd = 1 / sqrt(variance + eps);
  // not `centered`: mean is taken to be 0. weight and bias (of n) and mean (of rows) may be null.
  Status (*layer_norm)(bool centered, DType dtype, void* out, const void* in, const void* weight,
                       const void* bias, int64_t rows, int64_t n, double eps, void* mean,
                       void* rstd) = nullptr;
  // Any of the three gradients may be null.
  Status (*layer_norm_backward)(bool centered, DType dtype, void* grad_in, void* grad_weight,
                                void* grad_bias, const void* grad, const void* in,
                                const void* weight, const void* mean, const void* rstd,
                                int64_t rows, int64_t n) = nullptr;

  // Half types of a single pixel must be widened first on the CPU.
  // Groups of `channels / groups` channels are normalised together, weight and bias are per
  // channel. mean and rstd have an element per sample and group.
  Status (*group_norm)(DType dtype, void* out, const void* in, const void* weight, const void* bias,
                       const ChannelShape& shape, int64_t groups, double eps, void* mean,
                       void* rstd) = nullptr;
  // Any of the three gradients may be null.
  Status (*group_norm_backward)(DType dtype, void* grad_in, void* grad_weight, void* grad_bias,
                                const void* grad, const void* in, const void* weight,
                                const void* mean, const void* rstd, const ChannelShape& shape,
                                int64_t groups) = nullptr;

  // Per channel: out = (in - mean) * invstd * weight + bias with invstd = 1 / sqrt(variance + eps),
  // which is written. With `train` mean and variance (divided by the count) are those of the input
  // and are written too, else they are read. weight and bias may be null.
  Status (*batch_norm)(bool train, DType dtype, void* out, const void* in, const void* weight,
                       const void* bias, const ChannelShape& shape, double eps, void* mean,
                       void* variance, void* invstd) = nullptr;
  // With `train` the statistics depend on the input. weight and any of the gradients may be null.
  Status (*batch_norm_backward)(bool train, DType dtype, void* grad_in, void* grad_weight,
                                void* grad_bias, const void* grad, const void* in,
                                const void* weight, const void* mean, const void* invstd,
                                const ChannelShape& shape) = nullptr;
};

}  // namespace tallow
