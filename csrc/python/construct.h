// Tensors from Python data: tensor(), as_tensor() and the legacy Tensor() constructor.
#pragma once

#include <optional>

#include "core/tensor.h"
#include "python/common.h"

namespace tallow::python {

// Lists, tuples and what behaves like them; no text, no tensor.
bool is_sequence(PyObject* object);

// A fresh tensor with the values of a number, nested sequence, array or tensor.
Tensor tensor_from_data(PyObject* data, std::optional<DType> dtype, Device device);

// Tensor(2, 3), Tensor([1, 2]), FloatTensor(...): sizes or data.
Tensor legacy_construct(PyTypeObject* type, PyObject* args, PyObject* kwargs);

void bind_construct(py::module_& module);

}  // namespace tallow::python
