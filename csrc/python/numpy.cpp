// NumPy interchange through the array interface, so that nothing of NumPy is needed to build or to
// import the package: arrays are read from its C structure, or from its dict of pointer, shape,
// strides and type where there is something to say about them, and made by functions that NumPy
// hands out at run time. Source: numpy.org/doc/stable/reference/arrays.interface.html
#include "python/numpy.h"

#include <string>

#include "autograd/meta.h"
#include "core/error.h"
#include "core/strided.h"
#include "ops/copy.h"
#include "python/convert.h"

namespace tallow::python {

namespace {

constexpr bool kLongIs64 = sizeof(long) == sizeof(int64_t);

struct ArrayType {
  const char* code;  // type string without the byte order
  DType dtype;
  int number;  // in NumPy's C interface
};
constexpr ArrayType kArrayTypes[] = {
    {"b1", DType::kBool, 0},         {"u1", DType::kUInt8, 2},
    {"i1", DType::kInt8, 1},         {"i2", DType::kInt16, 3},
    {"i4", DType::kInt32, 5},        {"i8", DType::kInt64, kLongIs64 ? 7 : 9},
    {"f2", DType::kFloat16, 23},     {"f4", DType::kFloat32, 11},
    {"f8", DType::kFloat64, 12},     {"c8", DType::kComplex64, 14},
    {"c16", DType::kComplex128, 15}, {"u2", DType::kUInt16, 4},
    {"u4", DType::kUInt32, 6},       {"u8", DType::kUInt64, kLongIs64 ? 8 : 10},
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
  TALLOW_CHECK_TYPE(
      dtype, "can't convert np.ndarray of type ", text,
      ". The only supported types are: float64, float32, float16, complex64, "
      "complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool.");
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

// What `__array_struct__` of an array points to. Source: PyArrayInterface, at the address above.
struct ArrayStruct {
  int two;
  int ndim;
  char kind;
  int itemsize;
  int flags;
  Py_intptr_t* shape;
  Py_intptr_t* strides;
  void* data;
  PyObject* description;
};
constexpr int kContiguous = 0x1;
constexpr int kAligned = 0x100;
constexpr int kNotSwapped = 0x200;
constexpr int kWriteable = 0x400;

// The functions of NumPy's C interface that make an array. Source: the table and the places in it,
// the same since NumPy 1.7, at numpy.org/doc/stable/reference/c-api/array.html.
struct ArrayMaker {
  using New = PyObject*(PyObject* type, int ndim, Py_intptr_t* sizes, int number,
                        Py_intptr_t* strides, void* data, int itemsize, int flags, PyObject*);
  using SetBase = int(PyObject* array, PyObject* base);
  PyObject* array_type;
  New* create;
  SetBase* set_base;

  ArrayMaker() {
    PyObject* const umath = PyImport_ImportModule("numpy._core._multiarray_umath");
    if (!umath) PyErr_Clear();  // that is its name from NumPy 2.0 on
    const PyRef module =
        checked(umath ? umath : PyImport_ImportModule("numpy.core._multiarray_umath"));
    const PyRef table = checked(PyObject_GetAttrString(module.get(), "_ARRAY_API"));
    void** const entries = static_cast<void**>(PyCapsule_GetPointer(table.get(), nullptr));
    if (!entries) throw PythonError();
    array_type = static_cast<PyObject*>(entries[2]);
    create = reinterpret_cast<New*>(entries[93]);
    set_base = reinterpret_cast<SetBase*>(entries[282]);
  }
};

// Null for bfloat16, which NumPy does not have.
const ArrayType* array_type_of(DType dtype) {
  for (const ArrayType& type : kArrayTypes) {
    if (type.dtype == dtype) return &type;
  }
  return nullptr;
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

namespace {

std::optional<DType> dtype_of_kind(char kind, int itemsize) {
  for (const ArrayType& type : kArrayTypes) {
    if (type.code[0] == kind && item_size(type.dtype) == itemsize) return type.dtype;
  }
  return std::nullopt;
}

Tensor sharing(PyObject* array, void* data, const Dims& sizes, const Dims& strides, DType dtype) {
  const int64_t nbytes = reach_nbytes(sizes, strides, 0, item_size(dtype));
  Py_INCREF(array);
  return Tensor(new TensorImpl(Storage::external(data, nbytes, release_object, array), sizes,
                               strides, 0, dtype));
}

// From the C structure of an array about which there is nothing to say; else undefined.
Tensor from_plain_array(PyObject* array) {
  static PyObject* const name = PyUnicode_InternFromString("__array_struct__");
  const PyRef capsule = PyRef::steal(PyObject_GetAttr(array, name));
  void* const pointer = capsule && PyCapsule_CheckExact(capsule.get())
                            ? PyCapsule_GetPointer(capsule.get(), nullptr)
                            : nullptr;
  PyErr_Clear();
  const auto* const view = static_cast<const ArrayStruct*>(pointer);
  constexpr int kPlain = kNotSwapped | kWriteable;
  if (!view || view->two != 2 || (view->flags & kPlain) != kPlain) return Tensor();
  const std::optional<DType> dtype = dtype_of_kind(view->kind, view->itemsize);
  if (!dtype) return Tensor();
  Dims sizes, strides;
  for (int d = 0; d < view->ndim; ++d) {
    const bool one = view->shape[d] <= 1;
    if (!one && (view->strides[d] < 0 || view->strides[d] % view->itemsize != 0)) return Tensor();
    sizes.push_back(view->shape[d]);
    strides.push_back(one ? 1 : view->strides[d] / view->itemsize);
  }
  if (view->flags & kContiguous) strides = contiguous_strides(sizes);
  return sharing(array, view->data, sizes, strides, *dtype);
}

}  // namespace

Tensor from_array(PyObject* array) {
  const Tensor plain = from_plain_array(array);
  if (TALLOW_LIKELY(plain.defined())) return plain;
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
  return sharing(array, pointer, sizes, strides, dtype);
}

PyObject* to_array(const Tensor& tensor, bool force) {
  if (force) {
    const NoGradGuard no_grad;
    return to_array(ops::to_device(detach(tensor), kCPU), false);
  }
  TALLOW_CHECK(!grad_enabled() || !tensor.requires_grad(),
               "Can't call numpy() on Tensor that requires grad. Use "
               "tensor.detach().numpy() instead.");
  TALLOW_CHECK_TYPE(tensor.device().is_cpu(), "can't convert ", tensor.device(),
                    " device type tensor to numpy. Use Tensor.cpu() to copy the tensor to host "
                    "memory first.");
  const ArrayType* const type = array_type_of(tensor.dtype());
  TALLOW_CHECK_TYPE(type, "Got unsupported ScalarType ", scalar_type_name(tensor.dtype()));
  static const ArrayMaker maker;
  Py_intptr_t sizes[kMaxDims];
  Py_intptr_t strides[kMaxDims];
  const int64_t itemsize = item_size(tensor.dtype());
  for (int64_t d = 0; d < tensor.dim(); ++d) {
    sizes[d] = tensor.sizes()[d];
    strides[d] = tensor.strides()[d] * itemsize;
  }
  static char nothing[1];  // without an address NumPy would allocate memory
  void* const data = tensor.ptr() ? tensor.ptr() : nothing;
  PyRef array = checked(maker.create(maker.array_type, static_cast<int>(tensor.dim()), sizes,
                                     type->number, strides, data, static_cast<int>(itemsize),
                                     kAligned | kWriteable, nullptr));
  if (maker.set_base(array.get(), checked(wrap(tensor)).release()) < 0) throw PythonError();
  return array.release();
}

namespace {

PyObject* from_numpy(PyObject*, PyObject* array) {
  return guarded([&] {
    TALLOW_CHECK_TYPE(is_array(array), "expected np.ndarray (got ", Py_TYPE(array)->tp_name, ")");
    return wrap(from_array(array));
  });
}

PyMethodDef functions[] = {
    {"from_numpy", from_numpy, METH_O, "Make a tensor that shares memory with a NumPy array."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_numpy(py::module_& module) {
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw PythonError();
  module.def("_to_numpy", [](const py::object& tensor, bool force) {
    return py::reinterpret_steal<py::object>(to_array(unwrap(tensor.ptr()), force));
  });
}

}  // namespace tallow::python
