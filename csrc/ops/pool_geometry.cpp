#include "ops/pool_geometry.h"

#include <algorithm>

#include "core/error.h"
#include "ops/memory_order.h"
#include "ops/windows.h"

namespace tallow::ops {

namespace {

// The same planes with `height` x `width` output pixels.
void set_output(Pooling& pooling, int64_t height, int64_t width) {
  pooling.args.out_size[0] = height;
  pooling.args.out_size[1] = width;
  pooling.out_shape = pooling.in_shape;
  pooling.out_shape[pooling.in_shape.size() - 2] = height;
  pooling.out_shape[pooling.in_shape.size() - 1] = width;
}

Pooling describe(const Tensor& input) {
  Pooling pooling{};
  pooling.in_shape = input.sizes();
  pooling.args.dtype = input.dtype();
  pooling.channels_last = suggests_channels_last(input);
  pooling.args.interleaved = pooling.channels_last ? input.sizes()[1] : 1;
  pooling.args.planes = 1;
  const int64_t lead = input.dim() - 2;
  for (int64_t d = 0; d < lead; ++d) pooling.args.planes *= input.sizes()[d];
  pooling.args.in_size[0] = input.sizes()[lead];
  pooling.args.in_size[1] = input.sizes()[lead + 1];
  return pooling;
}

// One number for both dimensions, or two.
void set_pair(int64_t (&pair)[2], const Dims& values) {
  pair[0] = values[0];
  pair[1] = values.back();
}

}  // namespace

bool is_pair(const Dims& values) { return values.size() == 1 || values.size() == 2; }

int64_t pooled_size(int64_t in, int64_t kernel, int64_t stride, int64_t padding, int64_t dilation,
                    bool ceil_mode) {
  TALLOW_CHECK(std::max({kernel, stride, padding, dilation}) <= kMostWindow,
               "value cannot be converted to type int without overflow: pooling windows with "
               "kernel_size=",
               kernel, ", stride=", stride, ", padding=", padding, ", dilation=", dilation);
  TALLOW_CHECK(stride != 0, "stride should not be zero");
  TALLOW_CHECK(padding >= 0, "pad must be non-negative, but got pad: ", padding);
  TALLOW_CHECK(padding <= ((kernel - 1) * dilation + 1) / 2,
               "pad should be at most half of effective kernel size, but got pad=", padding,
               ", kernel_size=", kernel, " and dilation=", dilation);
  const int64_t span =
      in + 2 * padding - dilation * (kernel - 1) - 1 + (ceil_mode ? stride - 1 : 0);
  const int64_t steps = span / stride - (span % stride != 0 && (span < 0) != (stride < 0));
  // The last window must begin inside the input or its left padding.
  return steps + 1 - (ceil_mode && steps * stride >= in + padding);
}

void check_image(const Tensor& input) {
  TALLOW_CHECK(input.dim() == 3 || input.dim() == 4,
               "non-empty 3D or 4D (batch mode) tensor expected for input");
}

Pooling describe_windows(const char* op, const Tensor& input, const Dims& kernel_size,
                         const Dims& stride, const Dims& padding, const Dims& dilation,
                         bool ceil_mode) {
  TALLOW_CHECK(is_pair(kernel_size), op,
               ": kernel_size must either be a single int, or a tuple of two ints");
  TALLOW_CHECK(stride.empty() || is_pair(stride), op,
               ": stride must either be omitted, a single int, or a tuple of two ints");
  TALLOW_CHECK(is_pair(padding), op,
               ": padding must either be a single int, or a tuple of two ints");
  TALLOW_CHECK(is_pair(dilation), op,
               ": dilation must be either a single int, or a tuple of two ints");
  Pooling pooling = describe(input);
  PoolArgs& args = pooling.args;
  set_pair(args.kernel, kernel_size);
  set_pair(args.stride, stride.empty() ? kernel_size : stride);
  set_pair(args.padding, padding);
  set_pair(args.dilation, dilation);
  int64_t out[2];
  for (int d = 0; d < 2; ++d) {
    out[d] = pooled_size(args.in_size[d], args.kernel[d], args.stride[d], args.padding[d],
                         args.dilation[d], ceil_mode);
  }
  TALLOW_CHECK(args.kernel[0] > 0 && args.kernel[1] > 0,
               "kernel size should be greater than zero, but got kH: ", args.kernel[0],
               " kW: ", args.kernel[1]);
  TALLOW_CHECK(args.stride[0] > 0 && args.stride[1] > 0,
               "stride should be greater than zero, but got dH: ", args.stride[0],
               " dW: ", args.stride[1]);
  TALLOW_CHECK(args.dilation[0] > 0 && args.dilation[1] > 0,
               "dilation should be greater than zero, but got dilationH: ", args.dilation[0],
               " dilationW: ", args.dilation[1]);
  bool empty = false;
  for (int64_t d = input.dim() == 4 ? 1 : 0; d < input.dim(); ++d) {
    empty = empty || input.sizes()[d] == 0;
  }
  TALLOW_CHECK(!empty,
               "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for "
               "input, but got:",
               input.sizes());
  const int64_t channels = input.size(-3);
  TALLOW_CHECK(out[0] > 0 && out[1] > 0, "Given input size: (", channels, "x", args.in_size[0], "x",
               args.in_size[1], "). Calculated output size: (", channels, "x", out[0], "x", out[1],
               "). Output size is too small");
  // A single window does not step: kernels need not reckon with where the next would be.
  for (int d = 0; d < 2; ++d) args.stride[d] = out[d] == 1 ? 1 : args.stride[d];
  set_output(pooling, out[0], out[1]);
  return pooling;
}

Pooling describe_adaptive(const char* op, const char* got, const Tensor& input,
                          const Dims& output_size) {
  TALLOW_CHECK(input.dim() == 3 || input.dim() == 4, op, "(): Expected 3D or 4D tensor, but got",
               got, " ", input.sizes());
  for (int64_t d = input.dim() == 4 ? 1 : 0; d < input.dim(); ++d) {
    TALLOW_CHECK(input.sizes()[d] > 0, op,
                 "(): Expected input to have non-zero size for non-batch "
                 "dimensions, but input has sizes ",
                 input.sizes(), " with dimension ", d, " being empty");
  }
  Pooling pooling = describe(input);
  set_output(pooling, output_size[0], output_size.back());
  return pooling;
}

}  // namespace tallow::ops
