// How functions of one tensor run and record their derivatives; for the unary_*.cpp files.
#pragma once

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/creation.h"
#include "ops/elementwise.h"
#include "ops/unary_math.h"

namespace tallow::ops {

// A function that integers do not have: they and bool are converted to the default type.
inline Tensor floating(UnaryOp op, const char* name, const Tensor& self, const Out& out) {
  const DType dtype = floating_type(self.dtype());
  return unary(op, name, self, dtype, dtype, out);
}

// A function that keeps the type.
inline Tensor same_type(UnaryOp op, const char* name, const Tensor& self, const Out& out) {
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
inline Tensor with_zero_grad(const char* node, const Tensor& self, Tensor result) {
  return record(node, {&self}, std::move(result),
                [&](Saver&) { return [](Grads& g) { g.out[0] = zeros_like(g.grad()); }; });
}

}  // namespace tallow::ops
