// Calls in the order of arguments that PyTorch deprecates but takes: numbers before tensors, as in
// x.add_(-rate, grad) and x.addcmul_(value, a, b).
#pragma once

#include <vector>

#include "python/op.h"

namespace tallow::python {

// The arguments of such a call with its numbers as keywords.
struct ModernCall {
  std::vector<PyObject*> args;  // borrowed: those by position, then those by keyword
  Py_ssize_t count;             // by position
  PyRef keywords;
};

// False if the operator has no such form, or the arguments are not in it. Warns, once.
bool modernize(const Op& op, PyObject* const* args, Py_ssize_t count, PyObject* keywords,
               bool is_method, ModernCall& call);

}  // namespace tallow::python
