#include "python/module_slots.h"

#include <algorithm>
#include <array>
#include <utility>

#include "python/error_notes.h"
#include "python/seen_modules.h"
#include "python/watch.h"

namespace tallow::python {

namespace {

// What Module means is written in Python: __call__, _call_impl and __getattr__ in
// nn/modules/module.py, _call_with_hooks in nn/modules/_hooks.py. Three of its paths are taken so
// often that they are repeated here: calling a module without hooks, calling one whose hooks are
// its own and of the usual kinds, and finding a registered member. They sit in tp_call and
// tp_getattro of Module and of every subclass that leaves those methods alone. Python puts its own
// dispatchers back whenever a program assigns one of the methods, so the methods always have the
// last word.

struct Names {
  PyObject* call = PyUnicode_InternFromString("__call__");
  PyObject* getattr = PyUnicode_InternFromString("__getattr__");
  PyObject* getattribute = PyUnicode_InternFromString("__getattribute__");
  PyObject* call_impl = PyUnicode_InternFromString("_call_impl");
  PyObject* compiled_call_impl = PyUnicode_InternFromString("_compiled_call_impl");
  PyObject* forward = PyUnicode_InternFromString("forward");
  PyObject* backward_hooks = PyUnicode_InternFromString("_backward_hooks");
  PyObject* backward_pre_hooks = PyUnicode_InternFromString("_backward_pre_hooks");
  PyObject* forward_hooks = PyUnicode_InternFromString("_forward_hooks");
  PyObject* forward_pre_hooks = PyUnicode_InternFromString("_forward_pre_hooks");
  std::array<PyObject*, 4> hook_tables = {backward_hooks, backward_pre_hooks, forward_hooks,
                                          forward_pre_hooks};
  // Options of forward hooks: where one has an entry, Python makes the call.
  std::array<PyObject*, 3> flag_tables = {
      PyUnicode_InternFromString("_forward_hooks_with_kwargs"),
      PyUnicode_InternFromString("_forward_hooks_always_called"),
      PyUnicode_InternFromString("_forward_pre_hooks_with_kwargs"),
  };
  PyObject* is_full_backward_hook = PyUnicode_InternFromString("_is_full_backward_hook");
  PyObject* enter = PyUnicode_InternFromString("enter");
  PyObject* leave = PyUnicode_InternFromString("leave");
  PyObject* run_forward_hooks = PyUnicode_InternFromString("_run_forward_hooks");
  PyObject* call_always_hooks = PyUnicode_InternFromString("_call_always_hooks");
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
  PyObject* boundary = nullptr;            // utils.hooks.BackwardHook
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

bool are_empty_tables(PyObject* state, const auto& tables) {
  return std::ranges::all_of(tables, [&](PyObject* name) { return is_empty_table(state, name); });
}

bool global_tables_are_empty() {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(definition.global_hook_tables); ++i) {
    if (PyDict_GET_SIZE(PyTuple_GET_ITEM(definition.global_hook_tables, i)) != 0) return false;
  }
  return true;
}

// Does Module.__call__ do what it was written to do, with no hooks but the module's own?
bool is_usual_call(PyTypeObject* type, PyObject* state) {
  return !tracing_state && !is_watched() && PyDict_CheckExact(state) && global_tables_are_empty() &&
         _PyType_Lookup(type, names().call_impl) == definition.call_impl &&
         _PyType_Lookup(type, names().compiled_call_impl) == Py_None &&
         !PyDict_GetItemWithError(state, names().call_impl) &&
         !PyDict_GetItemWithError(state, names().compiled_call_impl);
}

constexpr Py_ssize_t kInlineArguments = 8;

// The function that a class has for `forward`, if calling it is all that calling it as a method is.
PyObject* forward_function(PyObject* self, PyObject* state) {
  PyObject* const function = _PyType_Lookup(Py_TYPE(self), names().forward);
  const bool is_method =
      function && PyFunction_Check(function) && !PyDict_GetItemWithError(state, names().forward);
  return is_method ? function : nullptr;
}

// Without a bound method in between.
PyObject* call_function(PyObject* function, PyObject* self, PyObject* args) {
  const Py_ssize_t count = PyTuple_GET_SIZE(args);
  const PyRef kept = PyRef::borrow(function);  // it may be replaced while it runs
  std::array<PyObject*, kInlineArguments> stack;
  stack[0] = self;
  for (Py_ssize_t i = 0; i < count; ++i) {
    stack[static_cast<std::size_t>(i) + 1] = PyTuple_GET_ITEM(args, i);
  }
  return PyObject_Vectorcall(function, stack.data(), static_cast<std::size_t>(count) + 1, nullptr);
}

bool is_short(PyObject* args, PyObject* kwargs) {
  return !kwargs && PyTuple_GET_SIZE(args) < kInlineArguments;
}

PyObject* call_forward(PyObject* self, PyObject* state, PyObject* args, PyObject* kwargs) {
  PyObject* const function = is_short(args, kwargs) ? forward_function(self, state) : nullptr;
  if (function) return call_function(function, self, args);
  const PyRef forward = PyRef::steal(PyObject_GetAttr(self, names().forward));
  return forward ? PyObject_Call(forward.get(), args, kwargs) : nullptr;
}

// --- modules seen before

// What is known of a module that would be called as usual; null if nothing is.
const SeenModule* seen_module(PyObject* self, PyObject* state) {
  const SeenModule& seen = place_of(state);
  const bool current = seen.forward && seen.state_version == version_of(state) &&
                       seen.class_version == version_of(Py_TYPE(self));
  return current ? &seen : nullptr;
}

// Takes note of a module that is called as usual.
void remember(PyObject* self, PyObject* state) {
  SeenModule seen;
  seen.state_version = version_of(state);
  seen.class_version = version_of(Py_TYPE(self));
  seen.forward = forward_function(self, state);
  if (!seen.forward || !seen.state_version || !seen.class_version) return;
  std::size_t i = 0;
  const auto add = [&](PyObject* name) {
    seen.tables[i] = PyDict_GetItemWithError(state, name);
    return seen.tables[i] && PyDict_Check(seen.tables[i++]);
  };
  if (!std::ranges::all_of(names().hook_tables, add)) return;
  if (!std::ranges::all_of(names().flag_tables, add)) return;
  seen.full_backward_hooks =
      PyDict_GetItemWithError(state, names().is_full_backward_hook) == Py_True;
  place_of(state) = seen;
}

// --- a call with hooks

// Are all hooks of the usual kinds: without options, and full ones for the backward pass?
bool has_usual_hooks(PyObject* self, PyObject* state) {
  if (const SeenModule* const seen = seen_module(self, state)) return seen->has_usual_hooks();
  if (!are_empty_tables(state, names().flag_tables)) return false;
  return is_empty_table(state, names().backward_hooks) ||
         PyDict_GetItemWithError(state, names().is_full_backward_hook) == Py_True;
}

// The hooks in a table now: hooks may add and remove hooks.
PyRef snapshot(PyObject* self, PyObject* name) {
  const PyRef owned = checked(PyObject_GetAttr(self, name));
  PyObject* const table = owned.get();
  PyObject* hook = nullptr;
  Py_ssize_t position = 0;
  if (PyDict_Check(table) && PyDict_GET_SIZE(table) == 1 &&
      PyDict_Next(table, &position, nullptr, &hook)) {
    PyRef list = checked(PyList_New(1));
    PyList_SET_ITEM(list.get(), 0, Py_NewRef(hook));
    return list;
  }
  return checked(PyMapping_Values(table));  // an OrderedDict's own order
}

// One call, from the pre-hooks to the value that the caller gets.
class HookedCall {
 public:
  HookedCall(PyObject* self, PyObject* state, PyObject* args, PyObject* kwargs)
      : self_(self), state_(state), args_(PyRef::borrow(args)), kwargs_(PyRef::borrow(kwargs)) {}

  PyObject* run() {
    const bool has_boundary = !is_empty_table(state_, names().backward_hooks) ||
                              !is_empty_table(state_, names().backward_pre_hooks);
    PyRef boundary;
    if (has_boundary) {
      const PyRef hooks = snapshot(self_, names().backward_hooks);
      const PyRef pre_hooks = snapshot(self_, names().backward_pre_hooks);
      boundary = checked(PyObject_CallFunctionObjArgs(definition.boundary, self_, hooks.get(),
                                                      pre_hooks.get(), nullptr));
    }
    try {
      run_pre_hooks();
      if (has_boundary) enter(boundary.get());
      result_ = checked(call_forward(self_, state_, args_.get(), kwargs_.get()));
    } catch (const PythonError&) {
      if (has_new_kinds()) run_always_hooks();
      throw;
    }
    run_hooks();
    if (!has_boundary) return result_.release();
    return checked(PyObject_CallMethodOneArg(boundary.get(), names().leave, result_.get()))
        .release();
  }

 private:
  void run_pre_hooks() {
    if (is_empty_table(state_, names().forward_pre_hooks)) return;
    const PyRef hooks = snapshot(self_, names().forward_pre_hooks);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks.get()); ++i) {
      PyObject* const arguments[] = {self_, args_.get()};
      PyRef replaced =
          checked(PyObject_Vectorcall(PyList_GET_ITEM(hooks.get(), i), arguments, 2, nullptr));
      if (replaced.get() == Py_None) continue;
      args_ = PyTuple_Check(replaced.get()) ? std::move(replaced)
                                            : checked(PyTuple_Pack(1, replaced.get()));
    }
  }

  void enter(PyObject* boundary) {
    const bool given = static_cast<bool>(kwargs_);
    make_kwargs();
    const PyRef entered = checked(
        PyObject_CallMethodObjArgs(boundary, names().enter, args_.get(), kwargs_.get(), nullptr));
    args_ = PyRef::borrow(PyTuple_GET_ITEM(entered.get(), 0));
    kwargs_ = given ? PyRef::borrow(PyTuple_GET_ITEM(entered.get(), 1)) : PyRef();
  }

  void make_kwargs() {
    if (!kwargs_) kwargs_ = checked(PyDict_New());
  }

  // Were hooks of other kinds, or global ones, registered while this call went on?
  bool has_new_kinds() { return !has_usual_hooks(self_, state_) || !global_tables_are_empty(); }

  // With an error set, which stays set.
  void run_always_hooks() {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyErr_GivenExceptionMatches(type, PyExc_Exception)) {
      make_kwargs();
      const PyRef none_called = checked(PySet_New(nullptr));
      const PyRef done = PyRef::steal(PyObject_CallMethodObjArgs(self_, names().call_always_hooks,
                                                                 none_called.get(), args_.get(),
                                                                 kwargs_.get(), Py_None, nullptr));
      PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
  }

  void run_hooks() {
    if (has_new_kinds()) {
      make_kwargs();
      result_ = checked(PyObject_CallMethodObjArgs(self_, names().run_forward_hooks, args_.get(),
                                                   kwargs_.get(), result_.get(), nullptr));
      return;
    }
    if (is_empty_table(state_, names().forward_hooks)) return;
    const PyRef hooks = snapshot(self_, names().forward_hooks);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks.get()); ++i) {
      PyObject* const arguments[] = {self_, args_.get(), result_.get()};
      PyRef replaced =
          checked(PyObject_Vectorcall(PyList_GET_ITEM(hooks.get(), i), arguments, 3, nullptr));
      if (replaced.get() != Py_None) result_ = std::move(replaced);
    }
  }

  PyObject* self_;
  PyObject* state_;
  PyRef args_;
  PyRef kwargs_;  // null: none were given
  PyRef result_;
};

PyObject* dispatch_call(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject** const known_state = _PyObject_GetDictPtr(self);
  if (known_state && *known_state && !tracing_state && !is_watched() && global_tables_are_empty()) {
    const SeenModule* const seen = seen_module(self, *known_state);
    if (seen && !seen->has_hooks() && is_short(args, kwargs)) {
      return call_function(seen->forward, self, args);
    }
    if (seen && seen->has_hooks() && seen->has_usual_hooks()) {
      const PyRef kept = PyRef::borrow(*known_state);
      return guarded([&] { return HookedCall(self, kept.get(), args, kwargs).run(); });
    }
  }
  const PyRef state = PyRef::steal(PyObject_GenericGetDict(self, nullptr));
  if (!state) return nullptr;
  if (is_usual_call(Py_TYPE(self), state.get())) {
    remember(self, state.get());
    if (are_empty_tables(state.get(), names().hook_tables)) {
      return call_forward(self, state.get(), args, kwargs);
    }
    const bool has_tables = PyDict_GetItemWithError(state.get(), names().forward_hooks);
    if (has_tables && has_usual_hooks(self, state.get())) {
      return guarded([&] { return HookedCall(self, state.get(), args, kwargs).run(); });
    }
  }
  if (PyErr_Occurred()) return nullptr;
  return definition.generic_call(self, args, kwargs);
}

PyObject* module_call(PyObject* self, PyObject* args, PyObject* kwargs) {
  PyObject* const result = dispatch_call(self, args, kwargs);
  if (TALLOW_UNLIKELY(!result)) annotate_module_error(self, args, kwargs);
  return result;
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
    if (!table || !PyDict_Check(table)) return definition.generic_getattro(self, name);
    if (PyObject* const value = PyDict_GetItemWithError(table, name)) return Py_NewRef(value);
  }
  if (PyErr_Occurred()) return nullptr;
  // As Module.__getattr__ would; programs ask what a module has.
  return PyErr_Format(PyExc_AttributeError, "'%s' object has no attribute '%U'",
                      Py_TYPE(self)->tp_name, name);
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
  PyObject* boundary = nullptr;
  if (!PyArg_ParseTuple(args, "O!O!O", &PyType_Type, &type, &PyTuple_Type, &tables, &boundary)) {
    return nullptr;
  }
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
  definition.boundary = Py_NewRef(boundary);
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
