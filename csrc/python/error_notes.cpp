#include "python/error_notes.h"

namespace tallow::python {

namespace {

// Calls _advice.<function>(error, ...) with the error that is set, which stays set whatever
// happens.
template <class... Arguments>
void annotate(const char* function, const char* format, Arguments... arguments) noexcept {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  if (value && PyObject_IsInstance(value, PyExc_Exception) == 1) {
    if (traceback) PyException_SetTraceback(value, traceback);
    const PyRef advice = PyRef::steal(PyImport_ImportModule("tallow._advice"));
    const PyRef called = PyRef::steal(
        advice ? PyObject_CallMethod(advice.get(), function, format, value, arguments...)
               : nullptr);
  }
  // Whatever went wrong with the advice: the error itself matters.
  PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

}  // namespace

void annotate_module_error(PyObject* module, PyObject* args, PyObject* kwargs) noexcept {
  annotate("annotate_call", "OOOO", module, args, kwargs ? kwargs : Py_None);
}

void annotate_op_error(const char* op, PyObject* named_arguments) noexcept {
  annotate("annotate_op", "OsO", op, named_arguments);
}

}  // namespace tallow::python
