// Two-dimensional convolutions (cross-correlations) and their derivatives.
#pragma once

#include <cstdint>

#include "core/types.h"

namespace tallow {

// All tensors are dense: input (batch, in_channels, in_size), weight (out_channels, in_channels /
// groups, kernel), output (batch, out_channels, out_size). In the memory of those that are `last`
// the channels (dimension 1) come behind the sizes: channels_last, with the same bits. Index 0 is
// height, 1 width. Output element o of one dimension is the sum over taps t of weight t times input
// element o * stride - padding + t * dilation, 0 outside the input; output channels of group g see
// the input channels of group g. Every type but bool; half types sum in float32, integers wrap
// around.
struct ConvArgs {
  DType dtype;
  int64_t batch, groups;
  int64_t in_channels, out_channels;
  int64_t in_size[2], out_size[2];
  int64_t kernel[2], stride[2], padding[2], dilation[2];
  bool winograd;  // whether algorithms with other roundings than a plain sum may be used
  bool input_last, weight_last, output_last;
};

struct ConvKernels {
  // output = conv(input, weight) + bias[out_channels]; bias may be null.
  Status (*forward)(const ConvArgs& args, const void* input, const void* weight, const void* bias,
                    void* output) = nullptr;
  // input = the transpose of conv in its input, applied to output, + bias[in_channels] (may be
  // null): the gradient of the input, and the transposed convolution.
  Status (*grad_input)(const ConvArgs& args, const void* output, const void* weight,
                       const void* bias, void* input) = nullptr;
  // weight = the gradient of the weight, for this input and this gradient of the output.
  Status (*grad_weight)(const ConvArgs& args, const void* input, const void* output,
                        void* weight) = nullptr;
};

}  // namespace tallow
