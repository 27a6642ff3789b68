// Pooling.
#include "ops/pool.h"
#include "python/bindings.h"

namespace tallow::python {

namespace {

// No stride is that of windows side by side.
Tensor avg_pool1d(const Tensor& input, const Dims& kernel_size, const std::optional<Dims>& stride,
                  const Dims& padding, bool ceil_mode, bool count_include_pad) {
  return ops::avg_pool1d(input, kernel_size, stride.value_or(Dims{}), padding, ceil_mode,
                         count_include_pad);
}
Tensor avg_pool2d(const Tensor& input, const Dims& kernel_size, const std::optional<Dims>& stride,
                  const Dims& padding, bool ceil_mode, bool count_include_pad,
                  std::optional<int64_t> divisor_override) {
  return ops::avg_pool2d(input, kernel_size, stride.value_or(Dims{}), padding, ceil_mode,
                         count_include_pad, divisor_override);
}

}  // namespace

void bind_pool(Registry& r) {
  r.op<&ops::max_pool1d>(
      "max_pool1d(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False)",
      kFunction, "Take the largest element of each window of the last dimension.");
  r.op<&ops::max_pool1d_with_indices>(
      "max_pool1d_with_indices(input, kernel_size, stride=(), padding=0, dilation=1, "
      "ceil_mode=False)",
      kFunction, "Apply max_pool1d and also return the positions of the maxima.");
  r.op<&ops::max_pool2d>(
      "max_pool2d(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False)",
      kFunction, "Take the largest element of each window of the last two dimensions.");
  r.op<&ops::max_pool2d_with_indices>(
      "max_pool2d_with_indices(input, kernel_size, stride=(), padding=0, dilation=1, "
      "ceil_mode=False)",
      kNN, "Apply max_pool2d and also return the flat positions of the maxima.");
  r.op<&avg_pool1d>(
      "avg_pool1d(input, kernel_size, stride=None, padding=0, ceil_mode=False, "
      "count_include_pad=True)",
      kFunction | kOut, "Average each window of the last dimension.");
  r.op<&avg_pool2d>(
      "avg_pool2d(input, kernel_size, stride=None, padding=0, ceil_mode=False, "
      "count_include_pad=True, divisor_override=None)",
      kNN | kOut, "Average each window of the last two dimensions.");
  r.op<&ops::adaptive_avg_pool1d>("adaptive_avg_pool1d(input, output_size)", kFunction | kOut,
                                  "Average output_size nearly equal parts of the last dimension.");
  r.op<&ops::adaptive_avg_pool2d>("adaptive_avg_pool2d(input, output_size)", kNN | kOut,
                                  "Average nearly equal parts of the last two dimensions.");
  r.op<&ops::adaptive_max_pool1d>("adaptive_max_pool1d(input, output_size)", kFunction,
                                  "Take maxima of nearly equal parts of the last dimension.");
  r.op<&ops::adaptive_max_pool2d>("adaptive_max_pool2d(input, output_size)", kNN,
                                  "Take maxima of nearly equal parts of the last two dimensions.");
}

}  // namespace tallow::python
