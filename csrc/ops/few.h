// Calls on so few numbers that the way to a kernel, or through Python, costs more than the work:
// computed by definition, in double precision. Every function returns an undefined tensor for what
// it leaves to the general way: many elements, another dtype or device, a derivative that is
// recorded, and all arguments that are wrong.
#pragma once

#include <optional>
#include <string_view>
#include <tuple>

#include "core/tensor.h"

namespace tallow::ops {

// The transforms of tallow.fft. "Half" keeps the non-negative frequencies of the last dimension.
enum class FftKind : uint8_t { kForward, kInverse, kToHalf, kFromHalf, kHermitian, kToHermitian };
Tensor fft_few(const Tensor& input, const std::optional<Dims>& s, const std::optional<Dims>& dim,
               std::optional<std::string_view> norm, int64_t kind);

// Pooling of (N, C, D, H, W) or (C, D, H, W), with the meaning and defaults of pooling in two
// dimensions (ops/pool.h); maxima come with their positions in the flattened volume.
Tensor avg_pool3d_few(const Tensor& input, const Dims& kernel_size, const Dims& stride,
                      const Dims& padding, bool ceil_mode, bool count_include_pad);
std::tuple<Tensor, Tensor> max_pool3d_few(const Tensor& input, const Dims& kernel_size,
                                          const Dims& stride, const Dims& padding,
                                          const Dims& dilation, bool ceil_mode);
Tensor adaptive_avg_pool3d_few(const Tensor& input, const Dims& output_size);
std::tuple<Tensor, Tensor> adaptive_max_pool3d_few(const Tensor& input, const Dims& output_size);
// Windows of kernel_size that begin where `samples`, one number in [0, 1) per channel and
// dimension, put them: in images (two dimensions) or volumes.
std::tuple<Tensor, Tensor> fractional_max_pool_few(const Tensor& input, const Dims& kernel_size,
                                                   const Dims& output_size, const Tensor& samples);

// The n-th derivative of digamma, n > 0.
Tensor polygamma_few(int64_t n, const Tensor& input);
// Distances of all rows of two (batches of) matrices, or of one.
Tensor cdist_few(const Tensor& x1, const Tensor& x2, double p);
Tensor pdist_few(const Tensor& input, double p);
// The loss of each sequence of (T, N, C) before any reduction.
Tensor ctc_losses_few(const Tensor& log_probs, const Tensor& targets, const Dims& input_lengths,
                      const Dims& target_lengths, int64_t blank);
// The loss of each row of (N, C) before any reduction.
Tensor multilabel_margin_few(const Tensor& scores, const Tensor& classes);
Tensor multi_margin_few(const Tensor& scores, const Tensor& classes, bool squared, double margin);
// F.pad with any mode but "circular" and no other value than 0 with those that are not "constant".
Tensor pad_few(const Tensor& input, const Dims& pad, std::string_view mode,
               std::optional<double> value);
// F.interpolate by sizes or one factor, without "area" and antialiasing.
Tensor interpolate_few(const Tensor& input, const std::optional<Dims>& size,
                       std::optional<double> scale_factor, std::string_view mode,
                       std::optional<bool> align_corners, std::optional<bool> recompute);
Tensor xlog1py_few(const Tensor& input, const Tensor& other);
Tensor entr_few(const Tensor& input);
// The vector product along a dimension of size 3.
Tensor cross_few(const Tensor& input, const Tensor& other, int64_t dim);
// Of real numbers: 0, pi or NaN.
Tensor angle_few(const Tensor& input);
std::tuple<Tensor, Tensor> frexp_few(const Tensor& input);

}  // namespace tallow::ops
