#include "ops/compare.h"

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/unary_math.h"

namespace tallow::ops {

namespace {

// A comparison written into a floating-point tensor cuts its history: the gradient is zero.
Tensor comparison(CompareOp op, const char* name, const char* const (&nodes)[2], const Tensor& self,
                  const Operand& other, const Out& out) {
  const Tensor result = compare(op, name, self, other, out);
  return record(nodes[other.is_tensor()], {&self, &tensor_of(other)}, result,
                [&](Saver&) { return [](Grads& g) { g.out[0] = zeros_like(g.grad()); }; });
}

}  // namespace

Tensor eq(const Tensor& self, const Operand& other, Out out) {
  return comparison(CompareOp::kEq, "eq", {"EqBackward0", "EqBackward1"}, self, other, out);
}
Tensor ne(const Tensor& self, const Operand& other, Out out) {
  return comparison(CompareOp::kNe, "ne", {"NeBackward0", "NeBackward1"}, self, other, out);
}
Tensor lt(const Tensor& self, const Operand& other, Out out) {
  return comparison(CompareOp::kLt, "lt", {"LtBackward0", "LtBackward1"}, self, other, out);
}
Tensor le(const Tensor& self, const Operand& other, Out out) {
  return comparison(CompareOp::kLe, "le", {"LeBackward0", "LeBackward1"}, self, other, out);
}
Tensor gt(const Tensor& self, const Operand& other, Out out) {
  return comparison(CompareOp::kGt, "gt", {"GtBackward0", "GtBackward1"}, self, other, out);
}
Tensor ge(const Tensor& self, const Operand& other, Out out) {
  return comparison(CompareOp::kGe, "ge", {"GeBackward0", "GeBackward1"}, self, other, out);
}

Tensor logical_not(const Tensor& self, Out out) {
  return unary(UnaryOp::kLogicalNot, "logical_not", self, self.dtype(), DType::kBool, out);
}
Tensor logical_and(const Tensor& self, const Tensor& other, Out out) {
  return compare(CompareOp::kLogicalAnd, "logical_and", self, other, out);
}
Tensor logical_or(const Tensor& self, const Tensor& other, Out out) {
  return compare(CompareOp::kLogicalOr, "logical_or", self, other, out);
}
Tensor logical_xor(const Tensor& self, const Tensor& other, Out out) {
  return compare(CompareOp::kLogicalXor, "logical_xor", self, other, out);
}

namespace {

Tensor bitwise(BinaryOp op, const char* name, const Operand& self, const Operand& other,
               const Out& out) {
  const DType dtype = result_type(self, other);
  return binary(op, name, self, other, dtype, dtype, out);
}

}  // namespace

Tensor bitwise_not(const Tensor& self, Out out) {
  return unary(UnaryOp::kBitwiseNot, "bitwise_not", self, self.dtype(), self.dtype(), out);
}
Tensor bitwise_and(const Operand& self, const Operand& other, Out out) {
  return bitwise(BinaryOp::kBitwiseAnd, "bitwise_and", self, other, out);
}
Tensor bitwise_or(const Operand& self, const Operand& other, Out out) {
  return bitwise(BinaryOp::kBitwiseOr, "bitwise_or", self, other, out);
}
Tensor bitwise_xor(const Operand& self, const Operand& other, Out out) {
  return bitwise(BinaryOp::kBitwiseXor, "bitwise_xor", self, other, out);
}
Tensor bitwise_left_shift(const Operand& self, const Operand& other, Out out) {
  return bitwise(BinaryOp::kShiftLeft, "bitwise_left_shift", self, other, out);
}
Tensor bitwise_right_shift(const Operand& self, const Operand& other, Out out) {
  return bitwise(BinaryOp::kShiftRight, "bitwise_right_shift", self, other, out);
}

Tensor isnan(const Tensor& self) {
  if (is_stored_only(self.dtype())) return ne(self, self);
  return unary(UnaryOp::kIsNan, "isnan", self, self.dtype(), DType::kBool, {});
}
Tensor isinf(const Tensor& self) {
  if (is_wide_unsigned(self.dtype())) return ne(self, self);
  if (is_float8(self.dtype())) return isinf(to_dtype(self, DType::kFloat32));
  return unary(UnaryOp::kIsInf, "isinf", self, self.dtype(), DType::kBool, {});
}
Tensor isfinite(const Tensor& self) {
  if (is_wide_unsigned(self.dtype())) return eq(self, self);
  if (is_float8(self.dtype())) return isfinite(to_dtype(self, DType::kFloat32));
  return unary(UnaryOp::kIsFinite, "isfinite", self, self.dtype(), DType::kBool, {});
}

namespace {

void check_bool_out(const char* name, const Out& out) {
  TALLOW_CHECK(!out.given() || out.tensor().dtype() == DType::kBool, name,
               " does not support non-boolean outputs.");
}

Tensor equals_number(const char* name, const Tensor& self, double value, const Out& out) {
  TALLOW_CHECK(!is_complex(self.dtype()), name, " does not support complex inputs.");
  check_bool_out(name, out);
  if (is_floating(self.dtype())) return compare(CompareOp::kEq, name, self, Scalar(value), out);
  // Integers are never infinite.
  return compare(CompareOp::kNe, name, self, self, out);
}

}  // namespace

Tensor isposinf(const Tensor& self, Out out) {
  return equals_number("isposinf", self, __builtin_inf(), out);
}
Tensor isneginf(const Tensor& self, Out out) {
  return equals_number("isneginf", self, -__builtin_inf(), out);
}

Tensor signbit(const Tensor& self, Out out) {
  TALLOW_CHECK_NOT_IMPLEMENTED(!is_complex(self.dtype()),
                               "signbit is not implemented for complex tensors.");
  check_bool_out("signbit", out);
  if (!is_floating(self.dtype())) {
    if (self.dtype() == DType::kBool) return compare(CompareOp::kNe, "signbit", self, self, out);
    return compare(CompareOp::kLt, "signbit", self, Scalar(0), out);
  }
  // The sign of -0.0 and of NaN shows when it is given to 1.
  const Tensor ones =
      binary(BinaryOp::kCopysign, "signbit", Scalar(1.0), self, self.dtype(), self.dtype(), {});
  return compare(CompareOp::kLt, "signbit", ones, Scalar(0), out);
}

Tensor isclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan) {
  TALLOW_CHECK(self.dtype() == other.dtype(), scalar_type_name(self.dtype()), " did not match ",
               scalar_type_name(other.dtype()));
  TALLOW_CHECK(rtol >= 0, "rtol must be greater than or equal to zero, but got ", rtol);
  TALLOW_CHECK(atol >= 0, "atol must be greater than or equal to zero, but got ", atol);
  const NoGradGuard no_grad;
  Tensor close = eq(self, other);
  if (equal_nan && is_differentiable(self.dtype())) {
    close = logical_or(close, logical_and(isnan(self), isnan(other)));
  }
  if (rtol == 0 && atol == 0) return close;
  // Differences of integers and bools are measured in the default floating type.
  const DType measure = is_differentiable(self.dtype()) ? self.dtype() : default_dtype();
  const Tensor x = to_dtype(self, measure), y = to_dtype(other, measure);
  const Tensor bound = add(mul(abs(y), rtol), atol);
  const Tensor error = abs(sub(x, y));
  return logical_or(close, logical_and(isfinite(error), le(error, bound)));
}

}  // namespace tallow::ops
