// The Python callables of ops: `_C._VariableFunctions.X` and the method descriptors of Tensor.
#pragma once

#include "python/op.h"

namespace tallow::python {

// Creates the op's callables and puts them where its flags say.
void publish_op(py::module_& module, Op& op);

PyObject* result_type_repr(PyObject* self);

void init_op_types(py::module_& module);

}  // namespace tallow::python
