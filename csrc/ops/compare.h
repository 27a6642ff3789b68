// Comparisons, predicates, logical and bitwise operations. Results of comparisons are bool.
#pragma once

#include "autograd/inplace.h"
#include "core/operand.h"

namespace tallow::ops {

Tensor eq(const Tensor& self, const Operand& other, Out out = {});
Tensor ne(const Tensor& self, const Operand& other, Out out = {});
Tensor lt(const Tensor& self, const Operand& other, Out out = {});
Tensor le(const Tensor& self, const Operand& other, Out out = {});
Tensor gt(const Tensor& self, const Operand& other, Out out = {});
Tensor ge(const Tensor& self, const Operand& other, Out out = {});

Tensor logical_not(const Tensor& self, Out out = {});
Tensor logical_and(const Tensor& self, const Tensor& other, Out out = {});
Tensor logical_or(const Tensor& self, const Tensor& other, Out out = {});
Tensor logical_xor(const Tensor& self, const Tensor& other, Out out = {});

Tensor bitwise_not(const Tensor& self, Out out = {});
Tensor bitwise_and(const Operand& self, const Operand& other, Out out = {});
Tensor bitwise_or(const Operand& self, const Operand& other, Out out = {});
Tensor bitwise_xor(const Operand& self, const Operand& other, Out out = {});
Tensor bitwise_left_shift(const Operand& self, const Operand& other, Out out = {});
Tensor bitwise_right_shift(const Operand& self, const Operand& other, Out out = {});

Tensor isnan(const Tensor& self);
Tensor isinf(const Tensor& self);
Tensor isfinite(const Tensor& self);
Tensor isposinf(const Tensor& self, Out out = {});
Tensor isneginf(const Tensor& self, Out out = {});
Tensor signbit(const Tensor& self, Out out = {});
// |self - other| <= atol + rtol * |other|, element by element.
Tensor isclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan);

}  // namespace tallow::ops
