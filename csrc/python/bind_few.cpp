// Calls on few numbers, computed at once; None where the general way has to do it.
#include "ops/few.h"

#include "python/bindings.h"

namespace tallow::python {

void bind_few(Registry& r) {
  r.op<&ops::polygamma_few>("polygamma_few(n, input)", kNN, "Differentiate digamma n times.");
  r.op<&ops::cdist_few>("cdist_few(x1, x2, p)", kNN, "Distances of all pairs of a few rows.");
  r.op<&ops::pdist_few>("pdist_few(input, p)", kNN, "Distances of a few rows.");
  r.op<&ops::ctc_losses_few>(
      "ctc_losses_few(log_probs, targets, input_lengths, target_lengths, blank)", kNN,
      "Losses of a few short sequences.");
  r.op<&ops::multilabel_margin_few>("multilabel_margin_few(scores, classes)", kNN,
                                    "Losses of a few rows.");
  r.op<&ops::multi_margin_few>("multi_margin_few(scores, classes, squared, margin)", kNN,
                               "Losses of a few rows.");
  r.op<&ops::interpolate_few>(
      "interpolate_few(input, size, scale_factor, mode, align_corners, recompute)", kNN,
      "Resize a small image.");
  r.op<&ops::pad_few>("pad_few(input, pad, mode, value)", kNN, "Pad a small tensor.");
  r.op<&ops::xlog1py_few>("xlog1py_few(input, other)", kNN, "x log(1 + y) of a few numbers.");
  r.op<&ops::entr_few>("entr_few(input)", kNN, "-x log(x) of a few numbers.");
  r.op<&ops::cross_few>("cross_few(input, other, dim)", kNN, "Vector product of a few vectors.");
  r.op<&ops::angle_few>("angle_few(input)", kNN, "Angles of a few real numbers.");
  r.op<&ops::frexp_few>("frexp_few(input)", kNN, "Take a few numbers apart.");
  r.op<&ops::fft_few>("fft_few(input, s, dim, norm, kind)", kNN, "Transform a few numbers.");
  r.op<&ops::avg_pool3d_few>(
      "avg_pool3d_few(input, kernel_size, stride=(), padding=0, ceil_mode=False, "
      "count_include_pad=True)",
      kNN, "Average the windows of a small volume.");
  r.op<&ops::max_pool3d_few>(
      "max_pool3d_few(input, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False)", kNN,
      "Maxima of the windows of a small volume, and where they are.");
  r.op<&ops::adaptive_avg_pool3d_few>("adaptive_avg_pool3d_few(input, output_size)", kNN,
                                      "Average nearly equal parts of a small volume.");
  r.op<&ops::adaptive_max_pool3d_few>("adaptive_max_pool3d_few(input, output_size)", kNN,
                                      "Maxima of nearly equal parts of a small volume.");
  r.op<&ops::fractional_max_pool_few>(
      "fractional_max_pool_few(input, kernel_size, output_size, samples)", kNN,
      "Maxima of windows at random places of a small image or volume.");
}

}  // namespace tallow::python
