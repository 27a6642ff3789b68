#include "python/size.h"

#include "core/shape.h"
#include "python/convert.h"

namespace tallow::python {

namespace {

PyTypeObject* size_type = nullptr;

// The same elements as a Size; steals the tuple.
PyObject* as_size(PyObject* tuple) {
  if (!tuple || !PyTuple_Check(tuple)) return tuple;
  const Py_ssize_t count = PyTuple_GET_SIZE(tuple);
  PyObject* const size = size_type->tp_alloc(size_type, count);
  for (Py_ssize_t i = 0; size && i < count; ++i) {
    PyTuple_SET_ITEM(size, i, Py_NewRef(PyTuple_GET_ITEM(tuple, i)));
  }
  Py_DECREF(tuple);
  return size;
}

PyObject* size_new(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  const PyRef self = PyRef::steal(PyTuple_Type.tp_new(type, args, kwargs));
  if (!self) return nullptr;
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(self.get()); ++i) {
    PyObject* const item = PyTuple_GET_ITEM(self.get(), i);
    if (PyLong_CheckExact(item)) continue;
    if (is_int(item) || PyBool_Check(item) || is_tensor(item)) {
      PyObject* const number = PyNumber_Index(item);
      if (number) {
        PyTuple_SET_ITEM(self.get(), i, number);
        Py_DECREF(item);
        continue;
      }
      PyErr_Clear();
    }
    PyErr_Format(PyExc_TypeError, "%s.Size() takes an iterable of 'int' (item %zd is '%s')",
                 package_name().c_str(), i, Py_TYPE(item)->tp_name);
    return nullptr;
  }
  return Py_NewRef(self.get());
}

PyObject* size_repr_slot(PyObject* self) {
  return guarded([&] { return PyUnicode_FromString(size_repr(to_dims(self)).c_str()); });
}

PyObject* size_concat(PyObject* a, PyObject* b) {
  if (!PyTuple_Check(b)) {
    PyErr_Format(PyExc_TypeError, "can only concatenate tuple (not \"%s\") to %s.Size",
                 Py_TYPE(b)->tp_name, package_name().c_str());
    return nullptr;
  }
  return as_size(PyTuple_Type.tp_as_sequence->sq_concat(a, b));
}
PyObject* size_repeat(PyObject* self, Py_ssize_t count) {
  return as_size(PyTuple_Type.tp_as_sequence->sq_repeat(self, count));
}
PyObject* size_subscript(PyObject* self, PyObject* index) {
  PyObject* const result = PyTuple_Type.tp_as_mapping->mp_subscript(self, index);
  return PySlice_Check(index) ? as_size(result) : result;
}

PyObject* size_numel(PyObject* self, PyObject*) {
  return guarded([&] { return PyLong_FromLongLong(checked_numel(to_dims(self))); });
}
PyObject* size_reduce(PyObject* self, PyObject*) {
  PyObject* const items = PySequence_Tuple(self);
  if (!items) return nullptr;
  return Py_BuildValue("(O(N))", reinterpret_cast<PyObject*>(size_type), items);
}

PyMethodDef methods[] = {
    {"numel", size_numel, METH_NOARGS, "Return the product of the sizes."},
    {"__reduce__", size_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

// A program asks for the same few shapes over and over; a Size is immutable and can be given twice.
struct RecentSize {
  static constexpr int64_t kMostDims = 4;

  PyObject* size = nullptr;
  int64_t count = 0;
  int64_t values[kMostDims] = {};

  bool is(const Dims& dims) const {
    if (dims.size() != count) return false;
    for (int64_t i = 0; i < count; ++i) {
      if (dims[i] != values[i]) return false;
    }
    return true;
  }
  void remember(PyObject* object, const Dims& dims) {
    count = dims.size();
    for (int64_t i = 0; i < count; ++i) values[i] = dims[i];
    Py_XDECREF(std::exchange(size, Py_NewRef(object)));
  }
};

RecentSize& recent_size(const Dims& dims) {
  static constexpr std::size_t kBits = 6;
  static RecentSize entries[std::size_t{1} << kBits];
  uint64_t hash = static_cast<uint64_t>(dims.size());
  for (const int64_t length : dims)
    hash = (hash ^ static_cast<uint64_t>(length)) * 0x9e3779b97f4a7c15;
  return entries[hash >> (64 - kBits)];
}

}  // namespace

PyObject* make_size(const Dims& dims) {
  RecentSize* const recent = dims.size() <= RecentSize::kMostDims ? &recent_size(dims) : nullptr;
  if (recent && recent->size && recent->is(dims)) return Py_NewRef(recent->size);
  PyRef size = checked(size_type->tp_alloc(size_type, static_cast<Py_ssize_t>(dims.size())));
  for (int64_t i = 0; i < dims.size(); ++i) {
    PyTuple_SET_ITEM(size.get(), i, checked(PyLong_FromLongLong(dims[i])).release());
  }
  if (recent) recent->remember(size.get(), dims);
  return size.release();
}

void init_size_type(py::module_& module) {
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(size_new)},
      {Py_tp_repr, reinterpret_cast<void*>(size_repr_slot)},
      {Py_tp_methods, methods},
      {Py_sq_concat, reinterpret_cast<void*>(size_concat)},
      {Py_sq_repeat, reinterpret_cast<void*>(size_repeat)},
      {Py_mp_subscript, reinterpret_cast<void*>(size_subscript)},
      {Py_tp_doc, const_cast<char*>("The shape of a tensor: a tuple of ints.")},
      {0, nullptr},
  };
  PyType_Spec spec = {"tallow.Size", 0, 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
  const PyRef bases = checked(PyTuple_Pack(1, reinterpret_cast<PyObject*>(&PyTuple_Type)));
  size_type = reinterpret_cast<PyTypeObject*>(
      checked(PyType_FromSpecWithBases(&spec, bases.get())).release());
  module.attr("Size") = py::handle(reinterpret_cast<PyObject*>(size_type));
}

}  // namespace tallow::python
