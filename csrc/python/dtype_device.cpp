#include "python/dtype_device.h"

#include <vector>

#include "python/convert.h"
#include "python/tensor_options.h"

namespace tallow::python {

namespace {

// dtype, layout and memory_format objects are all a name and a number.
struct PyConstant {
  PyObject_HEAD int value;
  const char* name;
};
struct PyDevice {
  PyObject_HEAD Device device;
};

PyTypeObject* dtype_type = nullptr;
PyTypeObject* layout_type = nullptr;
PyTypeObject* memory_format_type = nullptr;
PyTypeObject* device_type = nullptr;
PyObject* dtype_objects[kNumDTypes];
PyObject* strided_object = nullptr;

// The device of set_default_device(), then those of the `with device:` blocks around the caller.
struct DefaultDevices {
  Device chosen;
  std::vector<Device> entered;
};
thread_local DefaultDevices default_devices;

// Element types of PyTorch that no tensor has here. Programs put them into tables and compare types
// with them; an operator that is given one refuses it by name.
struct NameOnly {
  const char* name;
  int item_size;
  bool is_floating, is_complex, is_signed;
};
constexpr NameOnly kNamesOnly[] = {
    {"complex32", 4, false, true, true},
};

const PyConstant* constant(PyObject* self) { return reinterpret_cast<PyConstant*>(self); }
const NameOnly* name_only(PyObject* dtype) {
  const int value = constant(dtype)->value;
  return value < kNumDTypes ? nullptr : &kNamesOnly[value - kNumDTypes];
}
DType dtype_value(PyObject* self) {
  TALLOW_CHECK_NOT_IMPLEMENTED(name_only(self) == nullptr, "dtype ", package_name(), ".",
                               constant(self)->name,
                               " is known by name only: no tensor can have it");
  return static_cast<DType>(constant(self)->value);
}

PyObject* constant_repr(PyObject* self) {
  return PyUnicode_FromFormat("%s.%s", package_name().c_str(), constant(self)->name);
}
// Pickled and copied by name: the object is the same after it.
PyObject* constant_reduce(PyObject* self, PyObject*) {
  return PyUnicode_FromString(constant(self)->name);
}
PyObject* constant_module(PyObject*, void*) { return PyUnicode_FromString(package_name().c_str()); }

PyObject* dtype_is_floating(PyObject* self, void*) {
  const NameOnly* const named = name_only(self);
  return PyBool_FromLong(named ? named->is_floating : is_floating(dtype_value(self)));
}
PyObject* dtype_is_complex(PyObject* self, void*) {
  const NameOnly* const named = name_only(self);
  return PyBool_FromLong(named ? named->is_complex : is_complex(dtype_value(self)));
}
PyObject* dtype_is_signed(PyObject* self, void*) {
  if (const NameOnly* const named = name_only(self)) {
    return PyBool_FromLong(named->is_signed);
  }
  return PyBool_FromLong(is_signed(dtype_value(self)));
}
PyObject* dtype_itemsize(PyObject* self, void*) {
  const NameOnly* const named = name_only(self);
  return PyLong_FromLongLong(named ? named->item_size : item_size(dtype_value(self)));
}
PyObject* dtype_to_real(PyObject* self, PyObject*) {
  return guarded([&] { return Py_NewRef(dtype_object(real_type(dtype_value(self)))); });
}
PyObject* dtype_to_complex(PyObject* self, PyObject*) {
  return guarded([&] { return Py_NewRef(dtype_object(complex_type(dtype_value(self)))); });
}

PyGetSetDef dtype_properties[] = {
    {"is_floating_point", dtype_is_floating, nullptr, nullptr, nullptr},
    {"is_complex", dtype_is_complex, nullptr, nullptr, nullptr},
    {"is_signed", dtype_is_signed, nullptr, nullptr, nullptr},
    {"itemsize", dtype_itemsize, nullptr, "Bytes per element.", nullptr},
    {"__module__", constant_module, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMethodDef dtype_methods[] = {
    {"to_real", dtype_to_real, METH_NOARGS, "Return the real type of a complex one."},
    {"to_complex", dtype_to_complex, METH_NOARGS, "Return the complex type of a real one."},
    {"__reduce__", constant_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef constant_properties[] = {
    {"__module__", constant_module, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMethodDef constant_methods[] = {
    {"__reduce__", constant_reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyTypeObject* make_constant_type(const char* name, PyGetSetDef* properties, PyMethodDef* methods) {
  PyType_Slot slots[] = {
      {Py_tp_repr, reinterpret_cast<void*>(constant_repr)},
      {Py_tp_getset, properties},
      {Py_tp_methods, methods},
      {0, nullptr},
  };
  PyType_Spec spec = {name, sizeof(PyConstant), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
  return reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
}

PyObject* make_constant(py::module_& module, PyTypeObject* type, const char* name, int value) {
  PyRef object = checked(type->tp_alloc(type, 0));
  auto* const self = reinterpret_cast<PyConstant*>(object.get());
  self->value = value;
  self->name = name;
  module.attr(name) = py::handle(object.get());
  return object.release();
}

Device device_of(PyObject* self) { return reinterpret_cast<PyDevice*>(self)->device; }

PyObject* device_repr(PyObject* self) {
  const Device device = device_of(self);
  if (device.index < 0) {
    return PyUnicode_FromFormat("device(type='%s')", device_type_name(device.type));
  }
  return PyUnicode_FromFormat("device(type='%s', index=%d)", device_type_name(device.type),
                              static_cast<int>(device.index));
}
PyObject* device_str(PyObject* self) { return PyUnicode_FromString(device_of(self).str().c_str()); }
Py_hash_t device_hash(PyObject* self) {
  const Device device = device_of(self);
  return static_cast<Py_hash_t>(static_cast<int>(device.type) * 256 + device.index + 1);
}
PyObject* device_compare(PyObject* a, PyObject* b, int operation) {
  if (!PyObject_TypeCheck(b, device_type) || (operation != Py_EQ && operation != Py_NE)) {
    Py_RETURN_NOTIMPLEMENTED;
  }
  return PyBool_FromLong((device_of(a) == device_of(b)) == (operation == Py_EQ));
}
PyObject* device_type_property(PyObject* self, void*) {
  return PyUnicode_FromString(device_type_name(device_of(self).type));
}
PyObject* device_index_property(PyObject* self, void*) {
  const int index = device_of(self).index;
  if (index < 0) Py_RETURN_NONE;
  return PyLong_FromLong(index);
}

Device with_index(Device device, int64_t index) {
  TALLOW_CHECK(index >= 0 && index < 128, "Device index must not be negative, got ", index);
  TALLOW_CHECK(device.index < 0,
               "type (string) must not include an index because index was passed "
               "explicitly: ",
               device.str());
  device.index = static_cast<int8_t>(index);
  return device;
}

PyObject* device_new(PyTypeObject*, PyObject* args, PyObject* kwargs) {
  static const char* names[] = {"type", "index", nullptr};
  PyObject* type = nullptr;
  PyObject* index = Py_None;
  if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:device", const_cast<char**>(names), &type,
                                   &index)) {
    return nullptr;
  }
  return guarded([&]() -> PyObject* {
    TALLOW_CHECK_TYPE(is_device(type) && type != Py_None,
                      "device(): argument 'type' (position 1) must be str, not ",
                      Py_TYPE(type)->tp_name);
    Device device = to_device(type);
    if (index != Py_None) device = with_index(device, to_int64(index));
    return make_device(device);
  });
}
PyObject* device_reduce(PyObject* self, PyObject*) {
  const Device device = device_of(self);
  PyObject* const type = reinterpret_cast<PyObject*>(device_type);
  if (device.index < 0) return Py_BuildValue("(O(s))", type, device_type_name(device.type));
  return Py_BuildValue("(O(si))", type, device_type_name(device.type), device.index);
}

PyObject* device_enter(PyObject* self, PyObject*) {
  default_devices.entered.push_back(device_of(self));
  return Py_NewRef(self);
}
PyObject* device_exit(PyObject*, PyObject*) {
  return guarded([]() -> PyObject* {
    TALLOW_CHECK(!default_devices.entered.empty(),
                 "device.__exit__(): this thread is in no `with device:` block");
    default_devices.entered.pop_back();
    Py_RETURN_NONE;
  });
}

PyGetSetDef device_properties[] = {
    {"type", device_type_property, nullptr, "\"cpu\", \"cuda\" or \"meta\".", nullptr},
    {"index", device_index_property, nullptr, "Ordinal of the device, or None.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMethodDef device_methods[] = {
    {"__reduce__", device_reduce, METH_NOARGS, nullptr},
    {"__enter__", device_enter, METH_NOARGS, "Let factory functions use this device."},
    {"__exit__", device_exit, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

void init_device_type(py::module_& module) {
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(device_new)},
      {Py_tp_repr, reinterpret_cast<void*>(device_repr)},
      {Py_tp_str, reinterpret_cast<void*>(device_str)},
      {Py_tp_hash, reinterpret_cast<void*>(device_hash)},
      {Py_tp_richcompare, reinterpret_cast<void*>(device_compare)},
      {Py_tp_getset, device_properties},
      {Py_tp_methods, device_methods},
      {Py_tp_doc, const_cast<char*>("Where a tensor lives: device('cpu'), device('cuda', 0).")},
      {0, nullptr},
  };
  PyType_Spec spec = {"tallow.device", sizeof(PyDevice), 0, Py_TPFLAGS_DEFAULT, slots};
  device_type = reinterpret_cast<PyTypeObject*>(checked(PyType_FromSpec(&spec)).release());
  module.attr("device") = py::handle(reinterpret_cast<PyObject*>(device_type));
}

}  // namespace

PyObject* dtype_object(DType dtype) { return dtype_objects[static_cast<int>(dtype)]; }

bool is_dtype(PyObject* object) {
  return Py_TYPE(object) == dtype_type || object == reinterpret_cast<PyObject*>(&PyFloat_Type) ||
         object == reinterpret_cast<PyObject*>(&PyLong_Type) ||
         object == reinterpret_cast<PyObject*>(&PyBool_Type) ||
         object == reinterpret_cast<PyObject*>(&PyComplex_Type);
}

DType to_dtype(PyObject* object) {
  if (Py_TYPE(object) == dtype_type) return dtype_value(object);
  if (object == reinterpret_cast<PyObject*>(&PyFloat_Type)) return DType::kFloat64;
  if (object == reinterpret_cast<PyObject*>(&PyLong_Type)) return DType::kInt64;
  if (object == reinterpret_cast<PyObject*>(&PyBool_Type)) return DType::kBool;
  return DType::kComplex128;
}

namespace {

PyObject* new_device(Device device) {
  PyRef object = checked(device_type->tp_alloc(device_type, 0));
  reinterpret_cast<PyDevice*>(object.get())->device = device;
  return object.release();
}

}  // namespace

PyObject* make_device(Device device) {
  if (TALLOW_UNLIKELY(device != kCPU)) return new_device(device);
  static PyObject* const cpu = new_device(kCPU);
  return Py_NewRef(cpu);
}

bool is_device(PyObject* object) {
  return Py_TYPE(object) == device_type || PyUnicode_Check(object) || is_int(object);
}

Device to_device(PyObject* object) {
  if (Py_TYPE(object) == device_type) return device_of(object);
  if (PyUnicode_Check(object)) return Device::parse(Arg<std::string_view>::convert(object));
  return with_index(Device{DeviceType::kCUDA}, to_int64(object));
}

Device default_device() {
  const DefaultDevices& devices = default_devices;
  return devices.entered.empty() ? devices.chosen : devices.entered.back();
}

void set_default_device(Device device) { default_devices.chosen = device; }

bool is_memory_format(PyObject* object) { return Py_TYPE(object) == memory_format_type; }
MemoryFormat to_memory_format(PyObject* object) {
  return static_cast<MemoryFormat>(constant(object)->value);
}

PyObject* strided_layout() { return strided_object; }

void init_dtype_device(py::module_& module) {
  dtype_type = make_constant_type("tallow.dtype", dtype_properties, dtype_methods);
  layout_type = make_constant_type("tallow.layout", constant_properties, constant_methods);
  memory_format_type =
      make_constant_type("tallow.memory_format", constant_properties, constant_methods);
  module.attr("dtype") = py::handle(reinterpret_cast<PyObject*>(dtype_type));
  module.attr("layout") = py::handle(reinterpret_cast<PyObject*>(layout_type));
  module.attr("memory_format") = py::handle(reinterpret_cast<PyObject*>(memory_format_type));
  for (int i = 0; i < kNumDTypes; ++i) {
    dtype_objects[i] = make_constant(module, dtype_type, dtype_name(static_cast<DType>(i)), i);
  }
  for (int i = 0; i < static_cast<int>(std::size(kNamesOnly)); ++i) {
    Py_DECREF(make_constant(module, dtype_type, kNamesOnly[i].name, kNumDTypes + i));
  }
  module.def("_scalar_type_name", [](const py::object& dtype) {
    TALLOW_CHECK_TYPE(is_dtype(dtype.ptr()), "expected a dtype, got ",
                      Py_TYPE(dtype.ptr())->tp_name);
    return scalar_type_name(dtype_value(dtype.ptr()));
  });
  strided_object = make_constant(module, layout_type, "strided", 0);
  for (const char* name :
       {"sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged"}) {
    Py_DECREF(make_constant(module, layout_type, name, 1));
  }
  const char* formats[] = {"contiguous_format", "preserve_format", "channels_last",
                           "channels_last_3d"};
  for (int i = 0; i < 4; ++i) Py_DECREF(make_constant(module, memory_format_type, formats[i], i));
  init_device_type(module);
}

}  // namespace tallow::python
