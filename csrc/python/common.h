// Helpers every file of the binding needs: owned references, errors in both directions, the GIL.
#pragma once

#include <pybind11/pybind11.h>

#include <exception>
#include <string>

#include "core/error.h"

namespace tallow::python {

namespace py = pybind11;

// A Python error already set in the interpreter, on its way through C++ frames.
struct PythonError : std::exception {
  const char* what() const noexcept override { return "a Python exception is set"; }
};

// An owned reference.
class PyRef {
 public:
  PyRef() = default;
  PyRef(const PyRef&) = delete;
  PyRef& operator=(const PyRef&) = delete;
  PyRef(PyRef&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  PyRef& operator=(PyRef&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~PyRef() { Py_XDECREF(object_); }

  static PyRef steal(PyObject* object) {
    PyRef ref;
    ref.object_ = object;
    return ref;
  }
  static PyRef borrow(PyObject* object) {
    Py_XINCREF(object);
    return steal(object);
  }
  PyObject* get() const { return object_; }
  PyObject* release() { return std::exchange(object_, nullptr); }
  explicit operator bool() const { return object_ != nullptr; }

 private:
  PyObject* object_ = nullptr;
};

// The result of a C-API call, or PythonError if it failed.
inline PyRef checked(PyObject* object) {
  if (!object) throw PythonError();
  return PyRef::steal(object);
}

// Turns the C++ exception being handled into a Python error. For catch (...) blocks.
void set_python_error() noexcept;

// Runs `body` and returns its result, or null with the Python error set.
template <class Body>
PyObject* guarded(const Body& body) noexcept {
  try {
    return body();
  } catch (...) {
    set_python_error();
    return nullptr;
  }
}
template <class Body>
int guarded_int(const Body& body) noexcept {
  try {
    return body();
  } catch (...) {
    set_python_error();
    return -1;
  }
}

// Exception classes of the package that the interpreter does not have.
extern PyObject* out_of_memory_error;

}  // namespace tallow::python
