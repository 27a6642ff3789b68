// Convolutions over one or two spatial dimensions.
#pragma once

#include <string_view>

#include "core/tensor.h"

namespace tallow::ops {

// How windows lie over the input; one entry per spatial dimension. `channels_last` is the memory
// order of the result and of all its gradients, whatever the operands have.
struct ConvWindow {
  Dims stride, padding, dilation;
  int64_t groups;
  bool channels_last;
};

// May float32 convolutions use the Winograd algorithm? It is faster, rounds differently and lets an
// infinite pixel spread over its tile. On at first.
bool winograd_allowed();
void allow_winograd(bool allowed);

// ---- The closed family: each is linear in both operands, and its derivatives are the others.

// input (N, C, *), weight (O, C / groups, *kernel), bias (O) or undefined -> (N, O, *out_size).
// Padding is on the left; what windows read beyond the input on the right is zero too, so out_size
// decides about the padding there.
Tensor conv_forward(const Tensor& input, const Tensor& weight, const Tensor& bias,
                    const ConvWindow& window, const Dims& out_size);
// The transpose in the input: output (N, O, *), same weight, bias (C) -> (N, C, *in_size).
Tensor conv_transpose(const Tensor& output, const Tensor& weight, const Tensor& bias,
                      const ConvWindow& window, const Dims& in_size);
// The transpose in the weight: input, output -> (O, C / groups, *kernel).
Tensor conv_weight(const Tensor& input, const Tensor& output, const ConvWindow& window,
                   const Dims& kernel);

// ---- What users call. Lists of one number stand for all dimensions; inputs may lack the batch.

Tensor convolution(const Tensor& input, const Tensor& weight, const Tensor& bias,
                   const Dims& stride, const Dims& padding, const Dims& dilation, bool transposed,
                   const Dims& output_padding, int64_t groups);
Tensor conv1d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Dims& stride,
              const Dims& padding, const Dims& dilation, int64_t groups);
Tensor conv2d(const Tensor& input, const Tensor& weight, const Tensor& bias, const Dims& stride,
              const Dims& padding, const Dims& dilation, int64_t groups);
// padding is "valid" (none) or "same" (the output is as large as the input; stride 1 only).
Tensor conv1d_padding(const Tensor& input, const Tensor& weight, const Tensor& bias,
                      const Dims& stride, std::string_view padding, const Dims& dilation,
                      int64_t groups);
Tensor conv2d_padding(const Tensor& input, const Tensor& weight, const Tensor& bias,
                      const Dims& stride, std::string_view padding, const Dims& dilation,
                      int64_t groups);
Tensor conv_transpose1d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const Dims& stride, const Dims& padding, const Dims& output_padding,
                        int64_t groups, const Dims& dilation);
Tensor conv_transpose2d(const Tensor& input, const Tensor& weight, const Tensor& bias,
                        const Dims& stride, const Dims& padding, const Dims& output_padding,
                        int64_t groups, const Dims& dilation);

}  // namespace tallow::ops
