// Arithmetic, rounding and complex parts of one tensor.
#include <cmath>
#include <limits>

#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/ternary.h"
#include "ops/unary_helpers.h"

namespace tallow::ops {

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
  if (is_float8(dtype) && is_signed(dtype) && !out.given()) {
    return to_dtype(abs(to_dtype(self, DType::kFloat32)), dtype);
  }
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

// ---- Complex basics.

Tensor conj(const Tensor& self) {
  if (TALLOW_LIKELY(!is_complex(self.dtype()))) return self;
  return record("ConjBackward0", {&self}, same_type(UnaryOp::kConj, "conj", self, {}),
                [&](Saver&) { return [](Grads& g) { g.out[0] = conj(g.grad()); }; });
}

}  // namespace tallow::ops
