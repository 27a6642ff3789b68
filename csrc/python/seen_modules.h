// What is remembered of modules that were called: nn.Module's way to forward, without its lookups.
#pragma once

#include <array>

#include "python/common.h"

namespace tallow::python {

// Python 3.11 numbers the contents of a dict and the definition of a class anew whenever they
// change, and never gives a number twice. While a module's numbers are those of an earlier call,
// its lookups need not be repeated.
struct SeenModule {
  // Its tables: those of hooks, then those of their options.
  enum Table { kBackward, kBackwardPre, kForward, kForwardPre, kHookTables, kTables = 7 };

  uint64_t state_version = 0;
  unsigned class_version = 0;
  bool full_backward_hooks = false;
  PyObject* forward = nullptr;  // the function; the class has it
  std::array<PyObject*, kTables> tables;

  bool is_empty(int table) const {
    return PyDict_GET_SIZE(tables[static_cast<std::size_t>(table)]) == 0;
  }
  bool has_hooks() const {
    return !(is_empty(kBackward) && is_empty(kBackwardPre) && is_empty(kForward) &&
             is_empty(kForwardPre));
  }
  // Are all hooks without options, and full ones for the backward pass?
  bool has_usual_hooks() const {
    for (int table = kHookTables; table < kTables; ++table) {
      if (!is_empty(table)) return false;
    }
    return is_empty(kBackward) || full_backward_hooks;
  }
};
inline std::array<SeenModule, 256> seen_modules;

#if PY_VERSION_HEX < 0x030C0000
inline uint64_t version_of(PyObject* state) {
  return reinterpret_cast<PyDictObject*>(state)->ma_version_tag;
}
#else
inline uint64_t version_of(PyObject*) { return 0; }  // not known
#endif

// Zero if the class has no number.
inline unsigned version_of(PyTypeObject* type) {
  return PyType_HasFeature(type, Py_TPFLAGS_VALID_VERSION_TAG) ? type->tp_version_tag : 0;
}

inline SeenModule& place_of(PyObject* state) {
  return seen_modules[(reinterpret_cast<std::uintptr_t>(state) >> 4) % seen_modules.size()];
}

}  // namespace tallow::python
