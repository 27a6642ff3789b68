// The Python object of a Tensor: `_C.TensorBase`, of which `tallow.Tensor` is a Python subclass.
#pragma once

#include "core/tensor.h"
#include "python/common.h"

namespace tallow::python {

// Does the object hold the dict of its attributes? Python 3.11 finds methods faster if the class
// Tensor makes it, later versions do not mind.
#if PY_VERSION_HEX >= 0x030C0000
#define TALLOW_OWN_DICT 1
#else
#define TALLOW_OWN_DICT 0
#endif

struct PyTensor {
  PyObject_HEAD Tensor tensor;
  PyObject* weakrefs;  // a list that Python keeps
#if TALLOW_OWN_DICT
  PyObject* dict;  // null before the first attribute is set
#endif
};

// _C.TensorBase; the Python classes Tensor and Parameter are told to us when they are defined.
extern PyTypeObject* tensor_base_type;
extern PyTypeObject* tensor_type;
extern PyTypeObject* parameter_type;

TALLOW_INLINE bool is_exact_tensor(PyObject* object) {
  return Py_TYPE(object) == tensor_type || Py_TYPE(object) == parameter_type;
}
TALLOW_INLINE bool is_tensor(PyObject* object) {
  return is_exact_tensor(object) || PyObject_TypeCheck(object, tensor_base_type);
}
TALLOW_INLINE const Tensor& unwrap(PyObject* object) {
  return reinterpret_cast<PyTensor*>(object)->tensor;
}

// The tensor's Python object (a new reference): always the same one while it is alive. None for an
// undefined tensor.
PyObject* wrap(const Tensor& tensor);
// The same as an instance of `type`; the tensor must not have an object yet.
PyObject* wrap_as(PyTypeObject* type, const Tensor& tensor);

// Creates the type and adds it, with its properties and operators, to the module.
void init_tensor_type(py::module_& module);

// Parts of the type defined in other files.
// tensor_properties.cpp; `closure` is the name.
extern PyGetSetDef tensor_properties[];
extern PyMethodDef tensor_methods[];                          // tensor_methods.cpp
void fill_operator_slots(std::vector<PyType_Slot>& slots);    // tensor_operators.cpp
PyObject* tensor_subscript(PyObject* self, PyObject* index);  // indexing.cpp
int tensor_assign_subscript(PyObject* self, PyObject* index, PyObject* value);
// target[...] = value
void assign_value(const Tensor& target, PyObject* value);

}  // namespace tallow::python
