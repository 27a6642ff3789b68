// Operations of three operands: selection, clamping, interpolation, scaled products.
#pragma once

#include <optional>

#include "autograd/inplace.h"
#include "core/operand.h"

namespace tallow::ops {

// condition ? self : other; numbers and promotion as in arithmetic.
Tensor where(const Tensor& condition, const Operand& self, const Operand& other);

// min(max(self, min), max); a missing bound does not bound.
Tensor clamp(const Tensor& self, const std::optional<Scalar>& min, const std::optional<Scalar>& max,
             Out out = {});
Tensor clamp_tensors(const Tensor& self, const std::optional<Tensor>& min,
                     const std::optional<Tensor>& max, Out out = {});
Tensor clamp_min(const Tensor& self, const Operand& min, Out out = {});
Tensor clamp_max(const Tensor& self, const Operand& max, Out out = {});

// self + weight * (end - self)
Tensor lerp(const Tensor& self, const Tensor& end, const Operand& weight, Out out = {});
// self + value * tensor1 * tensor2
Tensor addcmul(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
               const Scalar& value = 1, Out out = {});
// self + value * tensor1 / tensor2
Tensor addcdiv(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
               const Scalar& value = 1, Out out = {});

}  // namespace tallow::ops
