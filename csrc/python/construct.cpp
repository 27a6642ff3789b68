#include "python/construct.h"

#include "autograd/meta.h"
#include "ops/copy.h"
#include "python/convert.h"
#include "python/numpy.h"
#include "python/tensor_options.h"

namespace tallow::python {

bool is_sequence(PyObject* object) {
  return PyList_Check(object) || PyTuple_Check(object) ||
         (PySequence_Check(object) && !PyUnicode_Check(object) && !PyBytes_Check(object) &&
          !is_tensor(object) && !PyDict_Check(object) && PySequence_Size(object) >= 0);
}

namespace {

Dims infer_sizes(PyObject* data) {
  Dims sizes;
  PyRef current = PyRef::borrow(data);
  while (true) {
    if (is_tensor(current.get())) {
      for (const int64_t size : unwrap(current.get()).sizes()) sizes.push_back(size);
      break;
    }
    if (!is_sequence(current.get())) break;
    const Py_ssize_t count = PySequence_Size(current.get());
    sizes.push_back(count);
    TALLOW_CHECK_VALUE(sizes.size() <= 64, "too many dimensions '", Py_TYPE(data)->tp_name, "'");
    if (count == 0) break;
    current = checked(PySequence_GetItem(current.get(), 0));
  }
  return sizes;
}

[[noreturn]] void raise_not_data(PyObject* item) {
  if (PyUnicode_Check(item)) raise<TypeError>("new(): invalid data type 'str'");
  raise<RuntimeError>("Could not infer dtype of ", Py_TYPE(item)->tp_name);
}

DType infer_dtype(PyObject* data) {
  if (is_tensor(data)) return unwrap(data).dtype();
  if (!is_sequence(data)) {
    if (!is_number(data)) raise_not_data(data);
    if (const std::optional<DType> dtype = numpy_scalar_dtype(data)) return *dtype;
    const Scalar value = to_scalar(data);
    TALLOW_CHECK_VALUE(value.kind() != Scalar::Kind::kLarge, "Overflow when unpacking long long");
    return value.dtype();
  }
  const Py_ssize_t count = PySequence_Size(data);
  if (count == 0) return default_dtype();
  const PyRef items = checked(PySequence_Fast(data, "expected a sequence"));
  DType dtype = infer_dtype(PySequence_Fast_GET_ITEM(items.get(), 0));
  for (Py_ssize_t i = 1; i < count; ++i) {
    dtype = promote(dtype, infer_dtype(PySequence_Fast_GET_ITEM(items.get(), i)));
  }
  return dtype;
}

void store_item(PyObject* item, DType dtype, char* destination) {
  if (!is_number(item)) raise_not_data(item);
  if (is_integral(dtype) && PyFloat_CheckExact(item)) {
    TALLOW_CHECK_TYPE(dtype != DType::kUInt64, "an integer is required");
    Scalar(static_cast<int64_t>(to_scalar(item).to_double())).store(dtype, destination);
    return;
  }
  const Scalar value = to_scalar(item);
  if (is_integral(dtype)) {
    const bool large = value.kind() == Scalar::Kind::kLarge;
    TALLOW_CHECK_VALUE(!large || dtype == DType::kUInt64, "Overflow when unpacking long long");
    if (dtype == DType::kUInt64 && !large && value.to_int64() < 0) {
      PyErr_SetString(PyExc_OverflowError, "can't convert negative int to unsigned");
      throw PythonError();
    }
  }
  value.store(dtype, destination);
}

// Fills rows depth-first; `destination` moves on by what was written.
void store_sequence(PyObject* data, const Dims& sizes, int64_t dim, DType dtype,
                    char*& destination) {
  if (dim == sizes.size()) {
    if (is_sequence(data)) {
      raise<TypeError>("only one element tensors can be converted to Python scalars");
    }
    store_item(data, dtype, destination);
    destination += item_size(dtype);
    return;
  }
  TALLOW_CHECK_TYPE(is_sequence(data) || is_tensor(data), "not a sequence");
  const Py_ssize_t count = PySequence_Size(data);
  TALLOW_CHECK_VALUE(count == sizes[dim], "expected sequence of length ", sizes[dim], " at dim ",
                     dim, " (got ", count, ")");
  const PyRef items = checked(PySequence_Fast(data, "expected a sequence"));
  for (Py_ssize_t i = 0; i < count; ++i) {
    store_sequence(PySequence_Fast_GET_ITEM(items.get(), i), sizes, dim + 1, dtype, destination);
  }
}

Tensor on_device(const Tensor& tensor, Device device) {
  return device.is_cpu() ? tensor : ops::to_device(tensor, device);
}

}  // namespace

Tensor tensor_from_data(PyObject* data, std::optional<DType> dtype, Device device) {
  if (is_tensor(data)) {
    const NoGradGuard no_grad;
    const Tensor& source = unwrap(data);
    const Tensor copy = ops::clone(source);
    return on_device(dtype ? ops::to_dtype(copy, *dtype) : copy, device);
  }
  if (is_array(data)) {
    const NoGradGuard no_grad;
    const Tensor copy = ops::clone(from_array(data));
    return on_device(dtype ? ops::to_dtype(copy, *dtype) : copy, device);
  }
  const Dims sizes = infer_sizes(data);
  const DType element = dtype ? *dtype : infer_dtype(data);
  const Tensor result = empty(sizes, element);
  char* destination = static_cast<char*>(result.ptr());
  if (result.numel() > 0) {
    store_sequence(data, sizes, 0, element, destination);
  }
  return on_device(result, device);
}

Tensor legacy_construct(PyTypeObject* type, PyObject* args, PyObject* kwargs) {
  (void)type;
  Device device;
  if (kwargs) {
    PyObject* const given = PyDict_GetItemString(kwargs, "device");
    if (given && given != Py_None) device = to_device(given);
  }
  const DType dtype = default_dtype();
  const Py_ssize_t count = PyTuple_GET_SIZE(args);
  if (count == 0) return empty({0}, dtype, device);
  PyObject* const first = PyTuple_GET_ITEM(args, 0);
  if (count == 1 && is_tensor(first)) return alias(unwrap(first));
  if (count == 1 && Py_TYPE(first)->tp_base == &PyTuple_Type && is_int_sequence(first)) {
    return empty(to_dims(first), dtype, device);  // a Size
  }
  if (count == 1 && is_array(first)) {
    const Tensor copy = tensor_from_data(first, dtype, device);
    if (copy.dim() > 0) return copy;  // an array of no dimensions is a size
  }
  if (is_int_sequence(args)) return empty(to_dims(args), dtype, device);
  TALLOW_CHECK_TYPE(count == 1, "new(): expected sizes or one sequence of data, got ", count,
                    " arguments");
  return tensor_from_data(first, dtype, device);
}

namespace {

std::optional<DType> optional_dtype(const py::object& dtype) {
  if (dtype.is_none()) return std::nullopt;
  TALLOW_CHECK_TYPE(is_dtype(dtype.ptr()), "tensor(): argument 'dtype' must be ", package_name(),
                    ".dtype, not ", Py_TYPE(dtype.ptr())->tp_name);
  return to_dtype(dtype.ptr());
}
Device optional_device(const py::object& device) {
  if (device.is_none()) return default_device();
  TALLOW_CHECK_TYPE(is_device(device.ptr()), "tensor(): argument 'device' must be ", package_name(),
                    ".device, not ", Py_TYPE(device.ptr())->tp_name);
  return to_device(device.ptr());
}

py::object make_tensor(const py::object& data, const py::object& dtype, const py::object& device,
                       bool requires_grad, bool) {
  const Tensor result =
      tensor_from_data(data.ptr(), optional_dtype(dtype), optional_device(device));
  if (requires_grad) {
    TALLOW_CHECK(is_differentiable(result.dtype()),
                 "Only Tensors of floating point and complex dtype can require gradients");
    set_requires_grad(result, true);
  }
  return py::reinterpret_steal<py::object>(wrap(result));
}

// Shares memory where dtype and device allow.
py::object make_as_tensor(const py::object& data, const py::object& dtype,
                          const py::object& device) {
  const std::optional<DType> wanted = optional_dtype(dtype);
  Tensor result;
  if (is_tensor(data.ptr())) {
    result = unwrap(data.ptr());
  } else if (is_array(data.ptr())) {
    result = from_array(data.ptr());
  } else {
    result = tensor_from_data(data.ptr(), wanted, kCPU);
  }
  if (wanted) result = ops::to_dtype(result, *wanted);
  if (!device.is_none() || !default_device().is_cpu()) {
    result = ops::to_device(result, optional_device(device));
  }
  return py::reinterpret_steal<py::object>(wrap(result));
}

py::object make_subclass(const py::object& type, const py::object& data, bool requires_grad) {
  TALLOW_CHECK_TYPE(is_tensor(data.ptr()), "_make_subclass(): argument 'data' must be Tensor, not ",
                    Py_TYPE(data.ptr())->tp_name);
  const Tensor source = detach(unwrap(data.ptr()));
  if (requires_grad) {
    TALLOW_CHECK(is_differentiable(source.dtype()),
                 "Only Tensors of floating point and complex dtype can require gradients");
    set_requires_grad(source, true);
  }
  return py::reinterpret_steal<py::object>(
      wrap_as(reinterpret_cast<PyTypeObject*>(type.ptr()), source));
}

}  // namespace

void bind_construct(py::module_& module) {
  module.def("tensor", &make_tensor, py::arg("data"), py::kw_only(), py::arg("dtype") = py::none(),
             py::arg("device") = py::none(), py::arg("requires_grad") = false,
             py::arg("pin_memory") = false, "Copy data into a new tensor.");
  module.def("as_tensor", &make_as_tensor, py::arg("data"), py::arg("dtype") = py::none(),
             py::arg("device") = py::none(), "Make a tensor of data, sharing memory if possible.");
  module.def("_make_subclass", &make_subclass, py::arg("cls"), py::arg("data"),
             py::arg("requires_grad") = false);
}

}  // namespace tallow::python
