#include "python/tensor_type.h"

#include <structmember.h>

#include <array>

#include "autograd/meta.h"
#include "python/autograd_objects.h"
#include "python/construct.h"

namespace tallow::python {

PyTypeObject* tensor_base_type = nullptr;
PyTypeObject* tensor_type = nullptr;
PyTypeObject* parameter_type = nullptr;

namespace {

void tensor_dealloc(PyObject* self);

PyTensor* as_py(PyObject* self) { return reinterpret_cast<PyTensor*>(self); }

// Where the dict of attributes is; null if the type has none.
PyObject** dict_of(PyObject* self) {
#if TALLOW_OWN_DICT
  return &as_py(self)->dict;
#else
  return _PyObject_GetDictPtr(self);
#endif
}

// Dead objects of the class Tensor itself, to be used again. Python would allocate, clear, link,
// unlink and free each anew, through the dispatcher of classes written in Python: half of what a
// small operator takes.
struct Recycled {
  static constexpr std::size_t kMost = 256;
  std::array<PyObject*, kMost> objects;
  std::size_t count = 0;
};
Recycled recycled;

// Allocates an instance without running __init__ and ties it to the tensor.
PyObject* allocate(PyTypeObject* type, const Tensor& tensor) {
  if (TALLOW_LIKELY(type == tensor_type && recycled.count > 0)) {
    PyObject* const self = PyObject_Init(recycled.objects[--recycled.count], type);
    new (&as_py(self)->tensor) Tensor(tensor);
    tensor.impl()->attach_object(self);
    PyObject_GC_Track(self);
    return self;
  }
  PyObject* const self = type->tp_alloc(type, 0);
  if (!self) throw PythonError();
  new (&as_py(self)->tensor) Tensor(tensor);
  tensor.impl()->attach_object(self);
  return self;
}

void release(PyObject* self) {
  PyTypeObject* const type = Py_TYPE(self);
  as_py(self)->tensor.~Tensor();
  if (TALLOW_LIKELY(type == tensor_type && type->tp_dealloc == tensor_dealloc &&
                    recycled.count < Recycled::kMost)) {
    recycled.objects[recycled.count++] = self;
  } else {
    type->tp_free(self);
  }
  Py_DECREF(type);
}

// Attributes may hold tensors with attributes, to any depth.
TALLOW_NOINLINE void release_with_dict(PyObject* self, PyObject** dict) {
  Py_TRASHCAN_BEGIN(self, tensor_dealloc);
  Py_CLEAR(*dict);
  release(self);
  Py_TRASHCAN_END;
}

// Also the end of what Python does for instances of subclasses.
void tensor_dealloc(PyObject* self) {
  if (TALLOW_UNLIKELY(Py_TYPE(self) == tensor_type && tensor_type->tp_finalize)) {
    if (PyObject_CallFinalizerFromDealloc(self) < 0) return;
  }
  PyObject_GC_UnTrack(self);
  if (TALLOW_UNLIKELY(as_py(self)->weakrefs != nullptr)) PyObject_ClearWeakRefs(self);
  const Tensor& tensor = as_py(self)->tensor;
  if (tensor.defined()) tensor.impl()->detach_object();
  PyObject** const dict = dict_of(self);
  TALLOW_UNLIKELY(dict && *dict) ? release_with_dict(self, dict) : release(self);
}

// What only this object keeps alive through C++: then a cycle through it can be collected.
int tensor_traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
#if TALLOW_OWN_DICT
  Py_VISIT(as_py(self)->dict);
#endif
  const Tensor& tensor = as_py(self)->tensor;
  if (!tensor.defined() || tensor.impl()->use_count() > 1) return 0;
  const AutogradMeta* const meta = tensor.impl()->meta;
  return meta ? traverse_meta(*meta, visit, arg) : 0;
}

int tensor_clear(PyObject* self) {
#if TALLOW_OWN_DICT
  Py_CLEAR(as_py(self)->dict);
#endif
  const Tensor& tensor = as_py(self)->tensor;
  if (tensor.defined() && tensor.impl()->meta) {
    AutogradMeta& meta = *tensor.impl()->meta;
    const Tensor grad = std::move(meta.grad);
    meta.leaf_hooks.clear();
    meta.post_accumulate_hooks.clear();
    meta.hook_dict.reset();
    const Ref<Node> node = std::move(meta.grad_fn);
  }
  return 0;
}

PyObject* tensor_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  return guarded([&] { return wrap_as(type, legacy_construct(type, args, kwargs)); });
}
// tp_new has done everything; subclasses may call super().__init__ with any arguments.
int tensor_init(PyObject*, PyObject*, PyObject*) { return 0; }

PyObject* set_tensor_class(PyObject*, PyObject* type) {
  tensor_type = reinterpret_cast<PyTypeObject*>(Py_NewRef(type));
  // The class adds no members, so that its instances need nothing of what Python does for those.
  if (tensor_type->tp_basicsize == sizeof(PyTensor)) tensor_type->tp_dealloc = tensor_dealloc;
  Py_RETURN_NONE;
}
PyObject* set_parameter_class(PyObject*, PyObject* type) {
  parameter_type = reinterpret_cast<PyTypeObject*>(Py_NewRef(type));
  Py_RETURN_NONE;
}
PyMemberDef offsets[] = {
#if TALLOW_OWN_DICT
    {"__dictoffset__", T_PYSSIZET, offsetof(PyTensor, dict), READONLY, nullptr},
#endif
    {"__weaklistoffset__", T_PYSSIZET, offsetof(PyTensor, weakrefs), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};
PyMethodDef class_setters[] = {
    {"_set_tensor_class", set_tensor_class, METH_O, "Tell the core which class wraps tensors."},
    {"_set_parameter_class", set_parameter_class, METH_O, "Tell the core the class of parameters."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* wrap(const Tensor& tensor) {
  if (TALLOW_UNLIKELY(!tensor.defined())) Py_RETURN_NONE;
  if (void* const object = tensor.impl()->object()) {
    return Py_NewRef(static_cast<PyObject*>(object));
  }
  return allocate(tensor_type, tensor);
}

PyObject* wrap_as(PyTypeObject* type, const Tensor& tensor) {
  if (tensor.impl()->object()) return allocate(type, alias(tensor));
  return allocate(type, tensor);
}

void init_tensor_type(py::module_& module) {
  object_hooks.retain = [](void* object) { Py_INCREF(static_cast<PyObject*>(object)); };
  object_hooks.release = [](void* object) { Py_DECREF(static_cast<PyObject*>(object)); };
  for (PyGetSetDef* at = tensor_properties; at->name; ++at) {
    at->closure = const_cast<char*>(at->name);
  }
  std::vector<PyType_Slot> slots = {
      {Py_tp_new, reinterpret_cast<void*>(tensor_new)},
      {Py_tp_init, reinterpret_cast<void*>(tensor_init)},
      {Py_tp_dealloc, reinterpret_cast<void*>(tensor_dealloc)},
      {Py_tp_traverse, reinterpret_cast<void*>(tensor_traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(tensor_clear)},
      {Py_tp_members, offsets},
      {Py_tp_getset, tensor_properties},
      {Py_tp_methods, tensor_methods},
      {Py_mp_subscript, reinterpret_cast<void*>(tensor_subscript)},
      {Py_mp_ass_subscript, reinterpret_cast<void*>(tensor_assign_subscript)},
      {Py_tp_doc, const_cast<char*>("The native part of Tensor.")},
  };
  fill_operator_slots(slots);
  slots.push_back({0, nullptr});
  PyType_Spec spec = {"tallow._C.TensorBase", sizeof(PyTensor), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots.data()};
  tensor_base_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
  tensor_type = tensor_base_type;
  module.attr("TensorBase") = py::handle(reinterpret_cast<PyObject*>(tensor_base_type));
  if (PyModule_AddFunctions(module.ptr(), class_setters) < 0) throw PythonError();
}

}  // namespace tallow::python
