#include "ops/unary_math.h"

#include <cmath>
#include <limits>

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/ternary.h"

namespace tallow::ops {

namespace {

// A function that integers do not have: they and bool are converted to the default type.
Tensor floating(UnaryOp op, const char* name, const Tensor& self, const Out& out) {
  const DType dtype = floating_type(self.dtype());
  return unary(op, name, self, dtype, dtype, out);
}

// A function that keeps the type.
Tensor same_type(UnaryOp op, const char* name, const Tensor& self, const Out& out) {
  return unary(op, name, self, self.dtype(), self.dtype(), out);
}

// Records a function whose gradient is grad * slope(self).
template <class Slope>
Tensor with_slope(const char* node, const Tensor& self, const Tensor& kept, Tensor result,
                  const Slope& slope) {
  return record(node, {&self}, std::move(result), [&](Saver& save) {
    return
        [x = save(kept, "self"), slope](Grads& g) { g.out[0] = mul(g.grad(), conj(slope(g[x]))); };
  });
}

// The same with the slope as a function of the result.
template <class Slope>
Tensor with_result_slope(const char* node, const Tensor& self, Tensor result, const Slope& slope) {
  return record(node, {&self}, result, [&](Saver& save) {
    return
        [y = save.output(result), slope](Grads& g) { g.out[0] = mul(g.grad(), conj(slope(g[y]))); };
  });
}

// A step function: its gradient is zero wherever it exists.
Tensor with_zero_grad(const char* node, const Tensor& self, Tensor result) {
  return record(node, {&self}, std::move(result),
                [&](Saver&) { return [](Grads& g) { g.out[0] = zeros_like(g.grad()); }; });
}

}  // namespace

// ---- Arithmetic.

Tensor neg(const Tensor& self, Out out) {
  TALLOW_CHECK(
      self.dtype() != DType::kBool,
      "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to "
      "invert a mask, use the `~` or `logical_not()` operator instead.");
  return record("NegBackward0", {&self}, same_type(UnaryOp::kNeg, "neg", self, out),
                [&](Saver&) { return [](Grads& g) { g.out[0] = neg(g.grad()); }; });
}

Tensor positive(const Tensor& self) {
  TALLOW_CHECK(self.dtype() != DType::kBool,
               "The `+` operator, on a bool tensor is not supported.");
  return self;
}

Tensor abs(const Tensor& self, Out out) {
  const DType dtype = self.dtype();
  const Tensor kept = saved_self(self, out);
  TALLOW_CHECK(!(out.is_inplace() && is_complex(dtype)),
               "In-place abs is not supported for complex tensors.");
  Tensor result = unary(UnaryOp::kAbs, "abs", self, dtype, real_type(dtype), out);
  return record("AbsBackward0", {&self}, std::move(result), [&](Saver& save) {
    return [x = save(kept, "self")](Grads& g) { g.out[0] = mul(g.grad(), sgn(g[x])); };
  });
}

Tensor sign(const Tensor& self, Out out) {
  TALLOW_CHECK_NOT_IMPLEMENTED(!is_complex(self.dtype()),
                               "Unlike NumPy, torch.sign is not intended to support complex "
                               "numbers. Please use torch.sgn instead.");
  return with_zero_grad("SignBackward0", self, same_type(UnaryOp::kSign, "sign", self, out));
}

Tensor sgn(const Tensor& self, Out out) {
  if (!is_complex(self.dtype())) {
    return with_zero_grad("SgnBackward0", self, same_type(UnaryOp::kSign, "sgn", self, out));
  }
  // z / |z|, and 0 at 0: composed, so that its derivative is too.
  const Tensor magnitude = abs(self);
  return div(self, where(eq(magnitude, 0), 1, magnitude), std::nullopt, out);
}

Tensor square(const Tensor& self, Out out) { return pow(self, 2, out); }

Tensor reciprocal(const Tensor& self, Out out) {
  return with_result_slope("ReciprocalBackward0", self,
                           floating(UnaryOp::kReciprocal, "reciprocal", self, out),
                           [](const Tensor& y) { return neg(mul(y, y)); });
}

Tensor sqrt(const Tensor& self, Out out) {
  Tensor result = floating(UnaryOp::kSqrt, "sqrt", self, out);
  return record("SqrtBackward0", {&self}, result, [&](Saver& save) {
    return [y = save.output(result)](Grads& g) { g.out[0] = div(g.grad(), conj(mul(g[y], 2))); };
  });
}

Tensor rsqrt(const Tensor& self, Out out) {
  return with_result_slope("RsqrtBackward0", self, floating(UnaryOp::kRsqrt, "rsqrt", self, out),
                           [](const Tensor& y) { return mul(pow(y, 3), -0.5); });
}

// ---- Rounding. Integers are rounded already.

namespace {

Tensor rounding(UnaryOp op, const char* name, const char* node, const Tensor& self,
                const Out& out) {
  TALLOW_CHECK_NOT_IMPLEMENTED(!is_complex(self.dtype()), name,
                               " is not supported for complex inputs");
  if (is_integral(self.dtype())) {
    // The copy of an integer tensor, where it is wanted.
    return binary(BinaryOp::kBitwiseOr, name, self, 0, self.dtype(), self.dtype(), out);
  }
  return with_zero_grad(node, self, same_type(op, name, self, out));
}

}  // namespace

Tensor floor(const Tensor& self, Out out) {
  return rounding(UnaryOp::kFloor, "floor", "FloorBackward0", self, out);
}
Tensor ceil(const Tensor& self, Out out) {
  return rounding(UnaryOp::kCeil, "ceil", "CeilBackward0", self, out);
}
Tensor trunc(const Tensor& self, Out out) {
  return rounding(UnaryOp::kTrunc, "trunc", "TruncBackward0", self, out);
}

Tensor frac(const Tensor& self, Out out) {
  return record("FracBackward0", {&self}, same_type(UnaryOp::kFrac, "frac", self, out),
                [&](Saver&) { return [](Grads& g) { g.out[0] = g.grad(); }; });
}

Tensor round(const Tensor& self, int64_t decimals, Out out) {
  if (decimals == 0) {
    return rounding(UnaryOp::kRound, "round", "RoundBackward0", self, out);
  }
  const double power = std::pow(10.0, static_cast<double>(decimals < 0 ? -decimals : decimals));
  const double params[3] = {power, decimals < 0 ? power : 0.0, 0.0};
  Tensor result =
      unary(UnaryOp::kRoundDecimals, "round", self, self.dtype(), self.dtype(), out, params);
  return with_zero_grad("RoundBackward1", self, std::move(result));
}

Tensor nan_to_num(const Tensor& self, std::optional<double> nan, std::optional<double> posinf,
                  std::optional<double> neginf, Out out) {
  const DType dtype = self.dtype();
  if (!is_differentiable(dtype)) {
    if (dtype == DType::kBool) return logical_or(self, self, out);
    return rounding(UnaryOp::kTrunc, "nan_to_num", "", self, out);
  }
  double largest = std::numeric_limits<double>::max();
  if (dtype == DType::kFloat32) largest = std::numeric_limits<float>::max();
  if (dtype == DType::kFloat16) largest = 65504;
  if (dtype == DType::kBFloat16) largest = 0x1.fep127;
  const double params[3] = {nan.value_or(0), posinf.value_or(largest), neginf.value_or(-largest)};
  const Tensor kept = saved_self(self, out);
  Tensor result = unary(UnaryOp::kNanToNum, "nan_to_num", self, dtype, dtype, out, params);
  return record("NanToNumBackward0", {&self}, std::move(result), [&](Saver& save) {
    return [x = save(kept, "self")](Grads& g) { g.out[0] = mul(g.grad(), isfinite(g[x])); };
  });
}

namespace {

constexpr double kPi = 3.14159265358979323846;

Tensor scaled_angle(const char* node, const Tensor& self, double factor, const Out& out) {
  TALLOW_CHECK(!is_complex(self.dtype()),
               "angles in degrees are not supported on complex tensors.");
  const DType dtype = floating_type(self.dtype());
  Tensor result = binary(BinaryOp::kMul, "mul", self, Scalar(factor), dtype, dtype, out);
  return record(node, {&self}, std::move(result),
                [&](Saver&) { return [factor](Grads& g) { g.out[0] = mul(g.grad(), factor); }; });
}

}  // namespace

Tensor deg2rad(const Tensor& self, Out out) {
  return scaled_angle("Deg2RadBackward0", self, kPi / 180, out);
}
Tensor rad2deg(const Tensor& self, Out out) {
  return scaled_angle("Rad2DegBackward0", self, 180 / kPi, out);
}

// ---- Exponentials and logarithms.

Tensor exp(const Tensor& self, Out out) {
  return with_result_slope("ExpBackward0", self, floating(UnaryOp::kExp, "exp", self, out),
                           [](const Tensor& y) { return y; });
}

Tensor exp2(const Tensor& self, Out out) {
  return with_result_slope("Exp2Backward0", self, floating(UnaryOp::kExp2, "exp2", self, out),
                           [](const Tensor& y) { return mul(y, M_LN2); });
}

Tensor expm1(const Tensor& self, Out out) {
  return with_result_slope("Expm1Backward0", self, floating(UnaryOp::kExpm1, "expm1", self, out),
                           [](const Tensor& y) { return add(y, 1); });
}

namespace {

// A logarithm: the gradient is divided by scale * (self + shift).
Tensor logarithm(UnaryOp op, const char* name, const char* node, const Tensor& self, double scale,
                 const Out& out) {
  const Tensor kept = saved_self(self, out);
  return record(node, {&self}, floating(op, name, self, out), [&](Saver& save) {
    return [x = save(kept, "self"), scale](Grads& g) {
      const Tensor value = conj(g[x]);
      g.out[0] = div(g.grad(), scale == 1 ? value : mul(value, scale));
    };
  });
}

}  // namespace

Tensor log(const Tensor& self, Out out) {
  return logarithm(UnaryOp::kLog, "log", "LogBackward0", self, 1, out);
}
Tensor log2(const Tensor& self, Out out) {
  return logarithm(UnaryOp::kLog2, "log2", "Log2Backward0", self, M_LN2, out);
}
Tensor log10(const Tensor& self, Out out) {
  return logarithm(UnaryOp::kLog10, "log10", "Log10Backward0", self, M_LN10, out);
}

Tensor log1p(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  Tensor result = floating(UnaryOp::kLog1p, "log1p", self, out);
  return record("Log1PBackward0", {&self}, std::move(result), [&](Saver& save) {
    return [x = save(kept, "self")](Grads& g) { g.out[0] = div(g.grad(), conj(add(g[x], 1))); };
  });
}

// ---- Trigonometric and hyperbolic functions.

Tensor sin(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("SinBackward0", self, kept, floating(UnaryOp::kSin, "sin", self, out),
                    [](const Tensor& x) { return cos(x); });
}

Tensor cos(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("CosBackward0", self, kept, floating(UnaryOp::kCos, "cos", self, out),
                    [](const Tensor& x) { return neg(sin(x)); });
}

Tensor tan(const Tensor& self, Out out) {
  return with_result_slope("TanBackward0", self, floating(UnaryOp::kTan, "tan", self, out),
                           [](const Tensor& y) { return add(square(y), 1); });
}

Tensor asin(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AsinBackward0", self, kept, floating(UnaryOp::kAsin, "asin", self, out),
                    [](const Tensor& x) { return rsqrt(rsub(square(x), 1)); });
}

Tensor acos(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AcosBackward0", self, kept, floating(UnaryOp::kAcos, "acos", self, out),
                    [](const Tensor& x) { return neg(rsqrt(rsub(square(x), 1))); });
}

Tensor atan(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AtanBackward0", self, kept, floating(UnaryOp::kAtan, "atan", self, out),
                    [](const Tensor& x) { return reciprocal(add(square(x), 1)); });
}

Tensor sinh(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("SinhBackward0", self, kept, floating(UnaryOp::kSinh, "sinh", self, out),
                    [](const Tensor& x) { return cosh(x); });
}

Tensor cosh(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("CoshBackward0", self, kept, floating(UnaryOp::kCosh, "cosh", self, out),
                    [](const Tensor& x) { return sinh(x); });
}

Tensor tanh(const Tensor& self, Out out) {
  Tensor result = floating(UnaryOp::kTanh, "tanh", self, out);
  return record("TanhBackward0", {&self}, result, [&](Saver& save) {
    return [y = save.output(result)](Grads& g) { g.out[0] = tanh_backward(g.grad(), g[y]); };
  });
}

Tensor tanh_backward(const Tensor& grad, const Tensor& output) {
  Tensor result = binary(BinaryOp::kTanhBackward, "tanh_backward", grad, output, output.dtype(),
                         output.dtype(), {});
  return record("TanhBackwardBackward0", {&grad, &output}, std::move(result), [&](Saver& save) {
    return [d = save(grad, "grad_output"), y = save(output, "output")](Grads& g) {
      if (g.needs(0)) g.out[0] = tanh_backward(g.grad(), g[y]);
      if (g.needs(1)) g.out[1] = mul(mul(g.grad(), g[d]), mul(g[y], -2));
    };
  });
}

Tensor asinh(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AsinhBackward0", self, kept, floating(UnaryOp::kAsinh, "asinh", self, out),
                    [](const Tensor& x) { return rsqrt(add(square(x), 1)); });
}

Tensor acosh(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AcoshBackward0", self, kept, floating(UnaryOp::kAcosh, "acosh", self, out),
                    [](const Tensor& x) { return rsqrt(sub(square(x), 1)); });
}

Tensor atanh(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("AtanhBackward0", self, kept, floating(UnaryOp::kAtanh, "atanh", self, out),
                    [](const Tensor& x) { return reciprocal(rsub(square(x), 1)); });
}

// ---- Error function and sigmoid.

namespace {

constexpr double kTwoOverSqrtPi = 1.12837916709551257390;

}  // namespace

Tensor erf(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("ErfBackward0", self, kept, floating(UnaryOp::kErf, "erf", self, out),
                    [](const Tensor& x) { return mul(exp(neg(square(x))), kTwoOverSqrtPi); });
}

Tensor erfc(const Tensor& self, Out out) {
  const Tensor kept = saved_self(self, out);
  return with_slope("ErfcBackward0", self, kept, floating(UnaryOp::kErfc, "erfc", self, out),
                    [](const Tensor& x) { return mul(exp(neg(square(x))), -kTwoOverSqrtPi); });
}

Tensor sigmoid(const Tensor& self, Out out) {
  Tensor result = floating(UnaryOp::kSigmoid, "sigmoid", self, out);
  return record("SigmoidBackward0", {&self}, result, [&](Saver& save) {
    return [y = save.output(result)](Grads& g) { g.out[0] = sigmoid_backward(g.grad(), g[y]); };
  });
}

Tensor sigmoid_backward(const Tensor& grad, const Tensor& output) {
  Tensor result = binary(BinaryOp::kSigmoidBackward, "sigmoid_backward", grad, output,
                         output.dtype(), output.dtype(), {});
  return record("SigmoidBackwardBackward0", {&grad, &output}, std::move(result), [&](Saver& save) {
    return [d = save(grad, "grad_output"), y = save(output, "output")](Grads& g) {
      if (g.needs(0)) g.out[0] = sigmoid_backward(g.grad(), g[y]);
      if (g.needs(1)) g.out[1] = mul(mul(g.grad(), g[d]), rsub(mul(g[y], 2), 1));
    };
  });
}

Tensor logit(const Tensor& self, std::optional<double> eps, Out out) {
  const Tensor kept = saved_self(self, out);
  Tensor result;
  {
    const NoGradGuard no_grad;
    const DType dtype = floating_type(self.dtype());
    const Tensor value = self.dtype() == dtype ? self : to_dtype(self, dtype);
    const Tensor x = eps ? clamp(value, Scalar(*eps), Scalar(1 - *eps)) : value;
    // Without eps, numbers outside [0, 1] give NaN by themselves.
    result = unary(UnaryOp::kLog, "logit", div(x, rsub(x, 1)), dtype, dtype, out);
  }
  return record("LogitBackward0", {&self}, result, [&](Saver& save) {
    return [x = save(kept, "self"), eps](Grads& g) {
      const Tensor value = g[x];
      const Tensor slope = div(g.grad(), mul(value, rsub(value, 1)));
      const double low = eps.value_or(0);
      const double outside = eps ? 0 : std::numeric_limits<double>::quiet_NaN();
      g.out[0] = where(logical_and(ge(value, low), le(value, 1 - low)), slope, outside);
    };
  });
}

// ---- Complex basics.

Tensor conj(const Tensor& self) {
  if (TALLOW_LIKELY(!is_complex(self.dtype()))) return self;
  return record("ConjBackward0", {&self}, same_type(UnaryOp::kConj, "conj", self, {}),
                [&](Saver&) { return [](Grads& g) { g.out[0] = conj(g.grad()); }; });
}

namespace {

// The complex gradient of a function of one part only.
Tensor part(UnaryOp op, const char* name, const char* node, const Tensor& self,
            const complex128& unit) {
  Tensor result = unary(op, name, self, self.dtype(), real_type(self.dtype()), {});
  return record(node, {&self}, std::move(result), [&](Saver&) {
    return [unit](Grads& g) { g.out[0] = mul(g.grad(), Scalar(unit)); };
  });
}

}  // namespace

Tensor real(const Tensor& self) {
  if (!is_complex(self.dtype())) return self;
  return part(UnaryOp::kRealPart, "real", "RealBackward0", self, complex128(1, 0));
}

Tensor imag(const Tensor& self) {
  TALLOW_CHECK(is_complex(self.dtype()),
               "imag is not implemented for tensors with non-complex dtypes.");
  return part(UnaryOp::kImagPart, "imag", "ImagBackward0", self, complex128(0, 1));
}

}  // namespace tallow::ops
