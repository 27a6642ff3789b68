// NumPy arrays, DLPack capsules and buffers <-> tensors, sharing memory.
#pragma once

#include <optional>

#include "core/tensor.h"
#include "python/common.h"

namespace tallow::python {

// Does the object describe an array by __array_interface__ (ndarray) and is it no scalar?
bool is_array(PyObject* object);
// A tensor over the array's memory, which the array keeps alive. Arrays that cannot be shared
// (negative or uneven strides, foreign byte order, unknown type) raise with advice.
Tensor from_array(PyObject* array);
// The element type of a NumPy scalar, if it is one.
std::optional<DType> numpy_scalar_dtype(PyObject* object);

// An ndarray over the tensor's memory.
PyObject* to_array(const Tensor& tensor, bool force);

void bind_numpy(py::module_& module);
void bind_dlpack(py::module_& module);
void bind_buffer(py::module_& module);

}  // namespace tallow::python
