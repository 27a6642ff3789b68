// Are two whole tensors the same, exactly or within a tolerance?
#pragma once

#include "core/tensor.h"

namespace tallow::ops {

// Same shape and all elements equal; NaN equals nothing. Types and devices must agree.
bool equal(const Tensor& self, const Tensor& other);
// Is isclose() true everywhere?
bool allclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan);

}  // namespace tallow::ops
