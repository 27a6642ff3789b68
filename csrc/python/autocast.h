// Mixed precision: what operators on CUDA tensors convert inside `with autocast("cuda"):`.
#pragma once

#include <vector>

#include "python/op.h"

namespace tallow::python {

// What the calling thread asked for.
struct Autocast {
  bool enabled = false;
  bool cache_enabled = true;
  DType dtype = DType::kFloat16;
};
extern thread_local Autocast autocast_state;

// Replaces the tensors of a call by what autocast makes of them; `kept` holds the new objects.
void autocast_arguments(const Op& op, const Overload& overload, PyObject** slots,
                        std::vector<PyRef>& kept);

void bind_autocast(py::module_& module);

}  // namespace tallow::python
