// Python callables as gradient hooks. Hooks live in dicts that Python's RemovableHandle edits; each
// dispatcher below calls the values a dict has when it starts.
#include "core/error.h"
#include "python/autograd_objects.h"
#include "python/watch.h"

namespace tallow::python {

namespace {

// Null: the machinery between a module's hooks and its boundary.
std::string callable_name(PyObject* callable) {
  if (!callable) return "hook";
  const PyRef name = PyRef::steal(PyObject_GetAttrString(callable, "__name__"));
  if (!name) {
    PyErr_Clear();
    return Py_TYPE(callable)->tp_name;
  }
  return PyUnicode_AsUTF8(name.get());
}

}  // namespace

void check_replacement(PyObject* hook, const Tensor& before, PyObject* after) {
  TALLOW_CHECK_TYPE(is_tensor(after), "expected Variable, but hook returned '",
                    Py_TYPE(after)->tp_name, "'");
  const Tensor& value = unwrap(after);
  TALLOW_CHECK(!before.defined() || value.dtype() == before.dtype(), "hook '", callable_name(hook),
               "' has changed the type of value (was ", tensor_type_name(before.dtype()), " got ",
               tensor_type_name(value.dtype()), ")");
  TALLOW_CHECK(!before.defined() || value.sizes() == before.sizes(), "hook '", callable_name(hook),
               "' has changed the size of value");
}

namespace {

// The values of the dict now, so that hooks may add or remove hooks.
PyRef snapshot(PyObject* dict) { return checked(PyMapping_Values(dict)); }

class PyTensorHook final : public TensorHook {
 public:
  explicit PyTensorHook(PyObject* dict) : dict_(PyRef::borrow(dict)) {}
  PyObject* dict() const { return dict_.get(); }

  Tensor operator()(const Tensor& grad) override {
    PyRef value = checked(wrap(grad));
    const PyRef hooks = snapshot(dict_.get());
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks.get()); ++i) {
      PyObject* const hook = PyList_GET_ITEM(hooks.get(), i);
      PyObject* const argument = value.get();
      PyRef result = call_hook("tensor hook", nullptr, hook, &argument, 1);
      if (result.get() == Py_None) continue;
      check_replacement(hook, unwrap(value.get()), result.get());
      value = std::move(result);
    }
    return unwrap(value.get());
  }

 private:
  PyRef dict_;
};

class PyPostAccumulateHook final : public PostAccumulateHook {
 public:
  explicit PyPostAccumulateHook(PyObject* dict) : dict_(PyRef::borrow(dict)) {}
  PyObject* dict() const { return dict_.get(); }

  void operator()(const Tensor& leaf) override {
    const PyRef self = checked(wrap(leaf));
    const PyRef hooks = snapshot(dict_.get());
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks.get()); ++i) {
      PyObject* const argument = self.get();
      const PyRef result =
          call_hook("post-accumulate hook", nullptr, PyList_GET_ITEM(hooks.get(), i), &argument, 1);
      TALLOW_CHECK(result.get() == Py_None,
                   "Tensor post accumulate grad hooks should return None.");
    }
  }

 private:
  PyRef dict_;
};

PyRef to_tuple(const TensorList& tensors) {
  PyRef tuple = checked(PyTuple_New(tensors.size()));
  for (int64_t i = 0; i < tensors.size(); ++i) {
    PyTuple_SET_ITEM(tuple.get(), i, checked(wrap(tensors[i])).release());
  }
  return tuple;
}

// Copies what a hook returned over the gradients it may replace.
void replace(PyObject* hook, PyObject* result, TensorList& tensors) {
  if (result == Py_None) return;
  TALLOW_CHECK_TYPE(PyTuple_Check(result), "expected tuple, but hook returned '",
                    Py_TYPE(result)->tp_name, "'");
  TALLOW_CHECK(PyTuple_GET_SIZE(result) == tensors.size(), "hook '", callable_name(hook),
               "' has returned an incorrect number of values (got ", PyTuple_GET_SIZE(result),
               ", but expected ", tensors.size(), ")");
  for (int64_t i = 0; i < tensors.size(); ++i) {
    PyObject* const value = PyTuple_GET_ITEM(result, i);
    if (value == Py_None) {
      tensors[i] = Tensor();
      continue;
    }
    check_replacement(hook, tensors[i], value);
    tensors[i] = unwrap(value);
  }
}

class PyNodePreHook final : public NodePreHook {
 public:
  explicit PyNodePreHook(PyObject* dict) : dict_(PyRef::borrow(dict)) {}
  void operator()(TensorList& grad_outputs) override {
    const PyRef hooks = snapshot(dict_.get());
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks.get()); ++i) {
      PyObject* const hook = PyList_GET_ITEM(hooks.get(), i);
      const PyRef arguments = to_tuple(grad_outputs);
      PyObject* const argument = arguments.get();
      const PyRef result = call_hook("node pre-hook", nullptr, hook, &argument, 1);
      replace(hook, result.get(), grad_outputs);
    }
  }

 private:
  PyRef dict_;
};

class PyNodePostHook final : public NodePostHook {
 public:
  explicit PyNodePostHook(PyObject* dict) : dict_(PyRef::borrow(dict)) {}
  void operator()(TensorList& grad_inputs, const TensorList& grad_outputs) override {
    const PyRef outputs = to_tuple(grad_outputs);
    const PyRef hooks = snapshot(dict_.get());
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(hooks.get()); ++i) {
      PyObject* const hook = PyList_GET_ITEM(hooks.get(), i);
      const PyRef inputs = to_tuple(grad_inputs);
      PyObject* const arguments[] = {inputs.get(), outputs.get()};
      const PyRef result = call_hook("node hook", nullptr, hook, arguments, 2);
      replace(hook, result.get(), grad_inputs);
    }
  }

 private:
  PyRef dict_;
};

PyTensorHook* tensor_hook(const Tensor& tensor) {
  const AutogradMeta* const meta = tensor.impl()->meta;
  return meta ? static_cast<PyTensorHook*>(meta->hook_dict.get()) : nullptr;
}

}  // namespace

PyObject* tensor_hook_dict(const Tensor& tensor) {
  const PyTensorHook* const hook = tensor_hook(tensor);
  return Py_NewRef(hook ? hook->dict() : Py_None);
}

void set_tensor_hook_dict(const Tensor& tensor, PyObject* dict) {
  AutogradMeta& meta = ensure_meta(tensor);
  const Ref<Node> node = grad_fn(tensor);
  if (meta.hook_dict) {
    const auto is_old = [&](const auto& entry) { return entry == meta.hook_dict; };
    std::erase_if(meta.leaf_hooks, is_old);
    if (node && node->hooks) {
      std::erase_if(node->hooks->tensor_hooks,
                    [&](const NodeHooks::OnOutput& entry) { return entry.hook == meta.hook_dict; });
    }
    meta.hook_dict.reset();
  }
  if (!dict || dict == Py_None) return;
  meta.hook_dict = Ref<TensorHook>(new PyTensorHook(dict));
  if (node) {
    node->hooks_or_create().tensor_hooks.push_back({meta.output_nr, meta.hook_dict});
  } else {
    meta.leaf_hooks.push_back(meta.hook_dict);
  }
}

PyObject* post_accumulate_hook_dict(const Tensor& tensor) {
  const AutogradMeta* const meta = tensor.impl()->meta;
  if (!meta || meta->post_accumulate_hooks.empty()) return Py_NewRef(Py_None);
  return Py_NewRef(
      static_cast<PyPostAccumulateHook*>(meta->post_accumulate_hooks[0].get())->dict());
}

void set_post_accumulate_hook_dict(const Tensor& tensor, PyObject* dict) {
  AutogradMeta& meta = ensure_meta(tensor);
  meta.post_accumulate_hooks.clear();
  if (!dict || dict == Py_None) return;
  meta.post_accumulate_hooks.push_back(Ref<PostAccumulateHook>(new PyPostAccumulateHook(dict)));
}

void add_node_hook_dict(Node& node, PyObject* dict, bool before) {
  NodeHooks& hooks = node.hooks_or_create();
  if (before) {
    hooks.pre.push_back(Ref<NodePreHook>(new PyNodePreHook(dict)));
  } else {
    hooks.post.push_back(Ref<NodePostHook>(new PyNodePostHook(dict)));
  }
}

int traverse_meta(const AutogradMeta& meta, visitproc visit, void* arg) {
  const auto visit_object = [&](const Counted* value, int64_t own_references) {
    // One reference is the Python object's own; beyond ours nobody else may hold the value.
    if (!value || !value->object() || value->use_count() != own_references + 1) return 0;
    return visit(static_cast<PyObject*>(value->object()), arg);
  };
  if (const int result = visit_object(meta.grad.impl(), 1)) return result;
  if (const int result = visit_object(meta.grad_fn.get(), 1)) return result;
  const auto* const hook = static_cast<const PyTensorHook*>(meta.hook_dict.get());
  const int64_t holders = 1 + static_cast<int64_t>(meta.leaf_hooks.size());
  if (hook && !meta.grad_fn && hook->use_count() == holders) {
    if (const int result = visit(hook->dict(), arg)) return result;
  }
  for (const Ref<PostAccumulateHook>& post : meta.post_accumulate_hooks) {
    if (post->use_count() != 1) continue;
    const int result = visit(static_cast<PyPostAccumulateHook*>(post.get())->dict(), arg);
    if (result) return result;
  }
  return 0;
}

}  // namespace tallow::python
