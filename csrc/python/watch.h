// Watching a thread: explain() and nan_guard() are told of its ops, calls, hooks and nodes.
//
// A watcher is a Python object with methods begin, end and bad (python/tallow/_explain/watcher.py).
// Nothing here is reached unless the kWatched bit of `call_interest` is set, or `observer` is not
// null: both are words that the calls and the engine read anyway.
#pragma once

#include <functional>

#include "autograd/node.h"
#include "python/override.h"

namespace tallow::python {

TALLOW_INLINE bool is_watched() { return (call_interest & kWatched) != 0; }

// Runs `call`, which returns a new reference or null with the error set, as one event. `args` are
// what the watcher is shown; what the call returns is checked where a guard asks for that.
PyObject* watched(const char* kind, PyObject* subject, PyObject* const* args, Py_ssize_t count,
                  PyObject* keywords, const std::function<PyObject*()>& call);

// Calls a hook. `kind` says what it is, `owner` is the module it belongs to, or null.
PyRef call_hook(const char* kind, PyObject* owner, PyObject* hook, PyObject* const* args,
                Py_ssize_t count);

// The traceback that anomaly mode noted when the node was made (borrowed), or null.
PyObject* traceback_of(const Node& node);

// A leaf that requires gradients, or a view of one: memory that lives without being saved.
bool is_part_of_leaf(const Tensor& tensor);

void bind_watch(py::module_& module);
void bind_graph(py::module_& module);  // graph.cpp

}  // namespace tallow::python
