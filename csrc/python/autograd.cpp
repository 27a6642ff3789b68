// Entry points of autograd for Python: the engine, the modes, saved-tensor hooks, anomaly mode.
#include <deque>
#include <set>

#include "autograd/accumulate.h"
#include "autograd/engine.h"
#include "autograd/grad_mode.h"
#include "core/error.h"
#include "python/autograd_objects.h"
#include "python/convert.h"
#include "python/watch.h"
#include "python/write_log.h"

namespace tallow::python {

namespace {

// The roots and inputs of a pass may be tensors or gradient edges: (node, index) pairs.
Edge to_edge(PyObject* object) {
  if (is_tensor(object)) return gradient_edge(unwrap(object));
  TALLOW_CHECK_TYPE(PyTuple_Check(object) && PyTuple_GET_SIZE(object) == 2,
                    "expected a Tensor or a GradientEdge, got ", Py_TYPE(object)->tp_name);
  return {unwrap_node(PyTuple_GET_ITEM(object, 0)),
          static_cast<uint32_t>(to_int64(PyTuple_GET_ITEM(object, 1)))};
}

py::object run_engine(const py::tuple& roots, const py::tuple& gradients, bool retain_graph,
                      bool create_graph, const py::tuple& inputs, bool allow_unreachable,
                      bool accumulate) {
  std::vector<BackwardRoot> starts;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    PyObject* const root = py::object(roots[i]).ptr();
    PyObject* const gradient = py::object(gradients[i]).ptr();
    BackwardRoot start;
    if (is_tensor(root)) {
      start.tensor = unwrap(root);
    } else {
      start.edge = to_edge(root);
    }
    if (gradient != Py_None) start.gradient = unwrap(gradient);
    starts.push_back(std::move(start));
  }
  std::vector<Edge> targets;
  for (const py::handle input : inputs) {
    Edge edge = to_edge(input.ptr());
    // A view taken under no_grad requires grad as its base does, and has nothing that leads to it.
    const bool requires_grad = is_tensor(input.ptr()) && unwrap(input.ptr()).requires_grad();
    TALLOW_CHECK(edge.node || requires_grad,
                 "One of the differentiated Tensors does not require grad");
    targets.push_back(std::move(edge));
  }
  const BackwardOptions options{retain_graph, create_graph, accumulate};
  const std::vector<Tensor> results = run_backward(starts, targets, options);
  if (accumulate) {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      PyObject* const input = py::object(inputs[i]).ptr();
      // Leaves have accumulated in their own nodes.
      if (is_tensor(input) && !is_leaf(unwrap(input)) && results[i].defined()) {
        const GradModeGuard grad_mode(create_graph);
        accumulate_grad(unwrap(input), results[i]);
      }
    }
    return py::none();
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    TALLOW_CHECK(
        results[i].defined() || allow_unreachable, "The differentiated Tensor at index ", i,
        " appears to not have been used in the graph. Set allow_unused=True if this is the "
        "desired behavior.");
  }
  return py::reinterpret_steal<py::object>(to_python(results));
}

// Sparse gradients are recognised by their class, and added as Python adds them.
PyTypeObject* sparse_type = nullptr;

void set_sparse_class(const py::object& type) {
  sparse_type = reinterpret_cast<PyTypeObject*>(Py_NewRef(type.ptr()));
  sparse_gradients.recognise = [](const Tensor& gradient) {
    void* const object = gradient.impl()->object();
    return object && PyObject_TypeCheck(static_cast<PyObject*>(object), sparse_type) != 0;
  };
  sparse_gradients.add = [](const Tensor& a, const Tensor& b) {
    const PyRef left = PyRef::steal(wrap(a)), right = PyRef::steal(wrap(b));
    const PyRef sum = checked(PyNumber_Add(left.get(), right.get()));
    return unwrap(sum.get());
  };
}

// pack/unpack callables given to saved_tensors_hooks.
class PySavedTensorHook final : public SavedTensorHook {
 public:
  PySavedTensorHook(PyObject* pack, PyObject* unpack)
      : pack_(PyRef::borrow(pack)), unpack_(PyRef::borrow(unpack)) {}

  void* pack(const Tensor& tensor) override {
    const PyRef argument = checked(wrap(tensor));
    return checked(PyObject_CallOneArg(pack_.get(), argument.get())).release();
  }
  Tensor unpack(void* packed) override {
    const PyRef result =
        checked(PyObject_CallOneArg(unpack_.get(), static_cast<PyObject*>(packed)));
    TALLOW_CHECK_TYPE(
        is_tensor(result.get()),
        "Output of saved tensor unpack_hook expected to be a Tensor but got result of "
        "type ",
        Py_TYPE(result.get())->tp_name);
    return unwrap(result.get());
  }
  void drop(void* packed) override { Py_DECREF(static_cast<PyObject*>(packed)); }

 private:
  PyRef pack_;
  PyRef unpack_;
};

std::deque<Ref<SavedTensorHook>>& outer_saved_hooks() {
  static thread_local std::deque<Ref<SavedTensorHook>> stack;
  return stack;
}

void push_saved_hooks(const py::object& pack, const py::object& unpack) {
  outer_saved_hooks().push_back(current_saved_tensor_hook());
  current_saved_tensor_hook() =
      Ref<SavedTensorHook>(new PySavedTensorHook(pack.ptr(), unpack.ptr()));
}
void pop_saved_hooks() {
  TALLOW_CHECK(!outer_saved_hooks().empty(), "no saved tensor hooks are active");
  current_saved_tensor_hook() = std::move(outer_saved_hooks().back());
  outer_saved_hooks().pop_back();
}

// --- anomaly mode: the Python stack of every forward call is kept with its node.

void* capture_trace() {
  const PyRef traceback = PyRef::steal(PyImport_ImportModule("traceback"));
  PyObject* const lines =
      traceback ? PyObject_CallMethod(traceback.get(), "format_stack", nullptr) : nullptr;
  if (!lines) PyErr_Clear();
  return lines;
}
void drop_trace(void* trace) { Py_DECREF(static_cast<PyObject*>(trace)); }

void report_trace(const Node& node) {
  PyObject* const trace = traceback_of(node);
  if (!trace) return;
  // An error is on its way: warn without disturbing it.
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  const PyRef empty = PyRef::steal(PyUnicode_FromString(""));
  const PyRef text = PyRef::steal(PyUnicode_Join(empty.get(), trace));
  if (text) {
    const std::string message = "Error detected in " + node.name() +
                                ". Traceback of forward call that caused the error:\n" +
                                PyUnicode_AsUTF8(text.get());
    PyErr_WarnEx(PyExc_UserWarning, message.c_str(), 1);
  }
  if (PyErr_Occurred()) PyErr_Clear();
  PyErr_Restore(type, value, traceback);
}

void check_signals() {
  if (PyErr_CheckSignals() != 0) throw PythonError();
}

void bind_modes(py::module_& module) {
  module.def("_set_inference_mode", [](bool enabled) { autograd_state.inference = enabled; });
  module.def(
      "_set_anomaly_enabled",
      [](bool enabled, bool check_nan) {
        anomaly.enabled = enabled;
        anomaly.check_nan = check_nan;
      },
      py::arg("enabled"), py::arg("check_nan") = true);
}

// backward() of one tensor with nothing out of the ordinary.
PyObject* simple_backward(PyObject*, PyObject* const* args, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    TALLOW_CHECK_TYPE(count == 3 && is_tensor(args[0]),
                      "_backward() takes a tensor, its gradient and retain_graph");
    BackwardRoot root;
    root.tensor = unwrap(args[0]);
    if (args[1] != Py_None) root.gradient = unwrap(args[1]);
    run_backward({root}, {}, {.retain_graph = args[2] == Py_True});
    Py_RETURN_NONE;
  });
}

PyObject* is_inference_mode_enabled(PyObject*, PyObject*) {
  return PyBool_FromLong(inference_mode_enabled());
}
PyObject* is_anomaly_enabled(PyObject*, PyObject*) { return PyBool_FromLong(anomaly.enabled); }
PyObject* is_anomaly_check_nan_enabled(PyObject*, PyObject*) {
  return PyBool_FromLong(anomaly.check_nan);
}

// The two that every `with no_grad():` calls.
PyObject* is_grad_enabled(PyObject*, PyObject*) { return PyBool_FromLong(grad_enabled()); }
PyObject* set_grad_enabled(PyObject*, PyObject* enabled) {
  return guarded([&]() -> PyObject* {
    TALLOW_CHECK_TYPE(PyBool_Check(enabled),
                      "set_grad_enabled(): argument 'enabled' (position 1) must be bool, not ",
                      Py_TYPE(enabled)->tp_name);
    const bool before = std::exchange(autograd_state.grad_enabled, enabled == Py_True);
    return PyBool_FromLong(before);
  });
}

PyMethodDef engine_methods[] = {
    {"is_inference_mode_enabled", is_inference_mode_enabled, METH_NOARGS, nullptr},
    {"is_anomaly_enabled", is_anomaly_enabled, METH_NOARGS, nullptr},
    {"is_anomaly_check_nan_enabled", is_anomaly_check_nan_enabled, METH_NOARGS, nullptr},
    {"is_grad_enabled", is_grad_enabled, METH_NOARGS, "Are gradients recorded?"},
    {"_set_grad_enabled", set_grad_enabled, METH_O, "Switch recording; return what it was."},
    {"_backward", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(simple_backward)),
     METH_FASTCALL, "Run a backward pass from one tensor."},
    {nullptr, nullptr, 0, nullptr},
};

// A composition ends with the node of its last operation; PyTorch's name for the whole says more.
// Returns `result`, a tensor or a tuple that begins with one.
py::object named(py::object result, const std::string& name) {
  static std::set<std::string> names;  // nodes keep pointers
  PyObject* const first = PyTuple_Check(result.ptr()) && PyTuple_GET_SIZE(result.ptr()) > 0
                              ? PyTuple_GET_ITEM(result.ptr(), 0)
                              : result.ptr();
  if (!is_tensor(first) || !has_grad_fn(unwrap(first))) return result;
  grad_fn(unwrap(first))->rename(names.insert(name).first->c_str());
  return result;
}

}  // namespace

void bind_autograd(py::module_& module) {
  anomaly.capture = capture_trace;
  anomaly.drop = drop_trace;
  anomaly.report = report_trace;
  interrupt_check = check_signals;
  install_blame_hooks();
  bind_modes(module);
  init_mode_types(module);
  if (PyModule_AddFunctions(module.ptr(), engine_methods) < 0) throw PythonError();
  module.def("_named", &named, "Give the node that made a tensor another name.");
  module.def("_engine_run_backward", &run_engine);
  module.def("_set_sparse_class", &set_sparse_class);
  module.def("_current_graph_task_id", &current_pass_id);
  module.def("_pass_is_partial", &pass_is_partial);
  module.def("_will_engine_execute_node",
             [](const py::object& node) { return pass_will_run(*unwrap_node(node.ptr())); });
  module.def("_push_saved_tensors_hooks", &push_saved_hooks);
  module.def("_pop_saved_tensors_hooks", &pop_saved_hooks);
  module.def("_increment_version",
             [](const py::object& tensor) { unwrap(tensor.ptr()).bump_version(); });
  module.def("_live_nodes", &live_nodes);
  module.def("_accumulate_node", [](const py::object& tensor) {
    return py::reinterpret_steal<py::object>(wrap_node(gradient_edge(unwrap(tensor.ptr())).node));
  });
}

}  // namespace tallow::python
