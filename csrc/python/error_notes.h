// Notes on errors (PEP 678): what was called, with which shapes, from which line, and what may
// help. They are written by tallow/_advice.py, and only once an error is on its way.
#pragma once

#include "python/common.h"

namespace tallow::python {

// The Python error that is set has come out of this module's call.
void annotate_module_error(PyObject* module, PyObject* args, PyObject* kwargs) noexcept;
// The Python error that is set was raised by this operator, given these arguments
// by name.
void annotate_op_error(const char* op, PyObject* named_arguments) noexcept;

}  // namespace tallow::python
