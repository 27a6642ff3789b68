// The callable around a function of the package that is written in Python: it looks for arguments
// that override calls, as native operators do, without a frame of the interpreter's.
#include "python/override.h"
// After Python's own header:
#include <structmember.h>

namespace tallow::python {

namespace {

// What `general` is for: overrides, modes, and `out=` of functions that do not take it.
struct Composite {
  PyObject_HEAD vectorcallfunc call;
  PyObject* function;
  PyObject* general;
  PyObject* finish;  // called with (result, node), or null
  PyObject* node;
  PyObject* dict;
  PyObject* weak_references;
  bool takes_out;
};

Composite* self_of(PyObject* object) { return reinterpret_cast<Composite*>(object); }

bool wants_general(const Composite& self, PyObject* const* args, Py_ssize_t count,
                   PyObject* keywords) {
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  if (calls_are_overridden(args, count + named)) return true;
  static PyObject* const out = PyUnicode_InternFromString("out");
  for (Py_ssize_t i = 0; !self.takes_out && i < named; ++i) {
    PyObject* const name = PyTuple_GET_ITEM(keywords, i);
    if (name == out || PyUnicode_Compare(name, out) == 0) return true;
  }
  return false;
}

PyObject* call_composite(PyObject* object, PyObject* const* args, std::size_t flags,
                         PyObject* keywords) {
  const Composite& self = *self_of(object);
  if (TALLOW_UNLIKELY(wants_general(self, args, PyVectorcall_NARGS(flags), keywords))) {
    return PyObject_Vectorcall(self.general, args, flags, keywords);
  }
  PyObject* const result = PyObject_Vectorcall(self.function, args, flags, keywords);
  if (TALLOW_LIKELY(!self.node) || !result) return result;
  PyObject* const both[] = {result, self.node};
  PyObject* const named = PyObject_Vectorcall(self.finish, both, 2, nullptr);
  Py_DECREF(result);
  return named;
}

// As a method it gets its instance, like a function.
PyObject* bind(PyObject* object, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) return Py_NewRef(object);
  return PyMethod_New(object, instance);
}

PyObject* attribute(PyObject* object, const char* name) {
  return PyObject_GetAttrString(object, name);
}

PyObject* represent(PyObject* object) {
  const PyRef name = PyRef::steal(attribute(object, "__qualname__"));
  return name ? PyUnicode_FromFormat("<function %U at %p>", name.get(), object) : nullptr;
}

// Pickled and copied by name.
PyObject* reduce(PyObject* object, PyObject*) { return attribute(object, "__qualname__"); }

int traverse(PyObject* object, visitproc visit, void* arg) {
  Composite& self = *self_of(object);
  Py_VISIT(Py_TYPE(object));
  Py_VISIT(self.function);
  Py_VISIT(self.general);
  Py_VISIT(self.finish);
  Py_VISIT(self.node);
  Py_VISIT(self.dict);
  return 0;
}

int clear(PyObject* object) {
  Composite& self = *self_of(object);
  Py_CLEAR(self.function);
  Py_CLEAR(self.general);
  Py_CLEAR(self.finish);
  Py_CLEAR(self.node);
  Py_CLEAR(self.dict);
  return 0;
}

void release(PyObject* object) {
  PyTypeObject* const type = Py_TYPE(object);
  PyObject_GC_UnTrack(object);
  if (self_of(object)->weak_references) PyObject_ClearWeakRefs(object);
  clear(object);
  type->tp_free(object);
  Py_DECREF(type);
}

// (function, general, takes_out, finish, node); the last two may be None.
PyObject* create(PyTypeObject* type, PyObject* args, PyObject*) {
  PyObject *function, *general, *finish, *node;
  int takes_out;
  if (!PyArg_ParseTuple(args, "OOpOO", &function, &general, &takes_out, &finish, &node)) {
    return nullptr;
  }
  PyObject* const object = type->tp_alloc(type, 0);
  if (!object) return nullptr;
  Composite& self = *self_of(object);
  self.call = call_composite;
  self.function = Py_NewRef(function);
  self.general = Py_NewRef(general);
  self.finish = node == Py_None ? nullptr : Py_NewRef(finish);
  self.node = node == Py_None ? nullptr : Py_NewRef(node);
  self.takes_out = takes_out != 0;
  return object;
}

}  // namespace

void bind_composite(py::module_& module) {
  static PyMemberDef members[] = {
      {"__vectorcalloffset__", T_PYSSIZET, offsetof(Composite, call), READONLY, nullptr},
      {"__dictoffset__", T_PYSSIZET, offsetof(Composite, dict), READONLY, nullptr},
      {"__weaklistoffset__", T_PYSSIZET, offsetof(Composite, weak_references), READONLY, nullptr},
      {nullptr, 0, 0, 0, nullptr},
  };
  static PyMethodDef methods[] = {
      {"__reduce__", reduce, METH_NOARGS, nullptr},
      {nullptr, nullptr, 0, nullptr},
  };
  static PyGetSetDef properties[] = {
      {"__dict__", PyObject_GenericGetDict, PyObject_GenericSetDict, nullptr, nullptr},
      {nullptr, nullptr, nullptr, nullptr, nullptr},
  };
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(create)},
      {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
      {Py_tp_descr_get, reinterpret_cast<void*>(bind)},
      {Py_tp_repr, reinterpret_cast<void*>(represent)},
      {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(clear)},
      {Py_tp_dealloc, reinterpret_cast<void*>(release)},
      {Py_tp_members, members},
      {Py_tp_methods, methods},
      {Py_tp_getset, properties},
      {0, nullptr},
  };
  PyType_Spec spec = {"tallow._C._Composite", sizeof(Composite), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
                          Py_TPFLAGS_METHOD_DESCRIPTOR,
                      slots};
  module.attr("_Composite") = py::reinterpret_steal<py::object>(PyType_FromSpec(&spec));
}

}  // namespace tallow::python
