// out=: what a caller may give for it, before the op runs.
#pragma once

#include "python/op.h"

namespace tallow::python {

// Appends the tensors of an argument: itself, or those in a list or tuple.
void collect_tensors(PyObject* object, std::vector<Tensor>& tensors);

// Raises if the op must not write to `out`. A factory takes the type of its destination over:
// `slots` then holds out's dtype where the caller named none.
void prepare_out(const Op& op, const Overload& overload, PyObject** slots, PyObject* out);

}  // namespace tallow::python
