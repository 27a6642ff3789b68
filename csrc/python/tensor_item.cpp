#include "python/tensor_item.h"

#include "autograd/grad_mode.h"
#include "core/error.h"
#include "ops/copy.h"
#include "python/convert.h"

namespace tallow::python {

namespace {

Scalar read(DType dtype, const char* at) {
  Scalar result;
  const auto read_as = [&]<class T>() -> Status {
    const T value = *reinterpret_cast<const T*>(at);
    if constexpr (std::is_same_v<T, bool> || std::is_same_v<T, uint64_t>) {
      result = Scalar(value);
    } else if constexpr (std::is_integral_v<T>) {
      result = Scalar(static_cast<int64_t>(value));
    } else if constexpr (std::is_same_v<T, complex64> || std::is_same_v<T, complex128>) {
      result = Scalar(complex128(value.real, value.imag));
    } else {
      result = Scalar(static_cast<double>(static_cast<Compute<T>>(value)));
    }
    return Status::kOk;
  };
  const Status status = is_stored_only(dtype) ? dispatch(StoredOnly{}, dtype, "item", read_as)
                                              : dispatch(All{}, dtype, "item", read_as);
  if (status != Status::kOk) raise_status(status);
  return result;
}

// A row of the two usual types, without a look at the type for each element.
template <class T, PyObject* (*kMake)(T)>
PyObject* plain_list(const char* at, int64_t count, int64_t step) {
  PyRef list = checked(PyList_New(static_cast<Py_ssize_t>(count)));
  for (int64_t i = 0; i < count; ++i, at += step) {
    PyObject* const value = kMake(*reinterpret_cast<const T*>(at));
    if (!value) throw PythonError();
    PyList_SET_ITEM(list.get(), i, value);
  }
  return list.release();
}
PyObject* python_float(float value) { return PyFloat_FromDouble(value); }
PyObject* python_int(int64_t value) { return PyLong_FromLongLong(value); }

PyObject* nested_list(const Tensor& tensor, int64_t dim, const char* at) {
  if (dim == tensor.dim()) return to_python(read(tensor.dtype(), at));
  const int64_t count = tensor.sizes()[dim];
  const int64_t step = tensor.strides()[dim] * item_size(tensor.dtype());
  if (dim + 1 == tensor.dim()) {
    if (tensor.dtype() == DType::kFloat32) return plain_list<float, python_float>(at, count, step);
    if (tensor.dtype() == DType::kInt64) return plain_list<int64_t, python_int>(at, count, step);
  }
  PyRef list = checked(PyList_New(static_cast<Py_ssize_t>(count)));
  for (int64_t i = 0; i < count; ++i) {
    PyList_SET_ITEM(list.get(), i, checked(nested_list(tensor, dim + 1, at + i * step)).release());
  }
  return list.release();
}

void check_has_data(const Tensor& tensor) {
  TALLOW_CHECK(!tensor.device().is_meta(), "Tensor.item() cannot be called on meta tensors");
}

}  // namespace

Scalar item(const Tensor& tensor) {
  TALLOW_CHECK(tensor.numel() == 1, "a Tensor with ", tensor.numel(),
               " elements cannot be converted to Scalar");
  check_has_data(tensor);
  if (TALLOW_LIKELY(tensor.device().is_cpu())) {
    return read(tensor.dtype(), static_cast<const char*>(tensor.ptr()));
  }
  alignas(16) char element[16];
  copy_to_host("item", element, tensor, item_size(tensor.dtype()));
  return read(tensor.dtype(), element);
}

PyObject* to_list(const Tensor& tensor) {
  check_has_data(tensor);
  if (!tensor.device().is_cpu()) {
    const NoGradGuard no_grad;
    const Tensor host = ops::to_device(tensor, kCPU);
    return nested_list(host, 0, static_cast<const char*>(host.ptr()));
  }
  return nested_list(tensor, 0, static_cast<const char*>(tensor.ptr()));
}

}  // namespace tallow::python
