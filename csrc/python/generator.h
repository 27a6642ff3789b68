// The Python object of a Generator.
#pragma once

#include "core/generator.h"
#include "python/common.h"

namespace tallow::python {

void bind_generator(py::module_& module);

}  // namespace tallow::python
