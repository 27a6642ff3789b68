// The Python object of a Storage.
#pragma once

#include "core/tensor.h"
#include "python/common.h"

namespace tallow::python {

// The storage of a tensor, as an untyped sequence of bytes.
py::object storage_object(const Tensor& tensor);
void bind_storage(py::module_& module);

}  // namespace tallow::python
