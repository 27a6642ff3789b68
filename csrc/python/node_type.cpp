// grad_fn objects: `_C.Node` and one subclass per kind of node, made when first shown.
#include <unordered_map>

#include "autograd/engine.h"
#include "core/error.h"
#include "python/autograd_objects.h"
#include "python/convert.h"

namespace tallow::python {

namespace {

struct PyNodeObject {
  PyObject_HEAD Ref<Node> node;
};

PyTypeObject* node_type = nullptr;

Node& node_of(PyObject* self) { return *reinterpret_cast<PyNodeObject*>(self)->node; }

void node_dealloc(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  Ref<Node>& node = reinterpret_cast<PyNodeObject*>(self)->node;
  node->detach_object();
  node.~Ref<Node>();
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* node_name(PyObject* self, PyObject*) {
  return PyUnicode_FromString(node_of(self).name().c_str());
}

PyObject* edge_tuple(const Edge& edge) {
  PyRef node = checked(wrap_node(edge.node));
  return Py_BuildValue("(Nk)", node.release(), static_cast<unsigned long>(edge.index));
}

PyObject* node_next_functions(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    const Node& node = node_of(self);
    PyRef tuple = checked(PyTuple_New(node.edges.size()));
    for (int64_t i = 0; i < node.edges.size(); ++i) {
      PyTuple_SET_ITEM(tuple.get(), i, checked(edge_tuple(node.edges[i])).release());
    }
    return tuple.release();
  });
}

PyObject* node_variable(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    const Tensor variable = node_of(self).variable();
    if (!variable.defined()) {
      raise<AttributeError>("'", node_of(self).name(), "' object has no attribute 'variable'");
    }
    return wrap(variable);
  });
}

PyObject* node_sequence(PyObject* self, PyObject*) {
  return PyLong_FromUnsignedLongLong(node_of(self).sequence);
}

// Shapes and dtypes of the outputs, as the engine checks gradients against them.
PyObject* node_input_metadata(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    py::list result;
    for (const OutputMeta& meta : node_of(self).outputs) {
      result.append(py::make_tuple(py::reinterpret_steal<py::object>(make_size(meta.sizes)),
                                   py::handle(dtype_object(meta.dtype))));
    }
    return result.release().ptr();
  });
}

PyObject* saved_names(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    py::list result;
    const Node& node = node_of(self);
    for (int64_t i = 0; i < node.saved.size(); ++i) {
      result.append(std::string("_saved_") + node.saved.slot(i).name);
    }
    return result.release().ptr();
  });
}

// _saved_<name>: tensors kept for backward.
PyObject* node_getattr(PyObject* self, PyObject* name) {
  PyObject* const attribute = PyObject_GenericGetAttr(self, name);
  if (attribute || !PyErr_ExceptionMatches(PyExc_AttributeError)) return attribute;
  const std::string_view text = PyUnicode_AsUTF8(name);
  if (!text.starts_with("_saved_")) return nullptr;
  Node& node = node_of(self);
  for (int64_t i = 0; i < node.saved.size(); ++i) {
    if (text.substr(7) != node.saved.slot(i).name) continue;
    PyErr_Clear();
    return guarded([&] { return wrap(node.saved.unpack(node, SavedId{static_cast<int32_t>(i)})); });
  }
  return nullptr;
}

// Adds `hook` to a fresh dict on the node and returns a handle that removes it.
PyObject* register_hook(PyObject* self, PyObject* hook, bool before) {
  return guarded([&]() -> PyObject* {
    const py::module_ hooks = py::module_::import("tallow.utils.hooks");
    const py::object dict = py::module_::import("collections").attr("OrderedDict")();
    const py::object handle = hooks.attr("RemovableHandle")(dict);
    dict[handle.attr("id")] = py::handle(hook);
    add_node_hook_dict(node_of(self), dict.ptr(), before);
    return handle.inc_ref().ptr();
  });
}
PyObject* node_register_hook(PyObject* self, PyObject* hook) {
  return register_hook(self, hook, false);
}
PyObject* node_register_prehook(PyObject* self, PyObject* hook) {
  return register_hook(self, hook, true);
}

PyObject* node_repr(PyObject* self) {
  const std::string_view name = Py_TYPE(self)->tp_name;
  return PyUnicode_FromFormat("<%s object at %p>", name.substr(name.rfind('.') + 1).data(),
                              static_cast<void*>(self));
}

PyMethodDef methods[] = {
    {"name", node_name, METH_NOARGS, "Return the name of the recorded operation."},
    {"_sequence_nr", node_sequence, METH_NOARGS, "Return the order of creation."},
    {"register_hook", node_register_hook, METH_O,
     "Call hook(grad_inputs, grad_outputs) after the node has run."},
    {"register_prehook", node_register_prehook, METH_O,
     "Call hook(grad_outputs) before the node runs."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef properties[] = {
    {"next_functions", node_next_functions, nullptr, "Where gradients go: (node, index) pairs.",
     nullptr},
    {"variable", node_variable, nullptr, "The leaf of an AccumulateGrad node.", nullptr},
    {"_input_metadata", node_input_metadata, nullptr, nullptr, nullptr},
    {"_saved_names", saved_names, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

// The Python class of nodes with this name.
PyTypeObject* type_for(const std::string& name) {
  static auto& types = *new std::unordered_map<std::string, PyTypeObject*>;
  PyTypeObject*& type = types[name];
  if (type) return type;
  const std::size_t colon = name.rfind(':');
  const std::string short_name = colon == std::string::npos ? name : name.substr(colon + 1);
  PyType_Slot slots[] = {{0, nullptr}};
  PyType_Spec spec = {strdup(("tallow._C." + short_name).c_str()), sizeof(PyNodeObject), 0,
                      Py_TPFLAGS_DEFAULT, slots};
  const PyRef bases = checked(PyTuple_Pack(1, reinterpret_cast<PyObject*>(node_type)));
  type = reinterpret_cast<PyTypeObject*>(
      checked(PyType_FromSpecWithBases(&spec, bases.get())).release());
  return type;
}

}  // namespace

PyObject* wrap_node(const Ref<Node>& node) {
  if (!node) Py_RETURN_NONE;
  if (void* const object = node->object()) return Py_NewRef(static_cast<PyObject*>(object));
  PyTypeObject* const type = type_for(node->name());
  PyObject* const self = type->tp_alloc(type, 0);
  if (!self) throw PythonError();
  new (&reinterpret_cast<PyNodeObject*>(self)->node) Ref<Node>(node);
  node->attach_object(self);
  return self;
}

bool is_node(PyObject* object) { return PyObject_TypeCheck(object, node_type); }

Ref<Node> unwrap_node(PyObject* object) {
  TALLOW_CHECK_TYPE(is_node(object), "expected an autograd Node, got ", Py_TYPE(object)->tp_name);
  return reinterpret_cast<PyNodeObject*>(object)->node;
}

void init_node_type(py::module_& module) {
  PyType_Slot slots[] = {
      {Py_tp_dealloc, reinterpret_cast<void*>(node_dealloc)},
      {Py_tp_methods, methods},
      {Py_tp_getset, properties},
      {Py_tp_getattro, reinterpret_cast<void*>(node_getattr)},
      {Py_tp_repr, reinterpret_cast<void*>(node_repr)},
      {Py_tp_doc, const_cast<char*>("A recorded operation in the autograd graph.")},
      {0, nullptr},
  };
  PyType_Spec spec = {"tallow._C.Node", sizeof(PyNodeObject), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                      slots};
  node_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
  module.attr("Node") = py::handle(reinterpret_cast<PyObject*>(node_type));
}

}  // namespace tallow::python
