// autograd.Function: nodes whose derivative is a Python method. The Python object is both the node
// and the `ctx` that forward and backward receive.
#include "autograd/inplace.h"
#include "autograd/views.h"
#include "core/error.h"
#include "core/inline_vector.h"
#include "ops/creation.h"
#include "python/autograd_objects.h"
#include "python/convert.h"
#include "python/watch.h"
#include "python/write_log.h"

#include <structmember.h>

namespace tallow::python {

namespace {

class FunctionNode;

struct PyFunction {
  PyObject_HEAD Ref<Node> node;  // as in every node object
  PyObject* needs_input_grad;
  PyObject* to_save;  // what forward gave to save_for_backward, until it has returned
  PyObject* dirty;
  PyObject* non_differentiable;
  bool materialize_grads;
};

PyTypeObject* function_type = nullptr;

PyFunction* as_function(PyObject* self) { return reinterpret_cast<PyFunction*>(self); }

class FunctionNode final : public Node {
 public:
  FunctionNode() : Node("FunctionBackward") {}

  std::string name() const override { return Py_TYPE(static_cast<PyObject*>(object()))->tp_name; }
  bool accepts_undefined() const override { return true; }

  void apply(Grads& grads) override {
    PyObject* const self = static_cast<PyObject*>(object());
    const PyRef arguments = incoming(grads, as_function(self)->materialize_grads);
    const PyRef method = checked(PyObject_GetAttrString(self, "apply"));
    PyRef results = checked(PyObject_CallObject(method.get(), arguments.get()));
    if (!PyTuple_Check(results.get())) results = checked(PyTuple_Pack(1, results.get()));
    check_count(results.get());
    int64_t edge = 0;
    for (std::size_t i = 0; i < is_tensor_input.size(); ++i) {
      PyObject* const result = PyTuple_GET_ITEM(results.get(), static_cast<Py_ssize_t>(i));
      if (!is_tensor_input[i]) {
        TALLOW_CHECK(result == Py_None, "function ", name(),
                     " returned a gradient different than None at position ", i + 1,
                     ", but the corresponding forward input was not a Variable");
        continue;
      }
      TALLOW_CHECK(result == Py_None || is_tensor(result), "expected Variable or None (got ",
                   Py_TYPE(result)->tp_name, ")");
      if (result != Py_None) grads.out[edge] = unwrap(result);
      ++edge;
    }
  }

  std::vector<bool> is_tensor_input;   // one per argument of forward
  std::vector<bool> is_tensor_output;  // one per result of forward

 private:
  PyRef incoming(Grads& grads, bool materialize) {
    PyRef tuple = checked(PyTuple_New(static_cast<Py_ssize_t>(is_tensor_output.size())));
    for (std::size_t i = 0; i < is_tensor_output.size(); ++i) {
      const int64_t index = static_cast<int64_t>(i);
      const bool as_zeros = materialize && is_tensor_output[i];
      const Tensor grad = as_zeros ? grads.grad_or_zeros(index) : grads.grad(index);
      PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), checked(wrap(grad)).release());
    }
    return tuple;
  }

  // Surplus results are tolerated if they are None.
  void check_count(PyObject* results) const {
    const auto expected = static_cast<Py_ssize_t>(is_tensor_input.size());
    Py_ssize_t count = PyTuple_GET_SIZE(results);
    while (count > expected && PyTuple_GET_ITEM(results, count - 1) == Py_None) --count;
    TALLOW_CHECK(count == expected, "function ", name(),
                 " returned an incorrect number of gradients (expected ", expected, ", got ",
                 PyTuple_GET_SIZE(results), ")");
  }
};

FunctionNode& node_of(PyObject* self) {
  return static_cast<FunctionNode&>(*as_function(self)->node);
}

PyObject* function_new(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* const self = type->tp_alloc(type, 0);
  if (!self) return nullptr;
  PyFunction* const function = as_function(self);
  new (&function->node) Ref<Node>(new FunctionNode);
  function->node->attach_object(self);
  function->materialize_grads = true;
  return self;
}

int function_traverse(PyObject* self, visitproc visit, void* arg) {
  const PyFunction* const function = as_function(self);
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(function->needs_input_grad);
  Py_VISIT(function->to_save);
  Py_VISIT(function->dirty);
  Py_VISIT(function->non_differentiable);
  return 0;
}

int function_clear(PyObject* self) {
  PyFunction* const function = as_function(self);
  Py_CLEAR(function->needs_input_grad);
  Py_CLEAR(function->to_save);
  Py_CLEAR(function->dirty);
  Py_CLEAR(function->non_differentiable);
  return 0;
}

void function_dealloc(PyObject* self) {
  PyObject_GC_UnTrack(self);
  function_clear(self);
  PyTypeObject* const type = Py_TYPE(self);
  Ref<Node>& node = as_function(self)->node;
  node->detach_object();
  node.~Ref<Node>();
  type->tp_free(self);
  Py_DECREF(type);
}

// --- what forward may call on ctx

PyObject* keep_tuple(PyObject*& slot, PyObject* tuple) {
  Py_XSETREF(slot, Py_NewRef(tuple));
  Py_RETURN_NONE;
}
PyObject* save_for_backward(PyObject* self, PyObject* args) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
    PyObject* const item = PyTuple_GET_ITEM(args, i);
    if (item == Py_None || is_tensor(item)) continue;
    return PyErr_Format(PyExc_TypeError,
                        "save_for_backward can only save variables, but argument %zd is of type %s",
                        i, Py_TYPE(item)->tp_name);
  }
  return keep_tuple(as_function(self)->to_save, args);
}
PyObject* mark_dirty(PyObject* self, PyObject* args) {
  return keep_tuple(as_function(self)->dirty, args);
}
PyObject* mark_non_differentiable(PyObject* self, PyObject* args) {
  return keep_tuple(as_function(self)->non_differentiable, args);
}
PyObject* set_materialize_grads(PyObject* self, PyObject* value) {
  const int truth = PyObject_IsTrue(value);
  if (truth < 0) return nullptr;
  as_function(self)->materialize_grads = truth == 1;
  Py_RETURN_NONE;
}

PyObject* saved_tensors(PyObject* self, void*) {
  return guarded([&]() -> PyObject* {
    if (PyObject* const pending = as_function(self)->to_save) return Py_NewRef(pending);
    FunctionNode& node = node_of(self);
    PyRef tuple = checked(PyTuple_New(node.saved.size()));
    for (int64_t i = 0; i < node.saved.size(); ++i) {
      const Tensor tensor = node.saved.unpack(node, SavedId{static_cast<int32_t>(i)});
      PyTuple_SET_ITEM(tuple.get(), i, checked(wrap(tensor)).release());
    }
    return tuple.release();
  });
}

// --- apply

// Is the tensor among those in the tuple (which may be null)?
bool contains(PyObject* tuple, const Tensor& tensor) {
  for (Py_ssize_t i = 0; tuple && i < PyTuple_GET_SIZE(tuple); ++i) {
    PyObject* const item = PyTuple_GET_ITEM(tuple, i);
    if (is_tensor(item) && unwrap(item).same(tensor)) return true;
  }
  return false;
}

struct Names {
  PyObject* backward_cls = PyUnicode_InternFromString("_backward_cls");
  PyObject* forward = PyUnicode_InternFromString("forward");
  PyObject* setup_context = PyUnicode_InternFromString("setup_context");
};
const Names& names() {
  static const Names instance;
  return instance;
}

// What autograd.Function itself has for setup_context: a class with another one uses it.
PyObject* default_setup_context = nullptr;

bool uses_setup_context(PyObject* type) {
  PyObject* const found =
      _PyType_Lookup(reinterpret_cast<PyTypeObject*>(type), names().setup_context);
  return found != default_setup_context;
}

PyObject* define_function(PyObject*, PyObject* type) {
  default_setup_context =
      Py_XNewRef(_PyType_Lookup(reinterpret_cast<PyTypeObject*>(type), names().setup_context));
  Py_RETURN_NONE;
}
PyMethodDef functions[] = {
    {"_define_function", define_function, METH_O, "Take note of the class autograd.Function."},
    {nullptr, nullptr, 0, nullptr},
};

// One call of a Function: from the arguments to the recorded results.
class Application {
 public:
  Application(PyObject* type, PyObject* const* args, Py_ssize_t count)
      : type_(type), args_(args), count_(count) {
    const PyRef node_class = checked(PyObject_GetAttr(type, names().backward_cls));
    context_ =
        checked(function_new(reinterpret_cast<PyTypeObject*>(node_class.get()), nullptr, nullptr));
    prepare_inputs();
  }

  PyObject* run() {
    const PyRef output = call_forward();
    const bool single = !PyTuple_Check(output.get());
    const PyRef outputs =
        single ? checked(PyTuple_Pack(1, output.get())) : PyRef::borrow(output.get());
    check_dirty_returned(outputs.get());
    PyRef results = wrap_outputs(outputs.get());
    if (recorded_) save(results.get());
    Py_CLEAR(context()->to_save);
    Py_CLEAR(context()->dirty);
    Py_CLEAR(context()->non_differentiable);
    return single ? Py_NewRef(PyTuple_GET_ITEM(results.get(), 0)) : results.release();
  }

 private:
  PyFunction* context() { return as_function(context_.get()); }
  FunctionNode& node() { return node_of(context_.get()); }

  void prepare_inputs() {
    PyRef needs = checked(PyTuple_New(count_));
    bool any = false;
    for (Py_ssize_t i = 0; i < count_; ++i) {
      const bool tensor = is_tensor(args_[i]);
      const bool wants = tensor && unwrap(args_[i]).requires_grad();
      any = any || wants;
      node().is_tensor_input.push_back(tensor);
      PyTuple_SET_ITEM(needs.get(), i, Py_NewRef(wants ? Py_True : Py_False));
    }
    context()->needs_input_grad = needs.release();
    recorded_ = any && recording_enabled();
    for (Py_ssize_t i = 0; recorded_ && i < count_; ++i) {
      if (is_tensor(args_[i])) node().add_edge(unwrap(args_[i]));
    }
  }

  PyRef call_forward() {
    const NoGradGuard no_grad;
    const PyRef forward = checked(PyObject_GetAttr(type_, names().forward));
    if (TALLOW_LIKELY(!uses_setup_context(type_))) {
      InlineVector<PyObject*, 8> stack;
      stack.push_back(context_.get());
      for (Py_ssize_t i = 0; i < count_; ++i) stack.push_back(args_[i]);
      return checked(PyObject_Vectorcall(forward.get(), stack.begin(),
                                         static_cast<std::size_t>(stack.size()), nullptr));
    }
    const PyRef arguments = checked(PyTuple_New(count_));
    for (Py_ssize_t i = 0; i < count_; ++i) {
      PyTuple_SET_ITEM(arguments.get(), i, Py_NewRef(args_[i]));
    }
    PyRef output = checked(PyObject_CallObject(forward.get(), arguments.get()));
    const PyRef setup = checked(PyObject_GetAttr(type_, names().setup_context));
    checked(PyObject_CallFunctionObjArgs(setup.get(), context_.get(), arguments.get(), output.get(),
                                         nullptr));
    return output;
  }

  void check_dirty_returned(PyObject* outputs) {
    PyObject* const dirty = context()->dirty;
    for (Py_ssize_t i = 0; dirty && i < PyTuple_GET_SIZE(dirty); ++i) {
      PyObject* const item = PyTuple_GET_ITEM(dirty, i);
      TALLOW_CHECK(!is_tensor(item) || contains(outputs, unwrap(item)),
                   "Some elements marked as dirty during the forward method were not returned as "
                   "output. The inputs that are modified inplace must all be outputs of the "
                   "Function.");
    }
  }

  PyRef wrap_outputs(PyObject* outputs) {
    const Py_ssize_t count = PyTuple_GET_SIZE(outputs);
    PyRef results = checked(PyTuple_New(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
      PyObject* const output = PyTuple_GET_ITEM(outputs, i);
      node().is_tensor_output.push_back(is_tensor(output));
      PyObject* result = nullptr;
      if (is_tensor(output)) {
        result = wrap_output(output, static_cast<uint32_t>(i));
      } else {
        node().outputs.emplace_back();
        result = Py_NewRef(output);
      }
      PyTuple_SET_ITEM(results.get(), i, result);
    }
    return results;
  }

  bool is_input(const Tensor& tensor) const {
    for (Py_ssize_t i = 0; i < count_; ++i) {
      if (is_tensor(args_[i]) && unwrap(args_[i]).same(tensor)) return true;
    }
    return false;
  }

  PyObject* wrap_output(PyObject* output, uint32_t index) {
    const Tensor tensor = unwrap(output);
    node().add_output(tensor);
    if (contains(context()->dirty, tensor)) {
      mark_written(tensor);
      return Py_NewRef(output);
    }
    const bool differentiable = recorded_ && is_differentiable(tensor.dtype()) &&
                                !contains(context()->non_differentiable, tensor);
    if (is_input(tensor)) {
      // Returned as it came: the caller gets a view, so that the input keeps its own history.
      const Tensor view = alias(tensor);
      if (differentiable) {
        set_view(view, tensor, ViewOrigin::kCustomFunction);
        set_grad_fn(view, context()->node, index);
      }
      return wrap(view);
    }
    if (!differentiable) return Py_NewRef(output);
    if (is_view(tensor)) tensor.impl()->meta->view->origin = ViewOrigin::kCustomFunction;
    set_grad_fn(tensor, context()->node, index);
    return Py_NewRef(output);
  }

  void mark_written(const Tensor& tensor) {
    if (recorded_) {
      TALLOW_CHECK(!tensor.requires_grad() || !is_leaf(tensor),
                   "a leaf Variable that requires grad has been used in an in-place operation.");
    }
    tensor.bump_version();
    note_write(tensor, "Function.apply");
    if (recorded_) rebase_history(tensor, context()->node);
  }

  void save(PyObject* results) {
    PyObject* const to_save = context()->to_save;
    for (Py_ssize_t i = 0; to_save && i < PyTuple_GET_SIZE(to_save); ++i) {
      PyObject* const item = PyTuple_GET_ITEM(to_save, i);
      const Tensor tensor = item == Py_None ? Tensor() : unwrap(item);
      node().saved.add(tensor, "tensor", tensor.defined() ? output_index(results, tensor) : -1);
    }
  }

  int32_t output_index(PyObject* results, const Tensor& tensor) const {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(results); ++i) {
      PyObject* const item = PyTuple_GET_ITEM(results, i);
      if (is_tensor(item) && unwrap(item).same(tensor) && !is_input(tensor)) {
        return static_cast<int32_t>(i);
      }
    }
    return -1;
  }

  PyObject* type_;
  PyObject* const* args_;
  Py_ssize_t count_;
  PyRef context_;
  bool recorded_ = false;
};

// Keyword arguments, and those that setup_context has to see, are brought into order in Python.
PyObject* apply_in_order(PyObject* type, PyObject* const* args, Py_ssize_t count,
                         PyObject* keywords) {
  const PyRef given = checked(PyTuple_New(count));
  for (Py_ssize_t i = 0; i < count; ++i) PyTuple_SET_ITEM(given.get(), i, Py_NewRef(args[i]));
  const PyRef named = checked(PyDict_New());
  for (Py_ssize_t k = 0; keywords && k < PyTuple_GET_SIZE(keywords); ++k) {
    if (PyDict_SetItem(named.get(), PyTuple_GET_ITEM(keywords, k), args[count + k]) < 0) {
      throw PythonError();
    }
  }
  const PyRef home = checked(PyImport_ImportModule("tallow.autograd.function"));
  const PyRef all = checked(
      PyObject_CallMethod(home.get(), "_positional", "OOO", type, given.get(), named.get()));
  return Application(type, &PyTuple_GET_ITEM(all.get(), 0), PyTuple_GET_SIZE(all.get())).run();
}

PyObject* function_apply(PyObject* type, PyObject* const* args, Py_ssize_t count,
                         PyObject* keywords) {
  const auto run = [&] {
    if (TALLOW_UNLIKELY(keywords != nullptr || uses_setup_context(type))) {
      return apply_in_order(type, args, count, keywords);
    }
    return Application(type, args, count).run();
  };
  if (TALLOW_LIKELY(!is_watched())) return guarded(run);
  return guarded([&] { return watched("function", type, args, count, nullptr, run); });
}

PyMethodDef methods[] = {
    {"apply", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function_apply)),
     METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
     "Run forward and record this function as one node."},
    {"save_for_backward", save_for_backward, METH_VARARGS, "Keep tensors for backward."},
    {"mark_dirty", mark_dirty, METH_VARARGS, "Declare inputs that forward wrote into."},
    {"mark_non_differentiable", mark_non_differentiable, METH_VARARGS,
     "Declare outputs without a gradient."},
    {"set_materialize_grads", set_materialize_grads, METH_O,
     "Choose whether missing gradients arrive as zeros (default) or None."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef properties[] = {
    {"saved_tensors", saved_tensors, nullptr, "The tensors given to save_for_backward.", nullptr},
    {"saved_variables", saved_tensors, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyMemberDef members[] = {
    {"needs_input_grad", T_OBJECT, offsetof(PyFunction, needs_input_grad), 0, nullptr},
    {"to_save", T_OBJECT, offsetof(PyFunction, to_save), 0, nullptr},
    {"materialize_grads", T_BOOL, offsetof(PyFunction, materialize_grads), 0, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

}  // namespace

void init_function_type(py::module_& module) {
  PyType_Slot slots[] = {
      {Py_tp_new, reinterpret_cast<void*>(function_new)},
      {Py_tp_dealloc, reinterpret_cast<void*>(function_dealloc)},
      {Py_tp_traverse, reinterpret_cast<void*>(function_traverse)},
      {Py_tp_clear, reinterpret_cast<void*>(function_clear)},
      {Py_tp_methods, methods},
      {Py_tp_getset, properties},
      {Py_tp_members, members},
      {Py_tp_doc, const_cast<char*>("The native part of autograd.Function.")},
      {0, nullptr},
  };
  PyType_Spec spec = {"tallow._C._FunctionBase", sizeof(PyFunction), 0,
                      Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC, slots};
  const PyRef bases = checked(PyTuple_Pack(1, module.attr("Node").ptr()));
  function_type = reinterpret_cast<PyTypeObject*>(
      checked(PyType_FromSpecWithBases(&spec, bases.get())).release());
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw PythonError();
  module.attr("_FunctionBase") = py::handle(reinterpret_cast<PyObject*>(function_type));
}

}  // namespace tallow::python
