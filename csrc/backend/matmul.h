// Matrix products.
#pragma once

#include <cstdint>

#include "core/types.h"

namespace tallow {

// For every p < batch[0], q < batch[1], i < m, j < n:
//   c[p, q, i, j] = beta * init[p, q, i, j] + alpha * sum over l < k of a[p, q, i, l] * b[p, q, l,
//   j]
// Operands have strides in elements for (p, q, row, column); 0 repeats. `init` may be null: no
// first term. c's columns are contiguous (column stride 1) and its elements distinct; it may be
// init itself but overlaps neither a nor b. With k == 0 the sum is zero. alpha and beta other than
// 1 are for floating types only.
struct MatmulOperand {
  const void* data;
  int64_t stride[4];
};
struct MatmulArgs {
  DType dtype;
  int64_t batch[2];
  int64_t m, n, k;
  MatmulOperand a, b, init;
  void* c;
  int64_t c_stride[3];  // p, q, row
  double alpha, beta;
};

struct MatmulKernels {
  // Every dtype but bool; half types sum in float32.
  Status (*matmul)(const MatmulArgs& args) = nullptr;
};

}  // namespace tallow
