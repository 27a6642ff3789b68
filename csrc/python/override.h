// The __torch_function__ protocol: letting argument types take over a call.
#pragma once

#include "python/tensor_type.h"

namespace tallow::python {

// Who, in this thread, wants to know of every call before it is made.
enum CallInterest : uint8_t {
  kOfferedToMode = 1,  // a TorchFunctionMode is active
  kWatched = 2,        // explain() or nan_guard() is active: python/watch.h
};
extern thread_local uint8_t call_interest __attribute__((tls_model("initial-exec")));

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

// Is a call with these arguments, however deep in sequences, to be offered?
bool calls_are_overridden(PyObject* const* args, Py_ssize_t count);

void bind_override(py::module_& module);
// The callable around compositions written in Python: composite.cpp.
void bind_composite(py::module_& module);

}  // namespace tallow::python
