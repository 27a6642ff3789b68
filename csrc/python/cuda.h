// The Python functions of the CUDA plugin's runtime.
#pragma once

#include "python/common.h"

namespace tallow::python {

void bind_cuda(py::module_& module);

}  // namespace tallow::python
