// NumPy interchange through the array interface (a dict of pointer, shape, strides and type), so
// that nothing of NumPy is needed to build or to import the package. Source:
// numpy.org/doc/stable/reference/arrays.interface.html
#include "python/numpy.h"

#include <string>

#include "autograd/meta.h"
#include "core/error.h"
#include "ops/copy.h"
#include "python/convert.h"

namespace tallow::python {

namespace {

struct ArrayType {
  const char* code;  // type string without the byte order
  DType dtype;
};
constexpr ArrayType kArrayTypes[] = {
    {"b1", DType::kBool},      {"u1", DType::kUInt8},       {"i1", DType::kInt8},
    {"i2", DType::kInt16},     {"i4", DType::kInt32},       {"i8", DType::kInt64},
    {"f2", DType::kFloat16},   {"f4", DType::kFloat32},     {"f8", DType::kFloat64},
    {"c8", DType::kComplex64}, {"c16", DType::kComplex128},
};

std::optional<DType> dtype_of_code(const std::string& code) {
  for (const ArrayType& type : kArrayTypes) {
    if (code == type.code) return type.dtype;
  }
  return std::nullopt;
}

DType parse_type(const std::string& text) {
  TALLOW_CHECK_VALUE(text[0] != '>',
                     "given numpy array has byte order different from the native "
                     "byte order. Conversion between byte orders is currently not supported.");
  const std::optional<DType> dtype = dtype_of_code(text.substr(1));
  TALLOW_CHECK_TYPE(dtype, "can't convert np.ndarray of type ", text,
                    ". The only supported types are: float64, float32, float16, complex64, "
                    "complex128, int64, int32, int16, int8, uint8, and bool.");
  return *dtype;
}

Dims array_strides(const py::dict& interface, const Dims& sizes, int64_t itemsize) {
  const py::object strides = interface.attr("get")("strides", py::none());
  if (strides.is_none()) return contiguous_strides(sizes);
  Dims result = to_dims(strides.ptr());
  for (int64_t d = 0; d < result.size(); ++d) {
    TALLOW_CHECK_VALUE(
        result[d] >= 0 || sizes[d] <= 1,
        "At least one stride in the given numpy array is negative, and tensors with "
        "negative strides are not currently supported. (You can probably work around "
        "this by making a copy of your array  with array.copy().) ");
    TALLOW_CHECK_VALUE(
        result[d] % itemsize == 0 || sizes[d] <= 1,
        "given numpy array strides not a multiple of the element byte size. Copy the "
        "numpy array to reallocate the memory.");
    result[d] = sizes[d] <= 1 ? 1 : result[d] / itemsize;
  }
  return result;
}

void release_object(void* object) {
  // May run when the last tensor dies in any thread, also after the interpreter has shut down.
  if (!Py_IsInitialized()) return;
  const PyGILState_STATE state = PyGILState_Ensure();
  Py_DECREF(static_cast<PyObject*>(object));
  PyGILState_Release(state);
}

}  // namespace

bool is_array(PyObject* object) {
  if (PyLong_Check(object) || PyFloat_Check(object) || PyList_Check(object) ||
      PyTuple_Check(object)) {
    return false;
  }
  const std::string_view type = Py_TYPE(object)->tp_name;
  if (type == "numpy.ndarray") return true;
  if (type.starts_with("numpy.")) return false;  // scalars have the interface too
  const int has = PyObject_HasAttrString(object, "__array_interface__");
  return has == 1;
}

std::optional<DType> numpy_scalar_dtype(PyObject* object) {
  const std::string_view type = Py_TYPE(object)->tp_name;
  if (!type.starts_with("numpy.")) return std::nullopt;
  const py::object text = py::handle(object).attr("dtype").attr("str");
  return dtype_of_code(text.cast<std::string>().substr(1));
}

Tensor from_array(PyObject* array) {
  const py::dict interface = py::handle(array).attr("__array_interface__");
  const DType dtype = parse_type(interface["typestr"].cast<std::string>());
  const Dims sizes = to_dims(py::object(interface["shape"]).ptr());
  const Dims strides = array_strides(interface, sizes, item_size(dtype));
  const py::tuple data = interface["data"];
  if (data[1].cast<bool>()) {
    static bool warned = false;
    if (!warned) {
      warned = true;
      const char* const text =
          "The given NumPy array is not writable, and PyTorch does not support non-writable "
          "tensors. This means writing to this tensor will result in undefined behavior. You may "
          "want to copy the array to protect its data or make it writable before converting it to "
          "a "
          "tensor. This type of warning will be suppressed for the rest of this program.";
      if (PyErr_WarnEx(PyExc_UserWarning, text, 1) < 0) throw PythonError();
    }
  }
  void* const pointer = reinterpret_cast<void*>(data[0].cast<std::uintptr_t>());
  const int64_t nbytes = reach_nbytes(sizes, strides, 0, item_size(dtype));
  Py_INCREF(array);
  return Tensor(new TensorImpl(Storage::external(pointer, nbytes, release_object, array), sizes,
                               strides, 0, dtype));
}

PyObject* to_array(const Tensor& tensor, bool force) {
  if (force) {
    const NoGradGuard no_grad;
    return to_array(ops::to_device(detach(tensor), kCPU), false);
  }
  TALLOW_CHECK(!tensor.requires_grad(),
               "Can't call numpy() on Tensor that requires grad. Use "
               "tensor.detach().numpy() instead.");
  TALLOW_CHECK_TYPE(tensor.device().is_cpu(), "can't convert ", tensor.device(),
                    " device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
                    "memory first.");
  TALLOW_CHECK_TYPE(tensor.dtype() != DType::kBFloat16, "Got unsupported ScalarType BFloat16");
  std::string code;
  for (const ArrayType& type : kArrayTypes) {
    if (type.dtype == tensor.dtype()) code = type.code;
  }
  // The array holds the tensor's Python object through an attribute of this small holder.
  const int64_t itemsize = item_size(tensor.dtype());
  py::tuple shape(static_cast<std::size_t>(tensor.dim()));
  py::tuple strides(static_cast<std::size_t>(tensor.dim()));
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    shape[static_cast<std::size_t>(d)] = tensor.sizes()[d];
    strides[static_cast<std::size_t>(d)] = tensor.strides()[d] * itemsize;
  }
  py::dict interface;
  interface["version"] = 3;
  interface["typestr"] = (itemsize == 1 ? "|" : "<") + code;
  interface["shape"] = shape;
  interface["strides"] = strides;
  interface["data"] = py::make_tuple(reinterpret_cast<std::uintptr_t>(tensor.ptr()), false);
  const py::object holder = py::module_::import("types").attr("SimpleNamespace")(
      py::arg("__array_interface__") = interface,
      py::arg("tensor") = py::reinterpret_steal<py::object>(wrap(tensor)));
  return py::module_::import("numpy").attr("asarray")(holder).release().ptr();
}

void bind_numpy(py::module_& module) {
  module.def(
      "from_numpy",
      [](const py::object& array) {
        TALLOW_CHECK_TYPE(std::string_view(Py_TYPE(array.ptr())->tp_name) == "numpy.ndarray" ||
                              is_array(array.ptr()),
                          "expected np.ndarray (got ", Py_TYPE(array.ptr())->tp_name, ")");
        return py::reinterpret_steal<py::object>(wrap(from_array(array.ptr())));
      },
      "Make a tensor that shares memory with a NumPy array.");
  module.def("_to_numpy", [](const py::object& tensor, bool force) {
    return py::reinterpret_steal<py::object>(to_array(unwrap(tensor.ptr()), force));
  });
}

}  // namespace tallow::python
