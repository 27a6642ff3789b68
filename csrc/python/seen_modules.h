// What is remembered of modules that were called: nn.Module's way to forward, without its lookups.
#pragma once

#include <array>

#include "python/common.h"

namespace tallow::python {

// Python 3.11 numbers the contents of a dict and the definition of a class anew whenever they
// change, and never gives a number twice. While a module's numbers are those of an earlier call
// without hooks, seven lookups need not be repeated.
struct SeenModule {
  uint64_t state_version = 0;
  unsigned class_version = 0;
  PyObject* forward = nullptr;           // the function; the class has it
  std::array<PyObject*, 4> hook_tables;  // the module has them
};
inline std::array<SeenModule, 256> seen_modules;

#if PY_VERSION_HEX < 0x030C0000
inline uint64_t version_of(PyObject* state) {
  return reinterpret_cast<PyDictObject*>(state)->ma_version_tag;
}
#else
inline uint64_t version_of(PyObject*) { return 0; }  // not known
#endif

// Null if the class has no number.
inline unsigned version_of(PyTypeObject* type) {
  return PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG) ? type->tp_version_tag : 0;
}

inline SeenModule& place_of(PyObject* state) {
  return seen_modules[(reinterpret_cast<std::uintptr_t>(state) >> 4) % seen_modules.size()];
}

}  // namespace tallow::python
