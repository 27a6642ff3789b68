// How losses are reduced.
#pragma once

#include "backend/loss.h"
#include "core/tensor.h"

namespace tallow::ops {

// From PyTorch's numbers: 0 none, 1 mean, 2 sum.
LossReduction loss_reduction(int64_t reduction);
Tensor reduce_losses(const Tensor& losses, LossReduction reduction);

}  // namespace tallow::ops
