// The keyword arguments that functions making new tensors share.
#pragma once

#include <optional>

#include "autograd/meta.h"
#include "core/device_runtime.h"
#include "ops/copy.h"
#include "python/op.h"

namespace tallow::python {

// layout=: strided is the only one there is.
struct Layout {};

template <>
struct Arg<Layout> {
  static constexpr const char* name = "torch.layout";
  static constexpr bool is_tensor_like = false;
  static bool check(PyObject* object) { return object == Py_None || object == strided_layout(); }
  static Layout convert(PyObject*) { return {}; }
};

#define TALLOW_TENSOR_OPTIONS \
  "dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False"

inline DType dtype_or_default(std::optional<DType> dtype) {
  return dtype.value_or(default_dtype());
}

// Where factory functions of the calling thread put tensors, the CPU unless it was told otherwise.
Device default_device();
void set_default_device(Device device);

inline Device device_or_default(std::optional<Device> device) {
  return device.value_or(default_device());
}

inline void check_pin_memory(bool pin_memory) {
  TALLOW_CHECK(!pin_memory || *why_cuda_is_unavailable() == '\0',
               "pin_memory=True requires a CUDA or other accelerator backend; no pinned memory "
               "allocator is available on this system.");
}

// The new tensor with the options that are not part of making it.
inline Tensor with_options(const Tensor& made, bool requires_grad, bool pin_memory) {
  const Tensor fresh = TALLOW_UNLIKELY(pin_memory) ? ops::pin_memory(made) : made;
  if (requires_grad) set_requires_grad(fresh, true);
  return fresh;
}

}  // namespace tallow::python
