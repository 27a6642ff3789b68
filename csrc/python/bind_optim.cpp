// Optimiser steps over lists of parameters.
#include "ops/optim.h"
#include "python/bindings.h"

namespace tallow::python {

void bind_optim(Registry& r) {
  r.op<&ops::fused_sgd>(
      "_fused_sgd_(self, grads, momentum_buffer_list, *, weight_decay, momentum, lr, dampening, "
      "nesterov, maximize, is_first_step, grad_scale=None, found_inf=None)",
      kFunction, "One step of SGD for a list of parameters, in place.");
  r.op<&ops::fused_adam>(
      "_fused_adam_(self, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, state_steps, *, lr, "
      "beta1, beta2, weight_decay, eps, amsgrad, maximize, grad_scale=None, found_inf=None)",
      kFunction, "One step of Adam for a list of parameters, in place.");
  r.op<&ops::fused_adamw>(
      "_fused_adamw_(self, grads, exp_avgs, exp_avg_sqs, max_exp_avg_sqs, state_steps, *, lr, "
      "beta1, beta2, weight_decay, eps, amsgrad, maximize, grad_scale=None, found_inf=None)",
      kFunction, "One step of AdamW for a list of parameters, in place.");
}

}  // namespace tallow::python
