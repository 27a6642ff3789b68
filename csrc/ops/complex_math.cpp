#include "ops/complex_math.h"

#include <cmath>

#include "autograd/grad_mode.h"
#include "core/dtype.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

Tensor logarithm(const Tensor& self, double base) {
  return complex_of(mul(log(abs(self)), 1 / base), mul(atan2(imag(self), real(self)), 1 / base));
}

// The root in the right half-plane: the larger part directly, the other by division.
Tensor root(const Tensor& self) {
  const Tensor re = real(self), im = imag(self), zero = zeros_like(re);
  const Tensor large = sqrt(mul(add(abs(self), abs(re)), 0.5));
  const Tensor small = where(eq(large, 0), zero, div(abs(im), mul(large, 2)));
  const Tensor right = ge(re, 0);
  return complex_of(where(right, large, small),
                    mul(where(right, small, large), where(lt(im, 0), Scalar(-1.0), Scalar(1.0))));
}

}  // namespace

Tensor complex_unary(UnaryOp op, const Tensor& self) {
  const NoGradGuard no_grad;
  const auto x = [&] { return real(self); };
  const auto y = [&] { return imag(self); };
  switch (op) {
    case UnaryOp::kLog:
      return logarithm(self, 1);
    case UnaryOp::kLog2:
      return logarithm(self, M_LN2);
    case UnaryOp::kLog10:
      return logarithm(self, M_LN10);
    case UnaryOp::kSqrt:
      return root(self);
    case UnaryOp::kExp: {
      const Tensor size = exp(x());
      return complex_of(mul(size, cos(y())), mul(size, sin(y())));
    }
    case UnaryOp::kSin:
      return complex_of(mul(sin(x()), cosh(y())), mul(cos(x()), sinh(y())));
    case UnaryOp::kCos:
      return complex_of(mul(cos(x()), cosh(y())), neg(mul(sin(x()), sinh(y()))));
    case UnaryOp::kSinh:
      return complex_of(mul(sinh(x()), cos(y())), mul(cosh(x()), sin(y())));
    case UnaryOp::kCosh:
      return complex_of(mul(cosh(x()), cos(y())), mul(sinh(x()), sin(y())));
    default:
      return {};
  }
}

}  // namespace tallow::ops
