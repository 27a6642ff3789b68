// Binding: which of a call's arguments goes to which parameter of an overload.
#pragma once

#include "python/op.h"

namespace tallow::python {

// Why binding the arguments to an overload failed; formatted only if every overload fails.
enum class Mismatch { kNone, kTooMany, kUnexpectedKeyword, kDuplicate, kMissing, kType };

struct Binding {
  PyObject* slots[kMaxParameters];
  PyRef variadic;  // the tuple collected for a `*name` parameter
  PyObject* out = nullptr;
  Mismatch mismatch = Mismatch::kNone;
  int parameter = 0;            // for kDuplicate and kType
  int by_position = 0;          // how many slots were filled by position
  PyObject* keyword = nullptr;  // for kUnexpectedKeyword
};

// Fills the slots from the arguments and the defaults; false (with the reason) if they do not fit.
bool bind(const Op& op, const Overload& overload, PyObject* const* args, Py_ssize_t count,
          PyObject* keywords, bool is_method, Binding& binding);

// The TypeErrors of calls that fit no overload. Messages count a method's arguments without self.
[[noreturn]] void raise_mismatch(const Op& op, const Overload& overload, const Binding& binding,
                                 Py_ssize_t count, bool is_method);
[[noreturn]] void raise_no_overload(const Op& op, PyObject* const* args, Py_ssize_t count,
                                    PyObject* keywords, bool is_method);

// A type as messages name it: this package's own types under the name the program knows it by.
std::string spelled(const char* type);
std::string type_name_of(PyObject* object);

}  // namespace tallow::python
