#include "python/same_device.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "core/error.h"

namespace tallow::python {

namespace {

// Ops that take tensors of several devices, or say themselves what is wrong with that.
bool mixes_devices(std::string_view name) {
  constexpr std::string_view kNames[] = {"_index_put_impl_",
                                         "can_cast",
                                         "copy_",
                                         "equal",
                                         "fill",
                                         "fill_",
                                         "index_put",
                                         "index_put_",
                                         "is_same_size",
                                         "is_set_to",
                                         "repeat_interleave",
                                         "result_type",
                                         "set_",
                                         "to",
                                         "type_as"};
  return name.starts_with("_fused") ||
         std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Kernels read these as arrays, so that a 0-d CPU tensor is no mere number there.
bool is_array(std::string_view parameter) {
  constexpr std::string_view kNames[] = {"bias",      "index",        "indices",     "mask",
                                         "positions", "running_mean", "running_var", "source",
                                         "src",       "target",       "weight"};
  return std::find(std::begin(kNames), std::end(kNames), parameter) != std::end(kNames);
}

// Operators whose kernels read every tensor as an array.
bool takes_arrays_only(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "bernoulli_",   "binary_cross_entropy", "binary_cross_entropy_with_logits",
      "bucketize",    "huber_loss",           "mse_loss",
      "searchsorted", "smooth_l1_loss"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

// Calls visit(tensor) for the tensors of an argument until it says false.
template <class Visit>
bool each_tensor(PyObject* object, const Visit& visit) {
  if (is_tensor(object)) return visit(unwrap(object));
  if (!PyTuple_Check(object) && !PyList_Check(object)) return true;
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
    if (!each_tensor(PySequence_Fast_GET_ITEM(object, i), visit)) return false;
  }
  return true;
}

}  // namespace

void check_same_device(const Op& op, const Overload& overload, PyObject* const* slots) {
  if (mixes_devices(op.name)) return;
  Device device;
  for (std::size_t i = 0; i < overload.parameters.size() && device.is_cpu(); ++i) {
    each_tensor(slots[i], [&](const Tensor& tensor) {
      if (tensor.device().is_cuda()) device = tensor.device();
      return device.is_cpu();
    });
  }
  if (device.is_cpu()) return;
  const bool arrays_only = takes_arrays_only(op.name);
  for (std::size_t i = 0; i < overload.parameters.size(); ++i) {
    const char* const name = PyUnicode_AsUTF8(overload.parameters[i].name);
    each_tensor(slots[i], [&](const Tensor& tensor) {
      const Device here = tensor.device();
      const bool number = here.is_cpu() && tensor.dim() == 0 && !arrays_only && !is_array(name);
      TALLOW_CHECK(
          here == device || number,
          "Expected all tensors to be on the same device, but found at least two devices, ", device,
          " and ", here, "! (when checking argument '", name, "' of ", op.name, "())");
      return true;
    });
  }
}

}  // namespace tallow::python
