// Normalisation: batch, layer, group, instance and root-mean-square.
//
// Weights, biases and statistics may be undefined. In half precision statistics are float.
#pragma once

#include <optional>
#include <tuple>

#include "core/tensor.h"

namespace tallow::ops {

// Per channel (dimension 1). In training by the statistics of the input, which also move the
// running ones by `momentum`; else by the running ones.
Tensor batch_norm(const Tensor& input, const Tensor& weight, const Tensor& bias,
                  const Tensor& running_mean, const Tensor& running_var, bool training,
                  double momentum, double eps);
// The same with the mean and 1 / sqrt(variance + eps) that were used; empty in evaluation.
std::tuple<Tensor, Tensor, Tensor> native_batch_norm(const Tensor& input, const Tensor& weight,
                                                     const Tensor& bias, const Tensor& running_mean,
                                                     const Tensor& running_var, bool training,
                                                     double momentum, double eps);
// Per channel and sample.
Tensor instance_norm(const Tensor& input, const Tensor& weight, const Tensor& bias,
                     const Tensor& running_mean, const Tensor& running_var, bool use_input_stats,
                     double momentum, double eps);

// Over the last dimensions, which are `normalized_shape`.
Tensor layer_norm(const Tensor& input, const Dims& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps);
std::tuple<Tensor, Tensor, Tensor> native_layer_norm(const Tensor& input,
                                                     const Dims& normalized_shape,
                                                     const Tensor& weight, const Tensor& bias,
                                                     double eps);
// input / sqrt(mean(input^2) + eps) * weight; eps defaults to the type's epsilon.
Tensor rms_norm(const Tensor& input, const Dims& normalized_shape, const Tensor& weight,
                std::optional<double> eps);

// Per sample over each of `groups` groups of channels.
Tensor group_norm(const Tensor& input, int64_t groups, const Tensor& weight, const Tensor& bias,
                  double eps);
std::tuple<Tensor, Tensor, Tensor> native_group_norm(const Tensor& input, int64_t groups,
                                                     const Tensor& weight, const Tensor& bias,
                                                     double eps);

}  // namespace tallow::ops
