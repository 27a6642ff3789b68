#include "python/op_objects.h"

#include <structmember.h>

#include "python/tensor_type.h"

namespace tallow::python {

namespace {

struct PyOp {
  PyObject_HEAD vectorcallfunc vectorcall;
  const Op* op;
};

PyTypeObject* function_type = nullptr;
PyTypeObject* method_type = nullptr;

const Op& op_of(PyObject* self) { return *reinterpret_cast<PyOp*>(self)->op; }

PyObject* op_vectorcall(PyObject* self, PyObject* const* args, std::size_t count_and_flag,
                        PyObject* keywords) {
  return call_op(op_of(self), self, args, PyVectorcall_NARGS(count_and_flag), keywords);
}

PyObject* method_vectorcall(PyObject* self, PyObject* const* args, std::size_t count_and_flag,
                            PyObject* keywords) {
  const Py_ssize_t count = PyVectorcall_NARGS(count_and_flag);
  if (TALLOW_UNLIKELY(count < 1)) {
    return PyErr_Format(PyExc_TypeError, "unbound method TensorBase.%s() needs an argument",
                        op_of(self).name.c_str());
  }
  if (TALLOW_UNLIKELY(!is_tensor(args[0]))) {
    return PyErr_Format(PyExc_TypeError,
                        "descriptor '%s' for '%s._C.TensorBase' objects doesn't apply to a '%s' "
                        "object",
                        op_of(self).name.c_str(), package_name().c_str(),
                        Py_TYPE(args[0])->tp_name);
  }
  return call_op(op_of(self), self, args, count, keywords);
}

PyObject* method_get(PyObject* self, PyObject* instance, PyObject*) {
  if (!instance || instance == Py_None) return Py_NewRef(self);
  return PyMethod_New(self, instance);
}

PyObject* function_repr(PyObject* self) {
  return PyUnicode_FromFormat("<built-in method %s of type object>", op_of(self).name.c_str());
}
PyObject* method_repr(PyObject* self) {
  return PyUnicode_FromFormat("<method '%s' of '%s._C.TensorBase' objects>",
                              op_of(self).name.c_str(), package_name().c_str());
}
PyObject* op_name(PyObject* self, void*) { return PyUnicode_FromString(op_of(self).name.c_str()); }
PyObject* method_qualname(PyObject* self, void*) {
  return PyUnicode_FromFormat("TensorBase.%s", op_of(self).name.c_str());
}
PyObject* op_doc(PyObject* self, void*) {
  const Op& op = op_of(self);
  std::string text;
  for (const Overload& overload : op.overloads) text += overload.text + "\n";
  return PyUnicode_FromString((text + "\n" + op.doc).c_str());
}
PyObject* op_module(PyObject*, void*) { return PyUnicode_FromString(package_name().c_str()); }
PyObject* function_reduce(PyObject* self, PyObject*) {
  return PyUnicode_FromString(op_of(self).name.c_str());
}

PyGetSetDef function_properties[] = {
    {"__name__", op_name, nullptr, nullptr, nullptr},
    {"__qualname__", op_name, nullptr, nullptr, nullptr},
    {"__doc__", op_doc, nullptr, nullptr, nullptr},
    {"__module__", op_module, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyGetSetDef method_properties[] = {
    {"__name__", op_name, nullptr, nullptr, nullptr},
    {"__qualname__", method_qualname, nullptr, nullptr, nullptr},
    {"__doc__", op_doc, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMethodDef function_methods[] = {
    {"__reduce__", function_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyMemberDef vectorcall_members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(PyOp, vectorcall), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

PyTypeObject* make_type(const char* name, unsigned long flags, reprfunc repr,
                        PyGetSetDef* properties, PyMethodDef* methods, descrgetfunc get) {
  std::vector<PyType_Slot> slots = {
      {Py_tp_call, reinterpret_cast<void*>(PyVectorcall_Call)},
      {Py_tp_repr, reinterpret_cast<void*>(repr)},
      {Py_tp_getset, properties},
      {Py_tp_members, vectorcall_members},
  };
  if (methods) slots.push_back({Py_tp_methods, methods});
  if (get) slots.push_back({Py_tp_descr_get, reinterpret_cast<void*>(get)});
  slots.push_back({0, nullptr});
  PyType_Spec spec = {name, sizeof(PyOp), 0,
                      static_cast<unsigned>(Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL |
                                            Py_TPFLAGS_DISALLOW_INSTANTIATION | flags),
                      slots.data()};
  return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
}

PyObject* make_op_object(PyTypeObject* type, const Op& op, vectorcallfunc vectorcall) {
  PyRef object = checked(type->tp_alloc(type, 0));
  auto* const self = reinterpret_cast<PyOp*>(object.get());
  self->vectorcall = vectorcall;
  self->op = &op;
  return object.release();
}

}  // namespace

PyObject* result_type_repr(PyObject* self) {
  return guarded([&]() -> PyObject* {
    std::string text = Py_TYPE(self)->tp_name;
    text = package_name() + text.substr(text.find('.')) + "(";
    const PyRef names = checked(PyObject_GetAttrString(self, "__match_args__"));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names.get()); ++i) {
      const PyRef value = checked(PyObject_Repr(PyStructSequence_GetItem(self, i)));
      text += std::string(i ? ",\n" : "\n") + PyUnicode_AsUTF8(PyTuple_GET_ITEM(names.get(), i)) +
              "=" + PyUnicode_AsUTF8(value.get());
    }
    return PyUnicode_FromString((text + ")").c_str());
  });
}

void publish_op(py::module_& module, Op& op) {
  if (op.flags & (kFunction | kNN)) {
    op.function = make_op_object(function_type, op, op_vectorcall);
    const py::handle function(op.function);
    if (op.flags & kFunction) module.attr("_VariableFunctions").attr(op.name.c_str()) = function;
    if (op.flags & kNN) module.attr("_nn").attr(op.name.c_str()) = function;
  }
  if (op.flags & kMethod) {
    op.method = make_op_object(method_type, op, method_vectorcall);
    PyObject* const type = reinterpret_cast<PyObject*>(tensor_base_type);
    if (PyObject_SetAttrString(type, op.name.c_str(), op.method) < 0) throw PythonError();
  }
}

void init_op_types(py::module_& module) {
  function_type = make_type("tallow._C._function", 0, function_repr, function_properties,
                            function_methods, nullptr);
  method_type = make_type("tallow._C._method", Py_TPFLAGS_METHOD_DESCRIPTOR, method_repr,
                          method_properties, nullptr, method_get);
  // Namespaces are instances of a class, as in PyTorch: attributes of an instance do not bind.
  const py::module_ types = py::module_::import("types");
  const py::object make_class = types.attr("new_class");
  module.attr("_VariableFunctionsClass") = make_class("_VariableFunctionsClass");
  module.attr("_VariableFunctions") = module.attr("_VariableFunctionsClass")();
  module.attr("_nn") = types.attr("ModuleType")("tallow._C._nn");
}

}  // namespace tallow::python
