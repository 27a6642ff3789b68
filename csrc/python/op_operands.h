// Calls of operators that get two tensors and nothing else: what `a + b` means nearly always.
#pragma once

#include "python/op.h"

namespace tallow::python {

// Do two plain tensors fit the first form of the op whatever they hold, and no form before it?
bool takes_two_tensors(const Op& op);

// call_op() for such an op, as a method of the first of two objects.
PyObject* call_with_two(const Op& op, PyObject* a, PyObject* b) noexcept;

}  // namespace tallow::python
