// Functions of one tensor, element by element. Integers and bool give the default floating type
// where the function has no integer form.
#pragma once

#include <optional>
#include <string_view>

#include "autograd/inplace.h"
#include "core/scalar.h"

namespace tallow::ops {

Tensor neg(const Tensor& self, Out out = {});
Tensor positive(const Tensor& self);
Tensor abs(const Tensor& self, Out out = {});
Tensor sign(const Tensor& self, Out out = {});
// sign() for real numbers, z / |z| for complex ones
Tensor sgn(const Tensor& self, Out out = {});
Tensor square(const Tensor& self, Out out = {});
Tensor reciprocal(const Tensor& self, Out out = {});
Tensor sqrt(const Tensor& self, Out out = {});
Tensor rsqrt(const Tensor& self, Out out = {});

Tensor floor(const Tensor& self, Out out = {});
Tensor ceil(const Tensor& self, Out out = {});
Tensor trunc(const Tensor& self, Out out = {});
Tensor frac(const Tensor& self, Out out = {});
// Halves to even, at `decimals` digits after the point (before it, if negative).
Tensor round(const Tensor& self, int64_t decimals = 0, Out out = {});
// Finite numbers in place of NaN and the infinities; none: 0 and the type's largest and smallest.
Tensor nan_to_num(const Tensor& self, std::optional<double> nan = std::nullopt,
                  std::optional<double> posinf = std::nullopt,
                  std::optional<double> neginf = std::nullopt, Out out = {});
Tensor deg2rad(const Tensor& self, Out out = {});
Tensor rad2deg(const Tensor& self, Out out = {});

Tensor exp(const Tensor& self, Out out = {});
Tensor exp2(const Tensor& self, Out out = {});
Tensor expm1(const Tensor& self, Out out = {});
Tensor log(const Tensor& self, Out out = {});
Tensor log2(const Tensor& self, Out out = {});
Tensor log10(const Tensor& self, Out out = {});
Tensor log1p(const Tensor& self, Out out = {});
Tensor sin(const Tensor& self, Out out = {});
Tensor cos(const Tensor& self, Out out = {});
Tensor tan(const Tensor& self, Out out = {});
Tensor asin(const Tensor& self, Out out = {});
Tensor acos(const Tensor& self, Out out = {});
Tensor atan(const Tensor& self, Out out = {});
Tensor sinh(const Tensor& self, Out out = {});
Tensor cosh(const Tensor& self, Out out = {});
Tensor tanh(const Tensor& self, Out out = {});
Tensor asinh(const Tensor& self, Out out = {});
Tensor acosh(const Tensor& self, Out out = {});
Tensor atanh(const Tensor& self, Out out = {});
Tensor erf(const Tensor& self, Out out = {});
Tensor erfc(const Tensor& self, Out out = {});
Tensor sigmoid(const Tensor& self, Out out = {});
// The special function of that name, computed in float64 and rounded to the result's type; without
// a derivative.
Tensor special(const Tensor& self, std::string_view function);
Tensor special(const Tensor& self, const Tensor& other, std::string_view function);
// log(self / (1 - self)), self first clamped to [eps, 1 - eps] if eps is given
Tensor logit(const Tensor& self, std::optional<double> eps = std::nullopt, Out out = {});

Tensor tanh_backward(const Tensor& grad, const Tensor& output);
Tensor sigmoid_backward(const Tensor& grad, const Tensor& output);

// A real tensor is its own conjugate.
Tensor conj(const Tensor& self);

}  // namespace tallow::ops
