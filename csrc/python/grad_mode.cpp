// The context managers that switch autograd: no_grad and its like enter and leave natively, because
// small programs spend much of their time there. What else they are is in autograd/grad_mode.py.
#include "autograd/grad_mode.h"

#include "core/inline_vector.h"
#include "python/autograd_objects.h"

#include <structmember.h>

namespace tallow::python {

namespace {

struct PyMode {
  PyObject_HEAD bool mode;                // what the block asks for
  bool switched;                          // is `mode` in force since the object was made?
  InlineVector<AutogradState, 4> before;  // one object may be entered again while it is active
};

PyMode* as_mode(PyObject* self) { return reinterpret_cast<PyMode*>(self); }

PyObject* new_mode(PyTypeObject* type, bool mode) {
  PyObject* const self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  as_mode(self)->mode = mode;
  new (&as_mode(self)->before) InlineVector<AutogradState, 4>();
  return self;
}

void mode_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  as_mode(self)->before.~InlineVector();
  type->tp_free(self);
  Py_DECREF(type);
}

// The only argument, which may be left out: null. Its name is `name`.
bool one_argument(PyObject* args, PyObject* kwargs, const char* name, PyObject*& value) {
  value = nullptr;
  if (!kwargs && PyTuple_GET_SIZE(args) == 0) return true;
  char* const names[] = {const_cast<char*>(name), nullptr};
  return PyArg_ParseTupleAndKeywords(args, kwargs, "|O", const_cast<char**>(names), &value);
}

// `@no_grad` means the same as `@no_grad()`.
PyObject* decorated(PyObject* mode, PyObject* function) {
  const PyRef owned = PyRef::steal(mode);
  return mode ? PyObject_CallOneArg(mode, function) : nullptr;
}

// A grad mode whose class says what it asks for.
PyObject* grad_mode_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  static PyObject* const inside = PyUnicode_InternFromString("_inside");
  const bool mode = _PyType_Lookup(type, inside) == Py_True;
  PyObject* function = nullptr;
  if (!one_argument(args, kwargs, "orig_func", function)) return nullptr;
  PyObject* const self = new_mode(type, mode);
  return function && function != Py_None ? decorated(self, function) : self;
}

PyObject* inference_mode_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  PyObject* mode = nullptr;
  if (!one_argument(args, kwargs, "mode", mode)) return nullptr;
  if (mode && !PyBool_Check(mode)) return decorated(new_mode(type, true), mode);
  return new_mode(type, mode != Py_False);
}

// set_grad_enabled(mode) switches when it is made.
PyObject* set_grad_enabled_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  PyObject* mode = nullptr;
  if (!one_argument(args, kwargs, "mode", mode)) return nullptr;
  if (!mode || !PyBool_Check(mode)) {
    return PyErr_Format(PyExc_TypeError,
                        mode ? "set_grad_enabled(): argument 'enabled' (position 1) must be bool, "
                               "not %s"
                             : "set_grad_enabled() missing 1 required positional argument: 'mode'",
                        mode ? Py_TYPE(mode)->tp_name : "");
  }
  PyObject* const self = new_mode(type, mode == Py_True);
  if (!self) return nullptr;
  as_mode(self)->before.push_back(autograd_state);
  as_mode(self)->switched = true;
  autograd_state.grad_enabled = mode == Py_True;
  return self;
}

int any_init(PyObject*, PyObject*, PyObject*) { return 0; }

PyObject* enter_grad_mode(PyObject* self, PyObject*) {
  PyMode* const mode = as_mode(self);
  if (!std::exchange(mode->switched, false)) {
    mode->before.push_back(autograd_state);
    autograd_state.grad_enabled = mode->mode;
  }
  Py_RETURN_NONE;
}
PyObject* enter_inference_mode(PyObject* self, PyObject*) {
  as_mode(self)->before.push_back(autograd_state);
  autograd_state.inference = as_mode(self)->mode;
  autograd_state.grad_enabled = !as_mode(self)->mode;
  Py_RETURN_NONE;
}

// The state before the innermost block that is still open.
bool pop(PyObject* self, AutogradState& state) {
  auto& before = as_mode(self)->before;
  if (before.empty()) {
    PyErr_Format(PyExc_RuntimeError, "%s: left without having been entered",
                 Py_TYPE(self)->tp_name);
    return false;
  }
  state = before.back();
  before.resize(before.size() - 1);
  return true;
}
PyObject* exit_grad_mode(PyObject* self, PyObject* const*, Py_ssize_t) {
  AutogradState state;
  if (!pop(self, state)) return nullptr;
  autograd_state.grad_enabled = state.grad_enabled;
  Py_RETURN_NONE;
}
PyObject* exit_inference_mode(PyObject* self, PyObject* const*, Py_ssize_t) {
  AutogradState state;
  if (!pop(self, state)) return nullptr;
  autograd_state = state;
  Py_RETURN_NONE;
}

// A decorator has to switch back what set_grad_enabled() has switched.
PyObject* undo_switch(PyObject* self, PyObject*) {
  if (!std::exchange(as_mode(self)->switched, false)) Py_RETURN_NONE;
  return exit_grad_mode(self, nullptr, 0);
}

PyMemberDef members[] = {
    {"mode", T_BOOL, offsetof(PyMode, mode), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

template <auto kExit>
PyMethodDef exit_method() {
  return {"__exit__", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(kExit)), METH_FASTCALL,
          "Go back to the mode before."};
}
PyMethodDef grad_methods[] = {
    {"__enter__", enter_grad_mode, METH_NOARGS, "Switch to the mode."},
    exit_method<exit_grad_mode>(),
    {"_undo_switch", undo_switch, METH_NOARGS, "Go back, if making the object has switched."},
    {nullptr, nullptr, 0, nullptr},
};
PyMethodDef inference_methods[] = {
    {"__enter__", enter_inference_mode, METH_NOARGS, "Switch to the mode."},
    exit_method<exit_inference_mode>(),
    {nullptr, nullptr, 0, nullptr},
};

void add_type(py::module_& module, const char* name, newfunc make, PyMethodDef* methods) {
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(make)},
      {Py_tp_init, reinterpret_cast<void*>(any_init)},
      {Py_tp_dealloc, reinterpret_cast<void*>(mode_dealloc)},
      {Py_tp_methods, methods},
      {Py_tp_members, members},
      {0, nullptr},
  };
  PyType_Spec spec = {name, sizeof(PyMode), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  module.attr(std::string_view(name).substr(10).data()) =
      py::reinterpret_steal<py::object>(checked(PyType_FromSpec(&spec)).release());
}

}  // namespace

void init_mode_types(py::module_& module) {
  add_type(module, "tallow._C._GradMode", grad_mode_new, grad_methods);
  add_type(module, "tallow._C._SetGradEnabled", set_grad_enabled_new, grad_methods);
  add_type(module, "tallow._C._InferenceMode", inference_mode_new, inference_methods);
}

}  // namespace tallow::python
