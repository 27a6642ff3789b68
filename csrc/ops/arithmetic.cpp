#include "ops/arithmetic.h"

#include "autograd/record.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"

namespace tallow::ops {

namespace {

// PyTorch's rules for alpha, and the operand types that have no difference.
void check_alpha(const Scalar& alpha, DType dtype) {
  TALLOW_CHECK(!alpha.is_bool() || dtype == DType::kBool,
               "Boolean alpha only supported for Boolean results.");
  TALLOW_CHECK(is_differentiable(dtype) || alpha.is_integral(),
               "For integral input tensors, argument alpha must not be a floating point number.");
  TALLOW_CHECK(is_complex(dtype) || !alpha.is_complex(),
               "For non-complex input tensors, argument alpha must not be a complex number.");
}

void check_difference(const Operand& self, const Operand& other) {
  const bool first = self.dtype() == DType::kBool;
  const bool second = other.dtype() == DType::kBool;
  TALLOW_CHECK(!(first && second),
               "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` "
               "or `logical_xor()` operator instead.");
  TALLOW_CHECK(!first && !second,
               "Subtraction, the `-` operator, with a bool tensor is not supported. If you are "
               "trying to invert a mask, use the `~` or `logical_not()` operator instead.");
}

bool is_one(const Scalar& alpha) {
  return !alpha.is_bool() && !alpha.is_complex() && alpha.to_double() == 1;
}

Scalar conjugate(const Scalar& value) {
  if (!value.is_complex()) return value;
  const complex128 z = value.to_complex();
  return complex128(z.real, -z.imag);
}

Tensor scaled(const Tensor& grad, const Scalar& factor) {
  return is_one(factor) ? grad : mul(grad, conjugate(factor));
}

}  // namespace

Tensor add(const Operand& self, const Operand& other, const Scalar& alpha, Out out) {
  const DType dtype = result_type(self, other);
  Tensor result;
  if (TALLOW_LIKELY(is_one(alpha))) {
    result = binary(BinaryOp::kAdd, "add", self, other, dtype, dtype, out);
  } else {
    check_alpha(alpha, dtype);
    result = ternary(TernaryOp::kAddScaled, "add", self, other, alpha, dtype, dtype, out);
  }
  return record("AddBackward0", {&tensor_of(self), &tensor_of(other)}, result, [&](Saver&) {
    return [alpha](Grads& g) {
      g.out[0] = g.grad();
      if (g.needs(1)) g.out[1] = scaled(g.grad(), alpha);
    };
  });
}

Tensor sub(const Operand& self, const Operand& other, const Scalar& alpha, Out out) {
  check_difference(self, other);
  const DType dtype = result_type(self, other);
  Tensor result;
  if (TALLOW_LIKELY(is_one(alpha))) {
    result = binary(BinaryOp::kSub, "sub", self, other, dtype, dtype, out);
  } else {
    check_alpha(alpha, dtype);
    result = ternary(TernaryOp::kAddScaled, "sub", self, other, -alpha, dtype, dtype, out);
  }
  return record("SubBackward0", {&tensor_of(self), &tensor_of(other)}, result, [&](Saver&) {
    return [alpha](Grads& g) {
      g.out[0] = g.grad();
      if (g.needs(1)) g.out[1] = is_one(alpha) ? neg(g.grad()) : mul(g.grad(), -alpha);
    };
  });
}

Tensor rsub(const Tensor& self, const Operand& other, const Scalar& alpha) {
  check_difference(self, other);
  const DType dtype = result_type(self, other);
  Tensor result;
  if (is_one(alpha)) {
    result = binary(BinaryOp::kSub, "rsub", other, self, dtype, dtype, {});
  } else {
    check_alpha(alpha, dtype);
    result = ternary(TernaryOp::kAddScaled, "rsub", other, self, -alpha, dtype, dtype, {});
  }
  const char* const name = other.is_tensor() ? "RsubBackward0" : "RsubBackward1";
  return record(name, {&self, &tensor_of(other)}, result, [&](Saver&) {
    return [alpha](Grads& g) {
      if (g.needs(0)) g.out[0] = is_one(alpha) ? neg(g.grad()) : mul(g.grad(), -alpha);
      g.out[1] = g.grad();
    };
  });
}

Tensor mul(const Operand& self, const Operand& other, Out out) {
  const DType dtype = result_type(self, other);
  const Tensor& a = tensor_of(self);
  const Tensor& b = tensor_of(other);
  const Tensor kept = saved_for(b, a, out);
  Tensor result = binary(BinaryOp::kMul, "mul", self, other, dtype, dtype, out);
  if (TALLOW_LIKELY(!should_record({&a, &b}))) return result;
  if (!a.defined() || !b.defined()) {
    const Scalar factor = a.defined() ? other.scalar() : self.scalar();
    const int64_t index = a.defined() ? 0 : 1;
    return record("MulBackward0", {&a, &b}, result, [&](Saver&) {
      return [factor, index](Grads& g) { g.out[index] = mul(g.grad(), conjugate(factor)); };
    });
  }
  return record("MulBackward0", {&a, &b}, result, [&](Saver& save) {
    const SavedId second = a.requires_grad() ? save(b, "other") : SavedId{-1};
    const SavedId first = b.requires_grad() ? save(kept, "self") : SavedId{-1};
    return [first, second](Grads& g) {
      if (g.needs(0)) g.out[0] = mul(g.grad(), conj(g[second]));
      if (g.needs(1)) g.out[1] = mul(g.grad(), conj(g[first]));
    };
  });
}

namespace {

// True division, differentiable.
Tensor true_divide(const Operand& self, const Operand& other, const Out& out) {
  const DType dtype = floating_type(result_type(self, other));
  const Tensor& a = tensor_of(self);
  const Tensor& b = tensor_of(other);
  const Tensor kept = saved_for(b, a, out);
  Tensor result = binary(BinaryOp::kDiv, "div", self, other, dtype, dtype, out);
  if (TALLOW_LIKELY(!should_record({&a, &b}))) return result;
  if (!b.defined()) {
    const Scalar divisor = other.scalar();
    return record("DivBackward0", {&a, &b}, result, [&](Saver&) {
      return [divisor](Grads& g) { g.out[0] = div(g.grad(), conjugate(divisor)); };
    });
  }
  if (!a.defined()) {
    const Scalar dividend = self.scalar();
    return record("DivBackward0", {&a, &b}, result, [&](Saver& save) {
      return [y = save(b, "other"), dividend](Grads& g) {
        const Tensor divisor = g[y];
        g.out[1] = neg(mul(g.grad(), conj(div(div(dividend, divisor), divisor))));
      };
    });
  }
  return record("DivBackward0", {&a, &b}, result, [&](Saver& save) {
    const SavedId second = save(b, "other");
    const SavedId first = b.requires_grad() ? save(kept, "self") : SavedId{-1};
    return [first, second](Grads& g) {
      const Tensor divisor = g[second];
      if (g.needs(0)) g.out[0] = div(g.grad(), conj(divisor));
      if (g.needs(1)) {
        g.out[1] = neg(mul(g.grad(), conj(div(div(g[first], divisor), divisor))));
      }
    };
  });
}

// A rounded quotient is constant almost everywhere.
Tensor rounded_divide(BinaryOp op, const Operand& self, const Operand& other, const Out& out) {
  const DType dtype = result_type(self, other);
  return binary(op, "div", self, other, dtype, dtype, out);
}

}  // namespace

Tensor div(const Operand& self, const Operand& other, std::optional<std::string_view> rounding_mode,
           Out out) {
  if (TALLOW_LIKELY(!rounding_mode)) return true_divide(self, other, out);
  TALLOW_CHECK(*rounding_mode == "trunc" || *rounding_mode == "floor",
               "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '",
               *rounding_mode, "'");
  const BinaryOp op = *rounding_mode == "trunc" ? BinaryOp::kDivTrunc : BinaryOp::kDivFloor;
  const Tensor result = rounded_divide(op, self, other, out);
  return record("DivBackward2", {&tensor_of(self), &tensor_of(other)}, result, [&](Saver&) {
    return [](Grads& g) {
      g.out[0] = zeros_like(g.grad());
      g.out[1] = zeros_like(g.grad());
    };
  });
}

Tensor floor_divide(const Operand& self, const Operand& other, Out out) {
  const Tensor result = rounded_divide(BinaryOp::kDivFloor, self, other, out);
  return record("NotImplemented", {&tensor_of(self), &tensor_of(other)}, result, [&](Saver&) {
    return
        [](Grads&) { raise<RuntimeError>("derivative for aten::floor_divide is not implemented"); };
  });
}

namespace {

// self - quotient * other with a rounded quotient: the gradient of `other` is minus the quotient.
Tensor modulo(BinaryOp op, const char* name, const char* rounding, const char* node_of_tensor,
              const char* node_of_number, const Operand& self, const Operand& other,
              const Out& out) {
  const DType dtype = result_type(self, other);
  const Tensor& a = tensor_of(self);
  const Tensor& b = tensor_of(other);
  const Tensor kept = saved_for(b, a, out);
  const Tensor result = binary(op, name, self, other, dtype, dtype, out);
  if (!should_record({&a, &b})) return result;
  if (!b.defined()) {
    return record(node_of_number, {&a, &b}, result,
                  [&](Saver&) { return [](Grads& g) { g.out[0] = g.grad(); }; });
  }
  const Scalar dividend = a.defined() ? Scalar() : self.scalar();
  return record(node_of_tensor, {&a, &b}, result, [&](Saver& save) {
    const bool needed = b.requires_grad();
    const SavedId y = needed ? save(b, "other") : SavedId{-1};
    const SavedId x = needed && a.defined() ? save(kept, "self") : SavedId{-1};
    return [x, y, dividend, rounding](Grads& g) {
      g.out[0] = g.grad();
      if (!g.needs(1)) return;
      const Tensor quotient =
          x.slot < 0 ? div(dividend, g[y], rounding) : div(g[x], g[y], rounding);
      g.out[1] = neg(mul(g.grad(), quotient));
    };
  });
}

}  // namespace

Tensor remainder(const Operand& self, const Operand& other, Out out) {
  return modulo(BinaryOp::kRemainder, "remainder", "floor", "RemainderBackward1",
                "RemainderBackward0", self, other, out);
}

Tensor fmod(const Tensor& self, const Operand& other, Out out) {
  return modulo(BinaryOp::kFmod, "fmod", "trunc", "FmodBackward1", "FmodBackward0", self, other,
                out);
}

// ---- Extremes.

namespace {

// The gradient for the operand `self` of an extreme: all of it where self wins, half in a tie.
Tensor winner_grad(const Tensor& grad, const Tensor& self, const Tensor& other, bool largest) {
  const Tensor loses = largest ? lt(self, other) : gt(self, other);
  const Tensor shared = where(eq(self, other), div(grad, 2), grad);
  return where(loses, 0, shared);
}

Tensor extreme(BinaryOp op, const char* name, const char* node, const Tensor& self,
               const Tensor& other, const Out& out) {
  const bool largest = op == BinaryOp::kMaximum;
  const DType dtype = result_type(self, other);
  TALLOW_CHECK(!is_complex(dtype), name, " not implemented for complex tensors.");
  const Tensor result = binary(op, name, self, other, dtype, dtype, out);
  return record(node, {&self, &other}, result, [&](Saver& save) {
    return [x = save(self, "self"), y = save(other, "other"), largest](Grads& g) {
      if (g.needs(0)) g.out[0] = winner_grad(g.grad(), g[x], g[y], largest);
      if (g.needs(1)) g.out[1] = winner_grad(g.grad(), g[y], g[x], largest);
    };
  });
}

// fmax and fmin give ties to self; NaN never wins against a number.
Tensor extreme_number(BinaryOp op, const char* name, const char* node, const Tensor& self,
                      const Tensor& other, const Out& out) {
  const bool largest = op == BinaryOp::kFmax;
  const DType dtype = result_type(self, other);
  TALLOW_CHECK(!is_complex(dtype), name, " not implemented for complex tensors.");
  const Tensor result = binary(op, name, self, other, dtype, dtype, out);
  return record(node, {&self, &other}, result, [&](Saver& save) {
    return [x = save(self, "self"), y = save(other, "other"), largest](Grads& g) {
      const Tensor self_wins = logical_or(largest ? ge(g[x], g[y]) : le(g[x], g[y]), isnan(g[y]));
      if (g.needs(0)) g.out[0] = where(self_wins, g.grad(), 0);
      if (g.needs(1)) g.out[1] = where(self_wins, 0, g.grad());
    };
  });
}

}  // namespace

Tensor maximum(const Tensor& self, const Tensor& other, Out out) {
  return extreme(BinaryOp::kMaximum, "maximum", "MaximumBackward0", self, other, out);
}
Tensor minimum(const Tensor& self, const Tensor& other, Out out) {
  return extreme(BinaryOp::kMinimum, "minimum", "MinimumBackward0", self, other, out);
}
Tensor fmax(const Tensor& self, const Tensor& other, Out out) {
  return extreme_number(BinaryOp::kFmax, "fmax", "FmaxBackward0", self, other, out);
}
Tensor fmin(const Tensor& self, const Tensor& other, Out out) {
  return extreme_number(BinaryOp::kFmin, "fmin", "FminBackward0", self, other, out);
}

}  // namespace tallow::ops
