// pow(), and the two-operand functions built on logarithms, roots and angles.
#include <cmath>

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

Scalar minus_one(const Scalar& value) {
  if (value.is_complex()) return value.to_complex() - complex128(1);
  return value.is_integral() ? Scalar(value.to_int64() - 1) : Scalar(value.to_double() - 1);
}

bool is(const Scalar& value, double wanted) {
  return !value.is_complex() && value.to_double() == wanted;
}

// Exponents with a shorter formula than exp(log(x) * exponent); floating results only.
Tensor power_of_number(const Tensor& base, const Scalar& exponent, DType dtype, const Out& out) {
  const auto apply = [&](UnaryOp op) { return unary(op, "pow", base, dtype, dtype, out); };
  if (is(exponent, 1)) return binary(BinaryOp::kMul, "pow", base, 1, dtype, dtype, out);
  if (is(exponent, 2)) return apply(UnaryOp::kSquare);
  if (is(exponent, 3)) return apply(UnaryOp::kCube);
  if (is(exponent, -1) && is_differentiable(dtype)) return apply(UnaryOp::kReciprocal);
  if (is(exponent, 0.5) && is_floating(dtype)) return apply(UnaryOp::kSqrt);
  if (is(exponent, -0.5) && is_floating(dtype)) return apply(UnaryOp::kRsqrt);
  return binary(BinaryOp::kPow, "pow", base, exponent, dtype, dtype, out);
}

Tensor tensor_to_number(const Tensor& self, const Scalar& exponent, const Out& out) {
  const DType dtype = result_type(self, exponent);
  TALLOW_CHECK(is_differentiable(dtype) || exponent.to_double() >= 0,
               "Integers to negative integer powers are not allowed.");
  const Tensor kept = saved_self(self, out);
  const Tensor result = power_of_number(self, exponent, dtype, out);
  return record("PowBackward0", {&self}, result, [&](Saver& save) {
    return [x = save(kept, "self"), exponent](Grads& g) {
      if (is(exponent, 0)) {
        g.out[0] = zeros_like(g.grad());
      } else {
        const Tensor slope =
            is(exponent, 2) ? mul(g[x], exponent) : mul(pow(g[x], minus_one(exponent)), exponent);
        g.out[0] = mul(g.grad(), conj(slope));
      }
    };
  });
}

// d (base^exponent) / d exponent; 0^exponent does not move for exponents >= 0.
Tensor exponent_grad(const Tensor& grad, const Operand& base, const Tensor& exponent,
                     const Tensor& result) {
  if (!base.is_tensor()) {
    const Scalar& number = base.scalar();
    if (number.to_bool()) return mul(grad, conj(mul(result, std::log(number.to_double()))));
    return where(ge(exponent, 0), 0, mul(grad, conj(mul(result, -__builtin_inf()))));
  }
  const Tensor flat = logical_and(eq(base.tensor(), 0), ge(real(exponent), 0));
  return where(flat, 0, mul(grad, conj(mul(result, log(base.tensor())))));
}

Tensor number_to_tensor(const Scalar& base, const Tensor& exponent, const Out& out) {
  const DType dtype = result_type(base, exponent);
  const Tensor result = binary(BinaryOp::kPow, "pow", base, exponent, dtype, dtype, out);
  return record("PowBackward2", {&exponent}, result, [&](Saver& save) {
    return [y = save(exponent, "exponent"), p = save.output(result), base](Grads& g) {
      g.out[0] = exponent_grad(g.grad(), base, g[y], g[p]);
    };
  });
}

}  // namespace

Tensor pow(const Operand& self, const Operand& exponent, Out out) {
  if (!exponent.is_tensor()) {
    TALLOW_CHECK(self.is_tensor(), "pow(): expected a Tensor among the arguments");
    return tensor_to_number(self.tensor(), exponent.scalar(), out);
  }
  if (!self.is_tensor()) return number_to_tensor(self.scalar(), exponent.tensor(), out);
  const Tensor& base = self.tensor();
  const Tensor& power = exponent.tensor();
  const DType dtype = result_type(base, power);
  const Tensor kept = base.requires_grad() || power.requires_grad() ? out.original(base) : base;
  const Tensor result = binary(BinaryOp::kPow, "pow", base, power, dtype, dtype, out);
  return record("PowBackward1", {&base, &power}, result, [&](Saver& save) {
    const SavedId x = save(kept, "self");
    const SavedId y = save(power, "exponent");
    const SavedId p = power.requires_grad() ? save.output(result) : SavedId{-1};
    return [x, y, p](Grads& g) {
      if (g.needs(0)) {
        const Tensor slope = mul(g[y], pow(g[x], sub(g[y], 1)));
        g.out[0] = where(eq(g[y], 0), 0, mul(g.grad(), conj(slope)));
      }
      if (g.needs(1)) g.out[1] = exponent_grad(g.grad(), g[x], g[y], g[p]);
    };
  });
}

Tensor float_power(const Operand& self, const Operand& exponent, Out out) {
  const bool complex = is_complex(self.dtype()) || is_complex(exponent.dtype());
  const DType dtype = complex ? DType::kComplex128 : DType::kFloat64;
  TALLOW_CHECK(!out.given() || out.tensor().dtype() == dtype, "the ",
               out.is_inplace() ? "base given to float_power_" : "output given to float_power",
               " has dtype ", scalar_type_name(out.given() ? out.tensor().dtype() : dtype),
               " but the operation's result requires dtype ", scalar_type_name(dtype));
  const auto widened = [dtype](const Operand& operand) {
    return operand.is_tensor() ? to_dtype(operand.tensor(), dtype) : Tensor();
  };
  const Tensor base = widened(self);
  const Tensor power = widened(exponent);
  return pow(base.defined() ? Operand(base) : self, power.defined() ? Operand(power) : exponent,
             out);
}

Tensor atan2(const Tensor& self, const Tensor& other, Out out) {
  const DType dtype = floating_type(result_type(self, other));
  const Tensor kept = saved_for(self.requires_grad() ? self : other, self, out);
  const Tensor result = binary(BinaryOp::kAtan2, "atan2", self, other, dtype, dtype, out);
  return record("Atan2Backward0", {&self, &other}, result, [&](Saver& save) {
    return [a = save(kept, "self"), b = save(other, "other")](Grads& g) {
      const Tensor y = g[a];
      const Tensor x = g[b];
      const Tensor scaled = div(g.grad(), add(square(y), square(x)));
      if (g.needs(0)) g.out[0] = mul(scaled, x);
      if (g.needs(1)) g.out[1] = neg(mul(scaled, y));
    };
  });
}

Tensor hypot(const Tensor& self, const Tensor& other, Out out) {
  const DType dtype = result_type(self, other);
  const Tensor kept = saved_for(self.requires_grad() ? self : other, self, out);
  const Tensor result = binary(BinaryOp::kHypot, "hypot", self, other, dtype, dtype, out);
  return record("HypotBackward0", {&self, &other}, result, [&](Saver& save) {
    return [a = save(kept, "self"), b = save(other, "other"), r = save.output(result)](Grads& g) {
      if (g.needs(0)) g.out[0] = mul(g.grad(), div(g[a], g[r]));
      if (g.needs(1)) g.out[1] = mul(g.grad(), div(g[b], g[r]));
    };
  });
}

Tensor copysign(const Tensor& self, const Operand& other, Out out) {
  const DType dtype = floating_type(result_type(self, other));
  const Tensor kept = saved_self(self, out);
  const Tensor& sign_source = tensor_of(other);
  const Tensor result = binary(BinaryOp::kCopysign, "copysign", self, other, dtype, dtype, out);
  const char* const name = sign_source.defined() ? "CopysignBackward0" : "CopysignBackward1";
  return record(name, {&self, &sign_source}, result, [&](Saver& save) {
    return [x = save(kept, "self"), r = save.output(result)](Grads& g) {
      // +1 or -1, and 0 where self is 0.
      if (g.needs(0)) g.out[0] = where(eq(g[x], 0), 0, mul(g.grad(), div(g[r], g[x])));
      g.out[1] = zeros_like(g.grad());
    };
  });
}

Tensor xlogy(const Operand& self, const Operand& other, Out out) {
  const DType dtype = floating_type(result_type(self, other));
  const Tensor& a = tensor_of(self);
  const Tensor& b = tensor_of(other);
  const Tensor kept = saved_for(b, a, out);
  const Tensor result = binary(BinaryOp::kXlogy, "xlogy", self, other, dtype, dtype, out);
  if (!should_record({&a, &b})) return result;
  const Scalar number = a.defined() ? (b.defined() ? Scalar() : other.scalar()) : self.scalar();
  const char* const name = !a.defined()  ? "XlogyBackward1"
                           : b.defined() ? "XlogyBackward0"
                                         : "XlogyBackward2";
  return record(name, {&a, &b}, result, [&](Saver& save) {
    const SavedId x = a.defined() ? save(kept, "self") : SavedId{-1};
    const SavedId y = b.defined() ? save(b, "other") : SavedId{-1};
    return [x, y, number](Grads& g) {
      const Tensor self_value = x.slot < 0 ? Tensor() : g[x];
      const Tensor other_value = y.slot < 0 ? Tensor() : g[y];
      if (g.needs(0)) {
        const Tensor slope = y.slot < 0 ? xlogy(g.grad(), number) : xlogy(g.grad(), other_value);
        // At self == 0 the slope is log(other), but 0 where that does not exist.
        const Tensor zero = eq(self_value, 0);
        if (y.slot >= 0) {
          g.out[0] = where(logical_and(zero, le(other_value, 0)), 0, slope);
        } else {
          g.out[0] = number.to_double() <= 0 ? where(zero, 0, slope) : slope;
        }
      }
      if (g.needs(1)) {
        g.out[1] = x.slot < 0 ? div(mul(g.grad(), number), other_value)
                              : div(mul(g.grad(), self_value), other_value);
      }
    };
  });
}

Tensor logaddexp(const Tensor& self, const Tensor& other, Out out) {
  const DType dtype = result_type(self, other);
  const Tensor result = binary(BinaryOp::kLogaddexp, "logaddexp", self, other, dtype, dtype, out);
  return record("LogaddexpBackward0", {&self, &other}, result, [&](Saver& save) {
    return [a = save(self, "self"), b = save(other, "other")](Grads& g) {
      if (g.needs(0)) g.out[0] = div(g.grad(), add(exp(sub(g[b], g[a])), 1));
      if (g.needs(1)) g.out[1] = div(g.grad(), add(exp(sub(g[a], g[b])), 1));
    };
  });
}

Tensor heaviside(const Tensor& self, const Tensor& values, Out out) {
  TALLOW_CHECK(!is_complex(self.dtype()) && !is_complex(values.dtype()),
               "heaviside is not yet implemented for complex tensors.");
  TALLOW_CHECK(self.dtype() == values.dtype(),
               "heaviside is not yet implemented for tensors with different dtypes.");
  const Tensor result =
      binary(BinaryOp::kHeaviside, "heaviside", self, values, self.dtype(), self.dtype(), out);
  return record("NotImplemented", {&self, &values}, result, [&](Saver&) {
    return [](Grads&) { raise<RuntimeError>("derivative for aten::heaviside is not implemented"); };
  });
}

}  // namespace tallow::ops
