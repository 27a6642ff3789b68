#include "ops/ternary.h"

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/unary_math.h"

namespace tallow::ops {

Tensor where(const Tensor& condition, const Operand& self, const Operand& other) {
  TALLOW_CHECK(condition.dtype() == DType::kBool || condition.dtype() == DType::kUInt8,
               "where expected condition to be a boolean tensor, but got a tensor with dtype ",
               scalar_type_name(condition.dtype()));
  const DType dtype = result_type(self, other);
  Tensor result = ternary(TernaryOp::kWhere, "where", condition, self, other, dtype, dtype, {});
  return record("WhereBackward0", {&tensor_of(self), &tensor_of(other)}, std::move(result),
                [&](Saver& save) {
                  return [c = save(condition, "condition")](Grads& g) {
                    if (g.needs(0)) g.out[0] = where(g[c], g.grad(), 0);
                    if (g.needs(1)) g.out[1] = where(g[c], 0, g.grad());
                  };
                });
}

// ---- Clamping.

namespace {

// Records a function that passes the gradient where `inside(self)` and stops it elsewhere.
template <class Inside>
Tensor with_mask(const char* node, const Tensor& self, const Tensor& kept, Tensor result,
                 const Inside& inside) {
  return record(node, {&self}, std::move(result), [&](Saver& save) {
    return
        [x = save(kept, "self"), inside](Grads& g) { g.out[0] = where(inside(g[x]), g.grad(), 0); };
  });
}

void check_not_complex(const char* name, DType dtype) {
  TALLOW_CHECK_NOT_IMPLEMENTED(!is_complex(dtype), name, " is not supported for complex types");
}

DType clamp_type(const Tensor& self, const Operand& bound) {
  const DType dtype = result_type(self, bound);
  check_not_complex("clamp", dtype);
  return dtype;
}

Tensor raise_to(const Tensor& self, const Operand& min, const Out& out) {
  const DType dtype = clamp_type(self, min);
  return binary(BinaryOp::kMaximum, "clamp", self, min, dtype, dtype, out);
}

Tensor lower_to(const Tensor& self, const Operand& max, const Out& out) {
  const DType dtype = clamp_type(self, max);
  return binary(BinaryOp::kMinimum, "clamp", self, max, dtype, dtype, out);
}

}  // namespace

Tensor clamp(const Tensor& self, const std::optional<Scalar>& min, const std::optional<Scalar>& max,
             Out out) {
  TALLOW_CHECK(min || max, "torch.clamp: At least one of 'min' or 'max' must not be None");
  const Tensor kept = saved_self(self, out);
  Tensor result;
  if (min && max) {
    const DType dtype = result_type(self, *min, *max);
    check_not_complex("clamp", dtype);
    result = ternary(TernaryOp::kClamp, "clamp", self, *min, *max, dtype, dtype, out);
  } else {
    result = min ? raise_to(self, *min, out) : lower_to(self, *max, out);
  }
  return with_mask("ClampBackward1", self, kept, std::move(result), [min, max](const Tensor& x) {
    if (min && max) return logical_and(ge(x, *min), le(x, *max));
    return min ? ge(x, *min) : le(x, *max);
  });
}

Tensor clamp_tensors(const Tensor& self, const std::optional<Tensor>& min,
                     const std::optional<Tensor>& max, Out out) {
  const Tensor none;
  const Tensor& low = min ? *min : none;
  const Tensor& high = max ? *max : none;
  TALLOW_CHECK(low.defined() || high.defined(),
               "torch.clamp: At least one of 'min' or 'max' must not be None");
  const Tensor kept = out.is_inplace() ? out.original(self) : self;
  Tensor result;
  if (low.defined() && high.defined()) {
    const DType dtype = result_type(self, low, high);
    check_not_complex("clamp", dtype);
    result = ternary(TernaryOp::kClamp, "clamp", self, low, high, dtype, dtype, out);
  } else {
    result = low.defined() ? raise_to(self, low, out) : lower_to(self, high, out);
  }
  return record("ClampBackward0", {&self, &low, &high}, std::move(result), [&](Saver& save) {
    const SavedId lower = low.defined() ? save(low, "min") : SavedId{-1};
    const SavedId upper = high.defined() ? save(high, "max") : SavedId{-1};
    return [x = save(kept, "self"), lower, upper](Grads& g) {
      const Tensor value = g[x];
      const Tensor low_value = lower.slot < 0 ? Tensor() : g[lower];
      const Tensor high_value = upper.slot < 0 ? Tensor() : g[upper];
      const bool both = low_value.defined() && high_value.defined();
      if (g.needs(0)) {
        const Tensor inside = both ? logical_and(ge(value, low_value), le(value, high_value))
                              : low_value.defined() ? ge(value, low_value)
                                                    : le(value, high_value);
        g.out[0] = where(inside, g.grad(), 0);
      }
      // Where the bounds cross, the upper one wins.
      if (g.needs(1)) {
        Tensor below = lt(value, low_value);
        if (both) below = logical_and(below, lt(low_value, high_value));
        g.out[1] = where(below, g.grad(), 0);
      }
      if (g.needs(2)) {
        Tensor above = gt(value, high_value);
        if (both) above = logical_or(above, lt(high_value, low_value));
        g.out[2] = where(above, g.grad(), 0);
      }
    };
  });
}

namespace {

// One bound that may be a tensor with a gradient of its own.
Tensor bounded(bool lower, const Tensor& self, const Operand& bound, const Out& out) {
  const Tensor kept = out.is_inplace() ? out.original(self) : self;
  Tensor result = lower ? raise_to(self, bound, out) : lower_to(self, bound, out);
  if (!bound.is_tensor()) {
    const Scalar number = bound.scalar();
    return with_mask(
        lower ? "ClampMinBackward0" : "ClampMaxBackward0", self, kept, std::move(result),
        [number, lower](const Tensor& x) { return lower ? ge(x, number) : le(x, number); });
  }
  const Tensor& limit = bound.tensor();
  return record(lower ? "ClampMinBackward1" : "ClampMaxBackward1", {&self, &limit},
                std::move(result), [&](Saver& save) {
                  return [x = save(kept, "self"), b = save(limit, lower ? "min" : "max"),
                          lower](Grads& g) {
                    const Tensor inside = lower ? ge(g[x], g[b]) : le(g[x], g[b]);
                    if (g.needs(0)) g.out[0] = where(inside, g.grad(), 0);
                    if (g.needs(1)) g.out[1] = where(inside, 0, g.grad());
                  };
                });
}

}  // namespace

Tensor clamp_min(const Tensor& self, const Operand& min, Out out) {
  return bounded(true, self, min, out);
}
Tensor clamp_max(const Tensor& self, const Operand& max, Out out) {
  return bounded(false, self, max, out);
}

// ---- Interpolation and scaled products.

Tensor lerp(const Tensor& self, const Tensor& end, const Operand& weight, Out out) {
  TALLOW_CHECK(self.dtype() == end.dtype(), "expected dtype ", self.dtype(),
               " for `end` but got dtype ", end.dtype());
  const Tensor& factor = tensor_of(weight);
  TALLOW_CHECK(!factor.defined() || factor.dtype() == self.dtype(), "expected dtype ", self.dtype(),
               " for `weight` but got dtype ", weight.dtype());
  if (is_complex(self.dtype())) return add(self, mul(sub(end, self), weight), 1, out);
  const Tensor kept = saved_for(factor, self, out);
  Tensor result =
      ternary(TernaryOp::kLerp, "lerp", self, end, weight, self.dtype(), self.dtype(), out);
  if (!factor.defined()) {
    const Scalar number = weight.scalar();
    return record("LerpBackward0", {&self, &end}, std::move(result), [&](Saver&) {
      return [w = number.to_double()](Grads& g) {
        if (g.needs(0)) g.out[0] = mul(g.grad(), 1 - w);
        if (g.needs(1)) g.out[1] = mul(g.grad(), w);
      };
    });
  }
  return record("LerpBackward1", {&self, &end, &factor}, std::move(result), [&](Saver& save) {
    return [a = save(kept, "self"), b = save(end, "end"), w = save(factor, "weight")](Grads& g) {
      if (g.needs(0)) g.out[0] = mul(g.grad(), rsub(g[w], 1));
      if (g.needs(1)) g.out[1] = mul(g.grad(), g[w]);
      if (g.needs(2)) g.out[2] = mul(g.grad(), sub(g[b], g[a]));
    };
  });
}

Tensor addcmul(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
               const Scalar& value, Out out) {
  const DType dtype = result_type(self, tensor1, tensor2);
  const double params[3] = {value.to_double(), 0, 0};
  Tensor result =
      ternary(TernaryOp::kAddcmul, "addcmul", self, tensor1, tensor2, dtype, dtype, out, params);
  return record(
      "AddcmulBackward0", {&self, &tensor1, &tensor2}, std::move(result), [&](Saver& save) {
        return [a = save(tensor1, "tensor1"), b = save(tensor2, "tensor2"), value](Grads& g) {
          g.out[0] = g.grad();
          if (g.needs(1)) g.out[1] = mul(g.grad(), conj(mul(g[b], value)));
          if (g.needs(2)) g.out[2] = mul(g.grad(), conj(mul(g[a], value)));
        };
      });
}

Tensor addcdiv(const Tensor& self, const Tensor& tensor1, const Tensor& tensor2,
               const Scalar& value, Out out) {
  TALLOW_CHECK(is_differentiable(tensor1.dtype()) || is_differentiable(tensor2.dtype()),
               "Integer division with addcdiv is no longer supported, and in a future  release "
               "addcdiv will perform a true division of tensor1 and tensor2. The historic addcdiv "
               "behavior can be implemented as (input + value * torch.trunc(tensor1 / "
               "tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / "
               "tensor2) for float inputs. The future addcdiv behavior is just the latter "
               "implementation: (input + value * tensor1 / tensor2), for all dtypes.");
  const DType dtype = result_type(self, tensor1, tensor2);
  const double params[3] = {value.to_double(), 0, 0};
  Tensor result =
      ternary(TernaryOp::kAddcdiv, "addcdiv", self, tensor1, tensor2, dtype, dtype, out, params);
  return record(
      "AddcdivBackward0", {&self, &tensor1, &tensor2}, std::move(result), [&](Saver& save) {
        return [a = save(tensor1, "tensor1"), b = save(tensor2, "tensor2"), value](Grads& g) {
          g.out[0] = g.grad();
          if (g.needs(1)) g.out[1] = mul(g.grad(), conj(div(value, g[b])));
          if (g.needs(2)) {
            const Tensor slope = div(mul(g[a], value), square(g[b]));
            g.out[2] = neg(mul(g.grad(), conj(slope)));
          }
        };
      });
}

}  // namespace tallow::ops
