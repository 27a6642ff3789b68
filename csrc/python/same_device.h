// The check that all tensors of a call lie on one device.
#pragma once

#include "python/op.h"

namespace tallow::python {

// Raises RuntimeError if CUDA tensors meet others that their kernels could not read. Ops that take
// tensors of several devices are left alone. Costs time: called once there are CUDA tensors.
void check_same_device(const Op& op, const Overload& overload, PyObject* const* slots);

}  // namespace tallow::python
