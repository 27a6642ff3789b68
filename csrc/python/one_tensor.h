// Ops of two operands one of which has to be a tensor: overloads that leave two numbers out.
#pragma once

#include "autograd/inplace.h"
#include "ops/elementwise.h"

namespace tallow::python {

template <auto kOp>
Tensor tensor_first(const Tensor& first, const Operand& second, Out out) {
  return kOp(first, second, out);
}

template <auto kOp>
Tensor number_first(const Scalar& first, const Tensor& second, Out out) {
  return kOp(first, second, out);
}

// Registers both under one signature.
template <auto kOp>
void bind_one_tensor(Registry& r, const char* signature, unsigned flags, const char* doc) {
  r.op<&tensor_first<kOp>, &number_first<kOp>>({signature, signature}, flags, doc);
}

}  // namespace tallow::python
