// Loss functions. `reduction` is 0 for one loss per element or sample, 1 for the mean, 2 for the
// sum.
#pragma once

#include "core/tensor.h"

namespace tallow::ops {

// Scores (classes), (N, classes) or (N, classes, ...) against class numbers (), (N) or (N, ...).
// `weight` (per class) may be undefined; targets equal to `ignore_index` do not count; the mean is
// over the weights of the targets.
Tensor nll_loss(const Tensor& input, const Tensor& target, const Tensor& weight, int64_t reduction,
                int64_t ignore_index);
// nll_loss of log_softmax; a target in the shape of the input holds class probabilities.
Tensor cross_entropy_loss(const Tensor& input, const Tensor& target, const Tensor& weight,
                          int64_t reduction, int64_t ignore_index, double label_smoothing);

// Losses of elements; operands broadcast.
Tensor l1_loss(const Tensor& input, const Tensor& target, int64_t reduction);
Tensor mse_loss(const Tensor& input, const Tensor& target, int64_t reduction);
Tensor smooth_l1_loss(const Tensor& input, const Tensor& target, int64_t reduction, double beta);
Tensor huber_loss(const Tensor& input, const Tensor& target, int64_t reduction, double delta);
// `weight` and `pos_weight` (per element, broadcast) may be undefined.
Tensor binary_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                            int64_t reduction);
Tensor binary_cross_entropy_with_logits(const Tensor& input, const Tensor& target,
                                        const Tensor& weight, const Tensor& pos_weight,
                                        int64_t reduction);
Tensor kl_div(const Tensor& input, const Tensor& target, int64_t reduction, bool log_target);

}  // namespace tallow::ops
