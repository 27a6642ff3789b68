#include "python/finite.h"

#include <cmath>

#include "autograd/grad_mode.h"
#include "ops/copy.h"
#include "ops/reduce.h"
#include "python/tensor_item.h"
#include "python/tensor_type.h"

namespace tallow::python {

namespace {

bool shares_storage(const Tensor& a, PyObject* object) {
  return is_tensor(object) && unwrap(object).impl()->storage == a.impl()->storage;
}

}  // namespace

bool may_be_bad(const Tensor& tensor) {
  if (!tensor.defined() || !is_differentiable(tensor.dtype()) || tensor.numel() == 0) return false;
  if (!tensor.ptr()) return false;
  // Sums propagate NaN and Inf, and are the fastest pass over memory there is.
  const NoGradGuard no_grad;
  const DType dtype = tensor.dtype();
  if (is_float8(dtype)) return may_be_bad(ops::to_dtype(tensor, DType::kFloat32));
  const bool half = dtype == DType::kFloat16 || dtype == DType::kBFloat16;
  const Tensor sum = half ? ops::vector_norm(tensor, INFINITY) : ops::sum(tensor);
  const Scalar value = item(sum);
  if (value.is_complex()) return true;
  return !std::isfinite(value.to_double());
}

bool any_bad(PyObject* result, PyObject* args) {
  if (is_tensor(result)) {
    const Tensor& tensor = unwrap(result);
    const bool is_view = args && PyTuple_GET_SIZE(args) > 0 &&
                         shares_storage(tensor, PyTuple_GET_ITEM(args, 0)) &&
                         !unwrap(PyTuple_GET_ITEM(args, 0)).same(tensor);
    return !is_view && may_be_bad(tensor);
  }
  if (!PyTuple_Check(result) && !PyList_Check(result)) return false;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(result); ++i) {
    PyObject* const item = PySequence_Fast_GET_ITEM(result, i);
    if (is_tensor(item) && any_bad(item, args)) return true;
  }
  return false;
}

}  // namespace tallow::python
