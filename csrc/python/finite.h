// Looking for NaN and infinities in the results of ops, for nan_guard().
#pragma once

#include "core/tensor.h"
#include "python/common.h"

namespace tallow::python {

// False if all elements are finite; true may also mean that their sum is not.
bool may_be_bad(const Tensor& tensor);
// The same for a tensor or a sequence of them that an op returned. A view of the first argument is
// passed over: its values were checked when they were written.
bool any_bad(PyObject* result, PyObject* args);

}  // namespace tallow::python
