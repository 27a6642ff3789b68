// Batch normalisation kernels of one instruction-set level; the contracts are in backend/norm.h.
#pragma once

#include "backend/norm.h"

namespace tallow::cpu::TALLOW_ISA {

Status batch_norm_stats(DType dtype, const void* in, const ChannelShape& shape, void* mean,
                        void* rest, void* variance);
Status batch_norm_apply(DType dtype, void* out, const void* in, const ChannelShape& shape,
                        const void* mean, const void* rest, const void* scale, const void* bias);
Status batch_norm_backward(bool train, DType dtype, void* grad_in, void* grad_weight,
                           void* grad_bias, const void* grad, const void* in, const void* weight,
                           const void* mean, const void* invstd, const ChannelShape& shape);

}  // namespace tallow::cpu::TALLOW_ISA
