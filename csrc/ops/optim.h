// Optimiser steps over lists of parameters, in place and outside of autograd.
#pragma once

#include <vector>

#include "core/operand.h"
#include "core/tensor.h"

namespace tallow::ops {

// One step of stochastic gradient descent. `momentum_buffers` is empty without momentum; on the
// first step its tensors are set. A true `found_inf` skips the step, `grad_scale` divides
// gradients.
void fused_sgd(const std::vector<Tensor>& params, const std::vector<Tensor>& grads,
               const std::vector<Tensor>& momentum_buffers, double weight_decay, double momentum,
               const Operand& lr, double dampening, bool nesterov, bool maximize,
               bool is_first_step, const Tensor& grad_scale, const Tensor& found_inf);

// One step of Adam, or with decoupled weight decay (AdamW). `state_steps` hold the number of this
// step, from 1; `max_exp_avg_sqs` is empty unless `amsgrad`.
void fused_adam(const std::vector<Tensor>& params, const std::vector<Tensor>& grads,
                const std::vector<Tensor>& exp_avgs, const std::vector<Tensor>& exp_avg_sqs,
                const std::vector<Tensor>& max_exp_avg_sqs, const std::vector<Tensor>& state_steps,
                const Operand& lr, double beta1, double beta2, double weight_decay, double eps,
                bool amsgrad, bool maximize, const Tensor& grad_scale, const Tensor& found_inf);
void fused_adamw(const std::vector<Tensor>& params, const std::vector<Tensor>& grads,
                 const std::vector<Tensor>& exp_avgs, const std::vector<Tensor>& exp_avg_sqs,
                 const std::vector<Tensor>& max_exp_avg_sqs, const std::vector<Tensor>& state_steps,
                 const Operand& lr, double beta1, double beta2, double weight_decay, double eps,
                 bool amsgrad, bool maximize, const Tensor& grad_scale, const Tensor& found_inf);

}  // namespace tallow::ops
