// The __torch_function__ protocol: letting argument types take over a call.
#pragma once

#include "python/tensor_type.h"

namespace tallow::python {

// Set while a TorchFunctionMode is active in this thread: then every call is offered to it.
extern thread_local bool torch_function_mode_active __attribute__((tls_model("initial-exec")));

// Does the object's type override calls? The common types are answered before calling this.
bool has_torch_function(PyObject* object);

TALLOW_INLINE bool may_override(PyObject* object) {
  if (TALLOW_LIKELY(is_exact_tensor(object))) return false;
  PyTypeObject* const type = Py_TYPE(object);
  if (type == &PyLong_Type || type == &PyFloat_Type || type == &PyBool_Type ||
      type == &PyTuple_Type || type == &PyList_Type || type == &PyUnicode_Type ||
      object == Py_None) {
    return false;
  }
  return has_torch_function(object);
}

// Hands the call to `overrides.handle_torch_function`.
PyObject* call_override(PyObject* api, PyObject* const* args, Py_ssize_t count, PyObject* keywords);

void bind_override(py::module_& module);

}  // namespace tallow::python
