// Convolutions.
#include "ops/conv.h"
#include "ops/im2col.h"
#include "python/bindings.h"

namespace tallow::python {

void bind_conv(Registry& r) {
  r.op<&ops::convolution>(
      "convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, "
      "groups)",
      kFunction | kOut, "Apply a convolution, or its transpose, over the trailing dimensions.");
  r.op<&ops::conv1d, &ops::conv1d_padding>(
      {"conv1d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)",
       "conv1d(input, weight, bias=None, stride=1, padding='valid', dilation=1, groups=1)"},
      kFunction, "Convolve sequences of shape (N, C, L).");
  r.op<&ops::conv2d, &ops::conv2d_padding>(
      {"conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)",
       "conv2d(input, weight, bias=None, stride=1, padding='valid', dilation=1, groups=1)"},
      kFunction, "Convolve images of shape (N, C, H, W).");
  r.op<&ops::conv_transpose1d>(
      "conv_transpose1d(input, weight, bias=None, stride=1, padding=0, output_padding=0, "
      "groups=1, dilation=1)",
      kFunction, "Apply the transpose of conv1d.");
  r.op<&ops::conv_transpose2d>(
      "conv_transpose2d(input, weight, bias=None, stride=1, padding=0, output_padding=0, "
      "groups=1, dilation=1)",
      kFunction, "Apply the transpose of conv2d.");
  r.op<&ops::im2col>("im2col(input, kernel_size[], dilation[], padding[], stride[])", kNN | kOut,
                     "Copy every window of the last two dimensions into a column.");
  r.op<&ops::col2im>("col2im(input, output_size[], kernel_size[], dilation[], padding[], stride[])",
                     kNN | kOut, "Add columns back into windows.");
}

}  // namespace tallow::python
