// Python's side of autograd: node objects, hooks over Python callables, garbage collection.
#pragma once

#include "autograd/meta.h"
#include "python/tensor_type.h"

namespace tallow::python {

// The node's Python object (a new reference), always the same one while it is alive; None for null.
PyObject* wrap_node(const Ref<Node>& node);
bool is_node(PyObject* object);
Ref<Node> unwrap_node(PyObject* object);

// The dict of a tensor's gradient hooks, None before the first is set. Setting one registers a
// dispatcher that calls its values in order; None takes it away.
PyObject* tensor_hook_dict(const Tensor& tensor);
void set_tensor_hook_dict(const Tensor& tensor, PyObject* dict);
PyObject* post_accumulate_hook_dict(const Tensor& tensor);
void set_post_accumulate_hook_dict(const Tensor& tensor, PyObject* dict);

// Registers a dict of callables on a node.
void add_node_hook_dict(Node& node, PyObject* dict, bool before);

// Raises unless `after`, which `hook` returned, may replace the gradient `before`. A null hook is
// the machinery of module hooks.
void check_replacement(PyObject* hook, const Tensor& before, PyObject* after);

// Visits the Python objects that only `meta` keeps alive.
int traverse_meta(const AutogradMeta& meta, visitproc visit, void* arg);

void init_node_type(py::module_& module);
void init_function_type(py::module_& module);
void bind_autograd(py::module_& module);
void bind_boundary(py::module_& module);
void init_mode_types(py::module_& module);

}  // namespace tallow::python
