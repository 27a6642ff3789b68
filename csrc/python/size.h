// Size: the tuple subclass that shapes are returned as.
#pragma once

#include "core/dims.h"
#include "python/common.h"

namespace tallow::python {

PyObject* make_size(const Dims& dims);
void init_size_type(py::module_& module);

}  // namespace tallow::python
