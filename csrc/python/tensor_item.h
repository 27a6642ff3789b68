// Single elements of tensors as C++ and Python numbers.
#pragma once

#include "core/scalar.h"
#include "core/tensor.h"
#include "python/common.h"

namespace tallow::python {

// The value of a one-element tensor.
Scalar item(const Tensor& tensor);
// All elements as nested lists; the number itself for a 0-d tensor.
PyObject* to_list(const Tensor& tensor);

}  // namespace tallow::python
