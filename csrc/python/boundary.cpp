// The boundary of a module call as Python sees it: values cross, and a callable is told of the
// gradients that cross back.
#include "autograd/boundary.h"

#include "autograd/engine.h"
#include "python/autograd_objects.h"

namespace tallow::python {

namespace {

// Which tensor of the boundary belongs to each value a hook is shown, -1 for none.
using Slots = std::vector<int32_t>;

PyRef to_slots(const TensorList& tensors, const Slots& slots) {
  PyRef tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(slots.size())));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    PyObject* const value = slots[i] < 0 ? Py_NewRef(Py_None) : wrap(tensors[slots[i]]);
    PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), checked(value).release());
  }
  return tuple;
}

// Puts what the callable returned, None or one value per slot, in the place of the gradients.
void replace(PyObject* result, const Slots& slots, TensorList& tensors) {
  if (result == Py_None) return;
  const PyRef values = checked(PySequence_Fast(result, "expected a sequence of gradients"));
  TALLOW_CHECK(PySequence_Fast_GET_SIZE(values.get()) == static_cast<Py_ssize_t>(slots.size()),
               "a module's backward hook returned a wrong number of gradients");
  for (std::size_t i = 0; i < slots.size(); ++i) {
    PyObject* const value = PySequence_Fast_GET_ITEM(values.get(), static_cast<Py_ssize_t>(i));
    if (slots[i] < 0) continue;
    Tensor& tensor = tensors[slots[i]];
    if (value == Py_None) {
      tensor = Tensor();
    } else {
      check_replacement(nullptr, tensor, value);
      tensor = unwrap(value);
    }
  }
}

// Tells of the gradients of a module's outputs, before they enter the module.
class OuterHook final : public NodePreHook {
 public:
  OuterHook(PyObject* callback, Slots slots)
      : callback_(PyRef::borrow(callback)), slots_(std::move(slots)) {}
  void operator()(TensorList& gradients) override {
    const PyRef shown = to_slots(gradients, slots_);
    const PyRef result = checked(PyObject_CallOneArg(callback_.get(), shown.get()));
    replace(result.get(), slots_, gradients);
  }

 private:
  PyRef callback_;
  Slots slots_;
};

// Tells of the gradients of a module's inputs, after they left the module.
class InnerHook final : public NodePostHook {
 public:
  InnerHook(PyObject* callback, Slots slots)
      : callback_(PyRef::borrow(callback)), slots_(std::move(slots)) {}
  void operator()(TensorList& gradients, const TensorList&) override {
    const PyRef shown = to_slots(gradients, slots_);
    const PyRef result = checked(PyObject_CallOneArg(callback_.get(), shown.get()));
    replace(result.get(), slots_, gradients);
  }

 private:
  PyRef callback_;
  Slots slots_;
};

// _cross_boundary(values, shown, callback, outer): replaces the tensors in the list `values` by
// stand-ins and calls `callback` with the gradients of the first `shown` of them. False, and
// nothing happens, if no gradient can flow.
PyObject* cross(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    TALLOW_CHECK_TYPE(count == 4 && PyList_Check(args[0]),
                      "_cross_boundary() takes a list, a number, a callable and a flag");
    PyObject* const values = args[0];
    const Py_ssize_t shown = PyLong_AsSsize_t(args[1]);
    TALLOW_CHECK_VALUE(shown >= 0 && shown <= PyList_GET_SIZE(values),
                       "_cross_boundary(): shown is out of range");
    std::vector<Tensor> tensors;
    std::vector<Py_ssize_t> places;
    Slots slots(static_cast<std::size_t>(shown), -1);
    bool shown_wants_grad = false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values); ++i) {
      PyObject* const value = PyList_GET_ITEM(values, i);
      if (!is_tensor(value)) continue;
      if (i < shown) {
        slots[static_cast<std::size_t>(i)] = static_cast<int32_t>(tensors.size());
        shown_wants_grad = shown_wants_grad || unwrap(value).requires_grad();
      }
      tensors.push_back(unwrap(value));
      places.push_back(i);
    }
    const Ref<Node> node = cross_boundary(tensors);
    if (!node) Py_RETURN_FALSE;
    for (std::size_t i = 0; i < places.size(); ++i) {
      PyObject* const old = PyList_GET_ITEM(values, places[i]);
      if (unwrap(old).same(tensors[i])) continue;
      PyList_SetItem(values, places[i], checked(wrap(tensors[i])).release());
    }
    // Without a shown tensor that wants a gradient there is none to show: not even zeros.
    if (!shown_wants_grad) slots.assign(slots.size(), -1);
    NodeHooks& hooks = node->hooks_or_create();
    if (args[3] == Py_True) {
      hooks.pre.push_back(Ref<NodePreHook>(new OuterHook(args[2], std::move(slots))));
    } else {
      hooks.post.push_back(Ref<NodePostHook>(new InnerHook(args[2], std::move(slots))));
    }
    Py_RETURN_TRUE;
  });
}

PyMethodDef methods[] = {
    {"_cross_boundary", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(cross)),
     METH_FASTCALL, "Replace tensors by stand-ins and report the gradients that cross back."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

void bind_boundary(py::module_& module) {
  if (PyModule_AddFunctions(module.ptr(), methods) < 0) throw PythonError();
  module.def("_is_graph_task_running", &pass_is_running);
}

}  // namespace tallow::python
