// Arithmetic of two operands, and the one-operand arithmetic that goes with it.
#pragma once

#include <optional>
#include <string_view>

#include "autograd/inplace.h"
#include "core/operand.h"

namespace tallow::ops {

// self + alpha * other
Tensor add(const Operand& self, const Operand& other, const Scalar& alpha = 1, Out out = {});
Tensor sub(const Operand& self, const Operand& other, const Scalar& alpha = 1, Out out = {});
// other - alpha * self
Tensor rsub(const Tensor& self, const Operand& other, const Scalar& alpha = 1);
Tensor mul(const Operand& self, const Operand& other, Out out = {});
// rounding_mode: none (true division), "trunc" or "floor".
Tensor div(const Operand& self, const Operand& other,
           std::optional<std::string_view> rounding_mode = std::nullopt, Out out = {});
Tensor floor_divide(const Operand& self, const Operand& other, Out out = {});
// The sign of the result is the divisor's (remainder) or the dividend's (fmod).
Tensor remainder(const Operand& self, const Operand& other, Out out = {});
Tensor fmod(const Tensor& self, const Operand& other, Out out = {});
Tensor pow(const Operand& self, const Operand& exponent, Out out = {});
// pow() in float64 (complex128 for complex operands).
Tensor float_power(const Operand& self, const Operand& exponent, Out out = {});

// Elementwise extremes; NaN wins (maximum, minimum) or loses (fmax, fmin).
Tensor maximum(const Tensor& self, const Tensor& other, Out out = {});
Tensor minimum(const Tensor& self, const Tensor& other, Out out = {});
Tensor fmax(const Tensor& self, const Tensor& other, Out out = {});
Tensor fmin(const Tensor& self, const Tensor& other, Out out = {});

Tensor atan2(const Tensor& self, const Tensor& other, Out out = {});
Tensor hypot(const Tensor& self, const Tensor& other, Out out = {});
Tensor copysign(const Tensor& self, const Operand& other, Out out = {});
// self * log(other), 0 where self is 0
Tensor xlogy(const Operand& self, const Operand& other, Out out = {});
// log(exp(self) + exp(other))
Tensor logaddexp(const Tensor& self, const Tensor& other, Out out = {});
// 0 below 0, 1 above, `values` at 0
Tensor heaviside(const Tensor& self, const Tensor& values, Out out = {});

}  // namespace tallow::ops
