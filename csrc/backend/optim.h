// Optimiser kernels: one step for a whole list of parameters, one pass over memory.
#pragma once

#include "core/types.h"

namespace tallow {

// Contiguous arrays of `numel` elements of one floating type.
struct SgdTensors {
  void* param;
  const void* grad;
  void* momentum;  // null without momentum
  int64_t numel;
};
struct SgdOptions {
  double lr;
  double momentum;
  double dampening;
  double weight_decay;
  bool nesterov;
  bool maximize;
  bool first_step;  // the momentum buffer is yet unset and becomes the gradient
};

struct AdamTensors {
  void* param;
  const void* grad;
  void* exp_avg;
  void* exp_avg_sq;
  void* max_exp_avg_sq;  // null without amsgrad
  int64_t numel;
  double step;  // the number of this step, from 1
};
struct AdamOptions {
  double lr;
  double beta1;
  double beta2;
  double eps;
  double weight_decay;
  bool decoupled;  // AdamW: shrink the parameter instead of adding to the gradient
  bool maximize;
};

// Each element goes through the operations of PyTorch's per-tensor implementation in their order;
// half types are updated in float and rounded once.
struct OptimKernels {
  Status (*sgd)(DType dtype, const SgdTensors* tensors, int64_t count,
                const SgdOptions& options) = nullptr;
  Status (*adam)(DType dtype, const AdamTensors* tensors, int64_t count,
                 const AdamOptions& options) = nullptr;
};

}  // namespace tallow
