// Softmax kernels: normalising exponentials along the middle of a contiguous [outer][n][inner]
// array.
#pragma once

#include "core/types.h"

namespace tallow {

// Floating types. n may be 0. Outputs must not overlap inputs.
struct SoftmaxKernels {
  // out = exp(in - max) / sum, or its logarithm.
  Status (*forward)(bool log, DType dtype, void* out, const void* in, int64_t outer, int64_t n,
                    int64_t inner) = nullptr;
  // The gradient of the input from that of the result: y * (grad - sum(grad * y)), or with the
  // logarithm grad - exp(y) * sum(grad).
  Status (*backward)(bool log, DType dtype, void* grad_in, const void* grad, const void* y,
                     int64_t outer, int64_t n, int64_t inner) = nullptr;
  // out[outer][inner] = log(sum(exp(in))).
  Status (*logsumexp)(DType dtype, void* out, const void* in, int64_t outer, int64_t n,
                      int64_t inner) = nullptr;
};

}  // namespace tallow
