#include "python/override.h"

namespace tallow::python {

thread_local uint8_t call_interest = 0;

namespace {

thread_local bool subclass_dispatch_disabled = false;

PyObject* disabled_torch_function = nullptr;  // what types that opt out have as the attribute

// A context manager: with _C.DisableTorchFunctionSubclass(): ...
struct DisableSubclassDispatch {
  bool previous = false;
  void enter() { previous = std::exchange(subclass_dispatch_disabled, true); }
  void exit() { subclass_dispatch_disabled = previous; }
};

PyObject* name_torch_function() {
  static PyObject* const name = PyUnicode_InternFromString("__torch_function__");
  return name;
}

// Called by every function of nn.functional.
PyObject* concerns_override(PyObject*, PyObject* object) {
  return PyBool_FromLong((call_interest & kOfferedToMode) || may_override(object));
}

// Does an object, or one in a sequence of them to any depth, override calls?
bool contains_override(PyObject* object) {
  if (!PyTuple_Check(object) && !PyList_Check(object)) return may_override(object);
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
    if (contains_override(PySequence_Fast_GET_ITEM(object, i))) return true;
  }
  return false;
}

// Called by every function that is a composition written in Python.
PyObject* call_concerns_override(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count != 2 || !PyTuple_Check(args[0]) || !PyDict_Check(args[1])) {
    PyErr_SetString(PyExc_TypeError, "_call_has_torch_function() takes a tuple and a dict");
    return nullptr;
  }
  bool found = (call_interest & kOfferedToMode) || contains_override(args[0]);
  PyObject* value = nullptr;
  Py_ssize_t position = 0;
  while (!found && PyDict_Next(args[1], &position, nullptr, &value)) {
    found = contains_override(value);
  }
  return PyBool_FromLong(found);
}

PyMethodDef functions[] = {
    {"_has_torch_function", concerns_override, METH_O,
     "Is a call with this argument to be offered to __torch_function__?"},
    {"_call_has_torch_function",
     reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_concerns_override)), METH_FASTCALL,
     "Is a call with these arguments, however deep in sequences, to be offered?"},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

bool calls_are_overridden(PyObject* const* args, Py_ssize_t count) {
  bool found = (call_interest & kOfferedToMode) != 0;
  for (Py_ssize_t i = 0; !found && i < count; ++i) found = contains_override(args[i]);
  return found;
}

bool has_torch_function(PyObject* object) {
  PyTypeObject* const type = Py_TYPE(object);
  if (type == tensor_type || type == tensor_base_type || subclass_dispatch_disabled) return false;
  PyObject* const attribute = _PyType_Lookup(type, name_torch_function());
  if (!attribute) return false;
  return attribute != disabled_torch_function;
}

PyObject* call_override(PyObject* api, PyObject* const* args, Py_ssize_t count,
                        PyObject* keywords) {
  const Py_ssize_t keyword_count = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  std::vector<PyObject*> relevant;
  const auto collect = [&](PyObject* object) {
    if (is_tensor(object) || may_override(object)) relevant.push_back(object);
  };
  for (Py_ssize_t i = 0; i < count + keyword_count; ++i) {
    if (PyTuple_Check(args[i]) || PyList_Check(args[i])) {
      for (Py_ssize_t j = 0; j < PySequence_Fast_GET_SIZE(args[i]); ++j) {
        collect(PySequence_Fast_GET_ITEM(args[i], j));
      }
    } else {
      collect(args[i]);
    }
  }
  const PyRef relevant_args = checked(PyTuple_New(static_cast<Py_ssize_t>(relevant.size())));
  for (std::size_t i = 0; i < relevant.size(); ++i) {
    PyTuple_SET_ITEM(relevant_args.get(), static_cast<Py_ssize_t>(i), Py_NewRef(relevant[i]));
  }
  const PyRef call = checked(PyTuple_New(count + 2));
  PyTuple_SET_ITEM(call.get(), 0, Py_NewRef(api));
  PyTuple_SET_ITEM(call.get(), 1, Py_NewRef(relevant_args.get()));
  for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(call.get(), i + 2, Py_NewRef(args[i]));
  const PyRef kwargs = checked(PyDict_New());
  for (Py_ssize_t i = 0; i < keyword_count; ++i) {
    PyDict_SetItem(kwargs.get(), PyTuple_GET_ITEM(keywords, i), args[count + i]);
  }
  const PyRef overrides = checked(PyImport_ImportModule("tallow.overrides"));
  const PyRef handle = checked(PyObject_GetAttrString(overrides.get(), "handle_torch_function"));
  return PyObject_Call(handle.get(), call.get(), kwargs.get());
}

void bind_override(py::module_& module) {
  py::class_<DisableSubclassDispatch>(module, "DisableTorchFunctionSubclass")
      .def(py::init<>())
      .def("__enter__", &DisableSubclassDispatch::enter)
      .def("__exit__", [](DisableSubclassDispatch& self, const py::args&) { self.exit(); });
  module.def("_is_torch_function_subclass_enabled", [] { return !subclass_dispatch_disabled; });
  module.def("_set_torch_function_mode_active", [](bool active) {
    call_interest =
        static_cast<uint8_t>((call_interest & ~kOfferedToMode) | (active ? kOfferedToMode : 0));
  });
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw PythonError();
  module.def("_disabled_torch_function_impl", [](const py::object& function, const py::object&,
                                                 const py::tuple& args, const py::object& kwargs) {
    DisableSubclassDispatch disable;
    disable.enter();
    PyObject* const result =
        PyObject_Call(function.ptr(), args.ptr(), kwargs.is_none() ? nullptr : kwargs.ptr());
    disable.exit();
    if (!result) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(result);
  });
  disabled_torch_function =
      module.attr("_disabled_torch_function_impl").cast<py::object>().release().ptr();
}

}  // namespace tallow::python
