#include "python/module_slots.h"

#include <array>
#include <utility>

namespace tallow::python {

namespace {

// What Module means is written in Python: __call__, _call_impl and __getattr__ in
// nn/modules/module.py. Two of its paths are taken so often that they are repeated here: calling a
// module without hooks, and finding a registered member. They sit in tp_call and tp_getattro of
// Module and of every subclass that leaves those methods alone. Python puts its own dispatchers
// back whenever a program assigns one of the methods, so the methods always have the last word.

struct Names {
  PyObject* call = PyUnicode_InternFromString("__call__");
  PyObject* getattr = PyUnicode_InternFromString("__getattr__");
  PyObject* getattribute = PyUnicode_InternFromString("__getattribute__");
  PyObject* call_impl = PyUnicode_InternFromString("_call_impl");
  PyObject* compiled_call_impl = PyUnicode_InternFromString("_compiled_call_impl");
  PyObject* forward = PyUnicode_InternFromString("forward");
  std::array<PyObject*, 4> hook_tables = {
      PyUnicode_InternFromString("_backward_hooks"),
      PyUnicode_InternFromString("_backward_pre_hooks"),
      PyUnicode_InternFromString("_forward_hooks"),
      PyUnicode_InternFromString("_forward_pre_hooks"),
  };
  std::array<PyObject*, 3> member_tables = {
      PyUnicode_InternFromString("_parameters"),
      PyUnicode_InternFromString("_modules"),
      PyUnicode_InternFromString("_buffers"),
  };
};

const Names& names() {
  static const Names instance;
  return instance;
}

// Module as it was defined, and what Python put into its slots. Alive as long as the interpreter.
struct Definition {
  PyObject* call = nullptr;
  PyObject* call_impl = nullptr;
  PyObject* getattr = nullptr;
  PyObject* global_hook_tables = nullptr;  // a tuple of dicts
  ternaryfunc generic_call = nullptr;
  getattrofunc generic_getattro = nullptr;
};
Definition definition;

PyObject* tracing_state = nullptr;  // what jit.trace records into; null while it does not

// A dict in `state` that is there and has nothing in it.
bool is_empty_table(PyObject* state, PyObject* name) {
  PyObject* const table = PyDict_GetItemWithError(state, name);
  return table && PyDict_Check(table) && PyDict_GET_SIZE(table) == 0;
}

// Would Module.__call__ do nothing but call forward?
bool is_plain_call(PyTypeObject* type, PyObject* state) {
  if (tracing_state || !PyDict_CheckExact(state)) return false;
  for (PyObject* const name : names().hook_tables) {
    if (!is_empty_table(state, name)) return false;
  }
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(definition.global_hook_tables); ++i) {
    if (PyDict_GET_SIZE(PyTuple_GET_ITEM(definition.global_hook_tables, i)) != 0) return false;
  }
  return _PyType_Lookup(type, names().call_impl) == definition.call_impl &&
         _PyType_Lookup(type, names().compiled_call_impl) == Py_None &&
         !PyDict_GetItemWithError(state, names().call_impl) &&
         !PyDict_GetItemWithError(state, names().compiled_call_impl);
}

constexpr Py_ssize_t kInlineArguments = 8;

PyObject* call_forward(PyObject* self, PyObject* state, PyObject* args, PyObject* kwargs) {
  PyObject* const function = _PyType_Lookup(Py_TYPE(self), names().forward);
  const Py_ssize_t count = PyTuple_GET_SIZE(args);
  const bool is_method = function && PyFunction_Check(function) && !kwargs &&
                         count < kInlineArguments &&
                         !PyDict_GetItemWithError(state, names().forward);
  if (!is_method) {
    const PyRef forward = PyRef::steal(PyObject_GetAttr(self, names().forward));
    return forward ? PyObject_Call(forward.get(), args, kwargs) : nullptr;
  }
  // Without a bound method in between. The function may be replaced while it runs.
  const PyRef kept = PyRef::borrow(function);
  std::array<PyObject*, kInlineArguments> stack;
  stack[0] = self;
  for (Py_ssize_t i = 0; i < count; ++i) {
    stack[static_cast<std::size_t>(i) + 1] = PyTuple_GET_ITEM(args, i);
  }
  return PyObject_Vectorcall(function, stack.data(), static_cast<std::size_t>(count) + 1, nullptr);
}

PyObject* module_call(PyObject* self, PyObject* args, PyObject* kwargs) {
  const PyRef state = PyRef::steal(PyObject_GenericGetDict(self, nullptr));
  if (!state) return nullptr;
  if (is_plain_call(Py_TYPE(self), state.get())) {
    return call_forward(self, state.get(), args, kwargs);
  }
  if (PyErr_Occurred()) return nullptr;
  return definition.generic_call(self, args, kwargs);
}

PyObject* module_getattro(PyObject* self, PyObject* name) {
  // An attribute of the class is found in the usual way; if it is a property that fails, its own
  // error comes out.
  if (_PyType_Lookup(Py_TYPE(self), name)) return PyObject_GenericGetAttr(self, name);
  const PyRef state = PyRef::steal(PyObject_GenericGetDict(self, nullptr));
  if (!state) return nullptr;
  if (PyObject* const value = PyDict_GetItemWithError(state.get(), name)) return Py_NewRef(value);
  for (PyObject* const table_name : names().member_tables) {
    PyObject* const table = PyDict_GetItemWithError(state.get(), table_name);
    if (!table || !PyDict_Check(table)) continue;
    if (PyObject* const value = PyDict_GetItemWithError(table, name)) return Py_NewRef(value);
  }
  if (PyErr_Occurred()) return nullptr;
  return definition.generic_getattro(self, name);  // which lets Module.__getattr__ raise
}

// Puts the shortcuts into the slots of a class whose methods are those of Module.
void use_shortcuts(PyTypeObject* type) {
  if (_PyType_Lookup(type, names().call) == definition.call) type->tp_call = module_call;
  PyObject* const usual = _PyType_Lookup(&PyBaseObject_Type, names().getattribute);
  if (_PyType_Lookup(type, names().getattr) == definition.getattr &&
      _PyType_Lookup(type, names().getattribute) == usual) {
    type->tp_getattro = module_getattro;
  }
  PyType_Modified(type);
}

PyObject* define_module(PyObject*, PyObject* args) {
  PyTypeObject* type = nullptr;
  PyObject* tables = nullptr;
  if (!PyArg_ParseTuple(args, "O!O!", &PyType_Type, &type, &PyTuple_Type, &tables)) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tables); ++i) {
    if (!PyDict_Check(PyTuple_GET_ITEM(tables, i))) {
      PyErr_SetString(PyExc_TypeError, "_define_module: the hook tables must be dicts");
      return nullptr;
    }
  }
  definition.call = Py_XNewRef(_PyType_Lookup(type, names().call));
  definition.call_impl = Py_XNewRef(_PyType_Lookup(type, names().call_impl));
  definition.getattr = Py_XNewRef(_PyType_Lookup(type, names().getattr));
  definition.global_hook_tables = Py_NewRef(tables);
  definition.generic_call = type->tp_call;
  definition.generic_getattro = type->tp_getattro;
  use_shortcuts(type);
  Py_RETURN_NONE;
}

PyObject* define_module_subclass(PyObject*, PyObject* type) {
  if (!PyType_Check(type)) {
    PyErr_SetString(PyExc_TypeError, "_define_module_subclass expects a class");
    return nullptr;
  }
  if (definition.call) use_shortcuts(reinterpret_cast<PyTypeObject*>(type));
  Py_RETURN_NONE;
}

PyObject* get_tracing_state(PyObject*, PyObject*) {
  return Py_NewRef(tracing_state ? tracing_state : Py_None);
}

PyObject* set_tracing_state(PyObject*, PyObject* state) {
  PyObject* const next = state == Py_None ? nullptr : Py_NewRef(state);
  Py_XDECREF(std::exchange(tracing_state, next));
  Py_RETURN_NONE;
}

PyMethodDef functions[] = {
    {"_define_module", define_module, METH_VARARGS,
     "Take note of the class Module and of the tables of global hooks."},
    {"_define_module_subclass", define_module_subclass, METH_O,
     "Give a new subclass of Module the shortcuts it may use."},
    {"_get_tracing_state", get_tracing_state, METH_NOARGS,
     "Return what jit.trace records into, or None."},
    {"_set_tracing_state", set_tracing_state, METH_O, "Start or end a trace."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_module_slots(py::module_& module) {
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw PythonError();
}

}  // namespace tallow::python
