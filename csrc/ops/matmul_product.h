// The product behind every op of the family: no autograd, shapes already checked.
#pragma once

#include "core/scalar.h"
#include "core/tensor.h"

namespace tallow::ops {

// beta * init + alpha * a b, shapes (*, m, k) and (*, k, n) whose leading dimensions broadcast.
// `init` is broadcast to the result; undefined: none. The result is row-major. `op` is the name in
// error messages.
Tensor product(const char* op, const Tensor& a, const Tensor& b, const Tensor& init = {},
               const Scalar& beta = 1, const Scalar& alpha = 1);

// Gradients of a product: of its left operand, grad b^H, and of its right one, a^H grad, both times
// alpha. A gradient comes out in the memory order of its operand where that is a transposed matrix,
// and a matrix that was broadcast over a batch gets its sum in one product.
Tensor left_gradient(const Tensor& grad, const Tensor& a, const Tensor& b, const Scalar& alpha);
Tensor right_gradient(const Tensor& grad, const Tensor& a, const Tensor& b, const Scalar& alpha);

}  // namespace tallow::ops
