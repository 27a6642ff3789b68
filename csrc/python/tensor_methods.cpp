// Methods of TensorBase that are no ops: geometry queries, conversion to Python, autograd switches.
#include "autograd/meta.h"
#include "autograd/views.h"
#include "core/error.h"
#include "ops/copy.h"
#include "ops/memory_order.h"
#include "ops/views.h"
#include "python/convert.h"
#include "python/numpy.h"
#include "python/storage.h"
#include "python/tensor_item.h"
#include "python/tensor_type.h"

namespace tallow::python {

namespace {

// Methods without arguments.
template <auto kBody>
PyObject* no_args(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* { return kBody(unwrap(self)); });
}
// Methods with any arguments.
template <auto kBody>
PyObject* with_args(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* { return kBody(unwrap(self), args, kwargs); });
}

// Parses the only argument of a method, if it is given: null or `value` as it was, if not. What the
// methods are called with nearly always needs no parser.
bool parse_one(PyObject* args, PyObject* kwargs, const char* format, const char* name,
               PyObject*& value) {
  if (TALLOW_LIKELY(!kwargs && PyTuple_GET_SIZE(args) == 0)) return true;
  if (TALLOW_LIKELY(!kwargs && PyTuple_GET_SIZE(args) == 1)) {
    value = PyTuple_GET_ITEM(args, 0);
    return true;
  }
  const char* names[] = {name, nullptr};
  return PyArg_ParseTupleAndKeywords(args, kwargs, format, const_cast<char**>(names), &value) != 0;
}

PyObject* get_item(const Tensor& t) { return to_python(item(t)); }
PyObject* get_list(const Tensor& t) { return to_list(t); }
PyObject* get_dim(const Tensor& t) { return PyLong_FromLongLong(t.dim()); }
PyObject* get_numel(const Tensor& t) { return PyLong_FromLongLong(t.numel()); }
PyObject* get_offset(const Tensor& t) { return PyLong_FromLongLong(t.impl()->offset); }
PyObject* get_element_size(const Tensor& t) { return PyLong_FromLongLong(item_size(t.dtype())); }
PyObject* get_is_floating(const Tensor& t) { return PyBool_FromLong(is_floating(t.dtype())); }
PyObject* get_is_complex(const Tensor& t) { return PyBool_FromLong(is_complex(t.dtype())); }
PyObject* get_is_signed(const Tensor& t) { return PyBool_FromLong(is_signed(t.dtype())); }
PyObject* get_is_view(const Tensor& t) { return PyBool_FromLong(is_view(t)); }
PyObject* get_is_inference(const Tensor& t) { return PyBool_FromLong(t.impl()->inference); }
PyObject* get_data_ptr(const Tensor& t) { return PyLong_FromVoidPtr(t.ptr()); }
PyObject* get_device_index(const Tensor& t) { return PyLong_FromLong(t.device().index); }
PyObject* get_false(const Tensor&) { Py_RETURN_FALSE; }
PyObject* get_storage(const Tensor& t) { return storage_object(t).release().ptr(); }
PyObject* do_detach(const Tensor& t) {
  detach_inplace(t);
  return wrap(t);
}
PyObject* do_retain_grad(const Tensor& t) {
  retain_grad(t);
  Py_RETURN_NONE;
}

// size() and stride(): all, or one dimension.
PyObject* per_dim(const Tensor& t, PyObject* args, PyObject* kwargs, const char* name,
                  const Dims& values, bool as_size) {
  PyObject* dim = Py_None;
  if (!parse_one(args, kwargs, "|O", "dim", dim)) return nullptr;
  if (dim == Py_None) {
    if (as_size) return make_size(values);
    PyRef tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(values.size())));
    for (int64_t i = 0; i < values.size(); ++i) {
      PyTuple_SET_ITEM(tuple.get(), i, checked(PyLong_FromLongLong(values[i])).release());
    }
    return tuple.release();
  }
  TALLOW_CHECK_TYPE(is_int(dim), name, "(): argument 'dim' (position 1) must be int, not ",
                    Py_TYPE(dim)->tp_name);
  TALLOW_CHECK_INDEX(t.dim() > 0, "Dimension specified as ", to_int64(dim),
                     " but tensor has no dimensions");
  return PyLong_FromLongLong(values[wrap_dim(to_int64(dim), t.dim())]);
}
PyObject* get_size(const Tensor& t, PyObject* args, PyObject* kwargs) {
  return per_dim(t, args, kwargs, "size", t.sizes(), true);
}
PyObject* get_stride(const Tensor& t, PyObject* args, PyObject* kwargs) {
  return per_dim(t, args, kwargs, "stride", t.strides(), false);
}

PyObject* get_is_contiguous(const Tensor& t, PyObject* args, PyObject* kwargs) {
  PyObject* format = nullptr;
  if (!parse_one(args, kwargs, "|O:is_contiguous", "memory_format", format)) return nullptr;
  if (!format || to_memory_format(format) == MemoryFormat::kContiguous) {
    return PyBool_FromLong(t.is_contiguous());
  }
  return PyBool_FromLong(ops::is_in_format(t, to_memory_format(format)));
}

PyObject* do_requires_grad(const Tensor& t, PyObject* args, PyObject* kwargs) {
  PyObject* value = Py_True;
  if (!parse_one(args, kwargs, "|O:requires_grad_", "requires_grad", value)) return nullptr;
  TALLOW_CHECK_TYPE(PyBool_Check(value), "requires_grad_(): argument 'requires_grad'",
                    PyTuple_GET_SIZE(args) > 0 ? " (position 1)" : "", " must be bool, not ",
                    Py_TYPE(value)->tp_name);
  set_requires_grad(t, value == Py_True);
  return wrap(t);
}

PyObject* get_numpy(const Tensor& t, PyObject* args, PyObject* kwargs) {
  int force = 0;
  if (TALLOW_LIKELY(!kwargs && PyTuple_GET_SIZE(args) == 0)) return to_array(t, false);
  static const char* names[] = {"force", nullptr};
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|$p:numpy", const_cast<char**>(names), &force)) {
    return nullptr;
  }
  return to_array(t, force != 0);
}

// The device that older programs name is accepted and means nothing.
PyObject* get_is_pinned(const Tensor& t, PyObject* args, PyObject* kwargs) {
  PyObject* device = Py_None;
  if (!parse_one(args, kwargs, "|O:is_pinned", "device", device)) return nullptr;
  return PyBool_FromLong(ops::is_pinned(t));
}

PyObject* as_subclass(const Tensor& t, PyObject* args, PyObject*) {
  PyObject* type = nullptr;
  if (!PyArg_ParseTuple(args, "O!:as_subclass", &PyType_Type, &type)) return nullptr;
  TALLOW_CHECK_TYPE(PyType_IsSubtype(reinterpret_cast<PyTypeObject*>(type), tensor_base_type),
                    "as_subclass(): the class must be a subclass of Tensor");
  return wrap_as(reinterpret_cast<PyTypeObject*>(type), ops::view_alias(t));
}

}  // namespace

#define KEYWORDS(body)                                                     \
  reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(with_args<body>)), \
      METH_VARARGS | METH_KEYWORDS

PyMethodDef tensor_methods[] = {
    {"item", no_args<get_item>, METH_NOARGS, "Return the value of a one-element tensor."},
    {"tolist", no_args<get_list>, METH_NOARGS, "Return the values as nested lists."},
    {"dim", no_args<get_dim>, METH_NOARGS, "Return the number of dimensions."},
    {"ndimension", no_args<get_dim>, METH_NOARGS, "Return the number of dimensions."},
    {"numel", no_args<get_numel>, METH_NOARGS, "Return the number of elements."},
    {"nelement", no_args<get_numel>, METH_NOARGS, "Return the number of elements."},
    {"storage_offset", no_args<get_offset>, METH_NOARGS, "Return the first element's position."},
    {"element_size", no_args<get_element_size>, METH_NOARGS, "Return the bytes per element."},
    {"is_floating_point", no_args<get_is_floating>, METH_NOARGS, nullptr},
    {"is_complex", no_args<get_is_complex>, METH_NOARGS, nullptr},
    {"is_signed", no_args<get_is_signed>, METH_NOARGS, nullptr},
    {"is_inference", no_args<get_is_inference>, METH_NOARGS, nullptr},
    {"is_pinned", KEYWORDS(get_is_pinned), "Is the memory page-locked?"},
    {"is_conj", no_args<get_false>, METH_NOARGS, nullptr},
    {"is_neg", no_args<get_false>, METH_NOARGS, nullptr},
    {"_is_view", no_args<get_is_view>, METH_NOARGS, "Does it share memory with its _base?"},
    {"data_ptr", no_args<get_data_ptr>, METH_NOARGS, "Return the first element's address."},
    {"get_device", no_args<get_device_index>, METH_NOARGS, "Return the CUDA index, -1 on the CPU."},
    {"untyped_storage", no_args<get_storage>, METH_NOARGS, "Return the storage."},
    {"detach_", no_args<do_detach>, METH_NOARGS, "Drop the history, in place."},
    {"retain_grad", no_args<do_retain_grad>, METH_NOARGS, "Keep .grad of a non-leaf."},
    {"size", KEYWORDS(get_size), "Return the sizes, or that of one dimension."},
    {"stride", KEYWORDS(get_stride), "Return the strides, or that of one dimension."},
    {"is_contiguous", KEYWORDS(get_is_contiguous), "Is the memory order row-major?"},
    {"requires_grad_", KEYWORDS(do_requires_grad), "Ask for gradients, in place."},
    {"numpy", KEYWORDS(get_numpy), "Return an ndarray that shares the memory."},
    {"as_subclass", KEYWORDS(as_subclass), "Return the same data as another Tensor class."},
    {nullptr, nullptr, 0, nullptr},
};

#undef KEYWORDS

}  // namespace tallow::python
