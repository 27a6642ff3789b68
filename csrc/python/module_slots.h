// Shortcuts for nn.Module in the slots of its types.
#pragma once

#include "python/common.h"

namespace tallow::python {

void bind_module_slots(py::module_& module);

}  // namespace tallow::python
