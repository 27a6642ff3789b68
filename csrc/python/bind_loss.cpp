// Loss functions. `reduction` is 0 (none), 1 (mean) or 2 (sum).
#include "ops/loss.h"
#include "python/bindings.h"

namespace tallow::python {

void bind_loss(Registry& r) {
  r.op<&ops::cross_entropy_loss>(
      "cross_entropy_loss(input, target, weight=None, reduction=1, ignore_index=-100, "
      "label_smoothing=0.0)",
      kNN, "Minus the log probability of the targets, from scores.");
  r.op<&ops::nll_loss>("nll_loss_nd(input, target, weight=None, reduction=1, ignore_index=-100)",
                       kNN, "Minus the log probability of the targets, from log probabilities.");
  r.alias("nll_loss_nd", "nll_loss");
  r.alias("nll_loss_nd", "nll_loss2d");
  r.op<&ops::mse_loss>("mse_loss(input, target, reduction=1)", kNN, "(input - target)^2");
  r.op<&ops::l1_loss>("l1_loss(input, target, reduction=1)", kNN, "|input - target|");
  r.op<&ops::smooth_l1_loss>("smooth_l1_loss(input, target, reduction=1, beta=1.0)", kNN,
                             "Absolute difference, squared where it is below beta.");
  r.op<&ops::huber_loss>("huber_loss(input, target, reduction=1, delta=1.0)", kNN,
                         "Squared difference, linear where it is above delta.");
  r.op<&ops::binary_cross_entropy>("binary_cross_entropy(input, target, weight=None, reduction=1)",
                                   kNN, "Cross entropy of two-valued probabilities.");
  r.op<&ops::binary_cross_entropy_with_logits>(
      "binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=1)",
      kFunction, "binary_cross_entropy of sigmoid(input).");
  r.op<&ops::kl_div>("kl_div(input, target, reduction=1, *, log_target=False)", kFunction,
                     "Kullback-Leibler divergence of a log probability from a target.");
}

}  // namespace tallow::python
