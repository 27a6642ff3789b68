#include "python/autocast.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "autograd/grad_mode.h"
#include "autograd/meta.h"
#include "autograd/views.h"
#include "ops/copy.h"
#include "python/convert.h"
#include "python/dtype_device.h"

namespace tallow::python {

thread_local Autocast autocast_state;

namespace {

// Source: PyTorch's documentation of torch.amp, the lists of operators on CUDA.
enum class Rule { kNone, kLower, kFloat32, kWidest, kUnsafe };

template <std::size_t n>
bool contains(const std::string_view (&names)[n], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

Rule rule_of(std::string_view op) {
  constexpr std::string_view kLower[] = {"_rnn_layer",
                                         "_scaled_dot_product_flash_attention_for_cpu",
                                         "addbmm",
                                         "addmm",
                                         "addmv",
                                         "addr",
                                         "baddbmm",
                                         "bmm",
                                         "chain_matmul",
                                         "conv1d",
                                         "conv2d",
                                         "conv_transpose1d",
                                         "conv_transpose2d",
                                         "convolution",
                                         "linear",
                                         "matmul",
                                         "mm",
                                         "mv",
                                         "prelu"};
  constexpr std::string_view kFloat32[] = {"acos",
                                           "asin",
                                           "binary_cross_entropy_with_logits",
                                           "cosh",
                                           "cross_entropy_loss",
                                           "cumprod",
                                           "cumsum",
                                           "exp",
                                           "expm1",
                                           "group_norm",
                                           "huber_loss",
                                           "kl_div",
                                           "l1_loss",
                                           "layer_norm",
                                           "log",
                                           "log10",
                                           "log1p",
                                           "log2",
                                           "log_softmax",
                                           "logsumexp",
                                           "mse_loss",
                                           "native_group_norm",
                                           "native_layer_norm",
                                           "nll_loss",
                                           "nll_loss2d",
                                           "nll_loss_nd",
                                           "norm",
                                           "pow",
                                           "prod",
                                           "reciprocal",
                                           "rms_norm",
                                           "rsqrt",
                                           "sinh",
                                           "smooth_l1_loss",
                                           "softmax",
                                           "softplus",
                                           "sum",
                                           "tan"};
  constexpr std::string_view kWidest[] = {"addcdiv", "addcmul",   "atan2", "bilinear",   "cross",
                                          "dot",     "index_put", "vdot",  "scatter_add"};
  if (contains(kLower, op)) return Rule::kLower;
  if (contains(kFloat32, op)) return Rule::kFloat32;
  if (contains(kWidest, op)) return Rule::kWidest;
  return op == "binary_cross_entropy" ? Rule::kUnsafe : Rule::kNone;
}

bool is_eligible(const Tensor& tensor) {
  return tensor.device().is_cuda() && is_floating(tensor.dtype()) &&
         tensor.dtype() != DType::kFloat64;
}

// Weights that were converted, until the outermost block ends.
struct Converted {
  Tensor source;  // keeps the key from being used again
  uint32_t version;
  Tensor tensor;
};
thread_local std::unordered_map<const TensorImpl*, Converted> converted_weights;

Tensor converted(const Tensor& tensor, DType dtype) {
  const bool is_weight = autocast_state.cache_enabled && dtype == autocast_state.dtype &&
                         tensor.dtype() == DType::kFloat32 && tensor.requires_grad() &&
                         grad_enabled() && is_leaf(tensor) && !is_view(tensor);
  if (!is_weight) return ops::to_dtype(tensor, dtype);
  const auto found = converted_weights.find(tensor.impl());
  if (found != converted_weights.end() && found->second.version == tensor.version() &&
      found->second.tensor.dtype() == dtype) {
    return found->second.tensor;
  }
  const Tensor made = ops::to_dtype(tensor, dtype);
  converted_weights.insert_or_assign(tensor.impl(), Converted{tensor, tensor.version(), made});
  return made;
}

// The object that stands for an argument; null where it stays.
PyRef cast_object(PyObject* object, DType dtype) {
  if (is_tensor(object)) {
    const Tensor& tensor = unwrap(object);
    if (!is_eligible(tensor) || tensor.dtype() == dtype) return {};
    return checked(wrap(converted(tensor, dtype)));
  }
  if (!PyTuple_Check(object) && !PyList_Check(object)) return {};
  const Py_ssize_t count = PySequence_Fast_GET_SIZE(object);
  PyRef items = checked(PyTuple_New(count));
  bool changed = false;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* const item = PySequence_Fast_GET_ITEM(object, i);
    PyRef cast = cast_object(item, dtype);
    changed = changed || cast;
    PyTuple_SET_ITEM(items.get(), i, cast ? cast.release() : Py_NewRef(item));
  }
  return changed ? std::move(items) : PyRef();
}

// The widest type among the tensors that autocast may convert.
DType widest(const Overload& overload, PyObject* const* slots) {
  DType dtype = autocast_state.dtype;
  for (std::size_t i = 0; i < overload.parameters.size(); ++i) {
    if (!is_tensor(slots[i])) continue;
    const Tensor& tensor = unwrap(slots[i]);
    if (is_eligible(tensor) && tensor.dtype() != dtype) dtype = DType::kFloat32;
  }
  return dtype;
}

bool names_dtype(const Overload& overload, PyObject* const* slots) {
  for (std::size_t i = 0; i < overload.parameters.size(); ++i) {
    if (slots[i] != Py_None &&
        PyUnicode_CompareWithASCIIString(overload.parameters[i].name, "dtype") == 0) {
      return true;
    }
  }
  return false;
}

bool has_eligible(const Overload& overload, PyObject* const* slots) {
  for (std::size_t i = 0; i < overload.parameters.size(); ++i) {
    if (is_tensor(slots[i]) && is_eligible(unwrap(slots[i]))) return true;
  }
  return false;
}

}  // namespace

void autocast_arguments(const Op& op, const Overload& overload, PyObject** slots,
                        std::vector<PyRef>& kept) {
  const Rule rule = op.inplace ? Rule::kNone : rule_of(op.name);
  if (rule == Rule::kNone) return;
  TALLOW_CHECK(rule != Rule::kUnsafe || !has_eligible(overload, slots),
               "torch.nn.functional.binary_cross_entropy and torch.nn.BCELoss are unsafe to "
               "autocast.\nUse torch.nn.functional.binary_cross_entropy_with_logits or "
               "torch.nn.BCEWithLogitsLoss in place of a sigmoid before them: those are safe.");
  if (rule == Rule::kUnsafe || (rule == Rule::kFloat32 && names_dtype(overload, slots))) return;
  const DType dtype = rule == Rule::kLower     ? autocast_state.dtype
                      : rule == Rule::kFloat32 ? DType::kFloat32
                                               : widest(overload, slots);
  for (std::size_t i = 0; i < overload.parameters.size(); ++i) {
    PyRef cast = cast_object(slots[i], dtype);
    if (!cast) continue;
    slots[i] = cast.get();
    kept.push_back(std::move(cast));
  }
}

void bind_autocast(py::module_& module) {
  module.def("_set_cuda_autocast", [](bool enabled, const py::object& dtype, bool cache_enabled) {
    autocast_state = {enabled, cache_enabled, to_dtype(dtype.ptr())};
  });
  module.def("_clear_autocast_cache", [] { converted_weights.clear(); });
}

}  // namespace tallow::python
