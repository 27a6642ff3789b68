// Functions of complex tensors, from functions of their parts.
#pragma once

#include "backend/pointwise.h"
#include "core/tensor.h"

namespace tallow::ops {

// The values of a function, or an undefined tensor if there is no formula for it. Records nothing.
Tensor complex_unary(UnaryOp op, const Tensor& self);

}  // namespace tallow::ops
