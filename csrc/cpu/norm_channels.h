// Normalisation kernels of one instruction-set level that treat channels apart; the contracts are
// in backend/norm.h.
#pragma once

#include "backend/norm.h"

namespace tallow::cpu::TALLOW_ISA {

Status batch_norm(bool train, DType dtype, void* out, const void* in, const void* weight,
                  const void* bias, const ChannelShape& shape, double eps, void* mean,
                  void* variance, void* invstd);
Status batch_norm_backward(bool train, DType dtype, void* grad_in, void* grad_weight,
                           void* grad_bias, const void* grad, const void* in, const void* weight,
                           const void* mean, const void* invstd, const ChannelShape& shape);
Status group_norm(DType dtype, void* out, const void* in, const void* weight, const void* bias,
                  const ChannelShape& shape, int64_t groups, double eps, void* mean, void* rstd);
Status group_norm_backward(DType dtype, void* grad_in, void* grad_weight, void* grad_bias,
                           const void* grad, const void* in, const void* weight, const void* mean,
                           const void* rstd, const ChannelShape& shape, int64_t groups);

}  // namespace tallow::cpu::TALLOW_ISA
