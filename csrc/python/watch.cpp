#include "python/watch.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "autograd/observer.h"
#include "autograd/views.h"
#include "core/allocator.h"
#include "python/autograd_objects.h"
#include "python/convert.h"
#include "python/finite.h"

namespace tallow::python {

namespace {

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// What is known when an event begins; the event's figures are the differences at its end. Time
// spent in the watcher itself does not count.
struct Mark {
  PyRef watcher;  // the one that was told of the begin; null if nobody was
  int64_t time = 0;
  int64_t own_time = 0;
  int64_t live_bytes = 0;
  uint64_t next_node = 0;
};

class Watch final : public Observer {
 public:
  // Does a node run, so that ops belong to the backward pass?
  bool in_backward() const { return !outer_scopes_.empty(); }

  // The events that are shown; checks work without.
  bool traces = false;
  bool checks_forward = false;
  bool checks_backward = false;
  PyRef watcher;

  // Every begin has its end, even if what is active changes in between.
  void begin(const char* kind, PyObject* subject, PyObject* args);
  void begin_untold() { marks_.emplace_back(); }
  // `result` is null after an error, which must be set; it stays set.
  void end(PyObject* result);
  void check(const char* kind, PyObject* subject, PyObject* args, PyObject* result);

  void pass_begins() override { traces ? begin("pass", Py_None, Py_None) : begin_untold(); }
  void pass_ends(bool failed) override { end_without_result(failed); }
  void node_begins(const Node& node, const TensorList& grad_outputs) override;
  void node_ends(const Node& node, const TensorList& grad_outputs,
                 const TensorList& grad_inputs) override;
  void node_failed(const Node&) override {
    leave_node();
    end_without_result(true);
  }

 private:
  static PyRef tuple_of(const TensorList& tensors);
  // (name, what it remembers of its making or None, its leaf or None)
  static PyRef description(const Node& node);
  void end_without_result(bool failed);
  void leave_node();

  std::vector<Mark> marks_;
  std::vector<PyObject*> outer_scopes_;  // one per node that runs: what `scope` was before (owned)
  int64_t own_time_ = 0;
};

thread_local Watch* thread_watch = nullptr;  // made at first use, kept with the thread
thread_local PyObject* scope = nullptr;      // the path of the module that runs, a str

Watch& own_watch() {
  if (!thread_watch) thread_watch = new Watch;
  return *thread_watch;
}

void set_active(bool active) {
  if (active) {
    call_interest |= kWatched;
  } else {
    call_interest = static_cast<uint8_t>(call_interest & ~kWatched);
  }
  observer = active ? thread_watch : nullptr;
}

// Nobody watches while this lives.
class Unwatched {
 public:
  Unwatched() : was_active_(is_watched()) { set_active(false); }
  ~Unwatched() { set_active(was_active_ && thread_watch->watcher); }

 private:
  bool was_active_;
};

// While the watcher's own code runs, nobody watches; and an error on its way is kept.
class Pause {
 public:
  explicit Pause(int64_t& own_time) : own_time_(own_time), start_(now_ns()) {
    set_active(false);
    PyErr_Fetch(&type_, &value_, &traceback_);
  }
  ~Pause() {
    if (type_) PyErr_Restore(type_, value_, traceback_);
    set_active(static_cast<bool>(thread_watch->watcher));
    own_time_ += now_ns() - start_;
  }
  bool has_error() const { return type_ != nullptr; }
  // The error as an object (borrowed).
  PyObject* error() {
    PyErr_NormalizeException(&type_, &value_, &traceback_);
    return value_;
  }
  // What the watcher raises comes out, unless an error is on its way already.
  void check(const PyRef& returned) {
    if (returned) return;
    if (!type_) throw PythonError();
    PyErr_Clear();
  }

 private:
  int64_t& own_time_;
  int64_t start_;
  PyObject* type_;
  PyObject* value_;
  PyObject* traceback_;
};

// Does an event of this kind record nodes by itself, and not only through events inside it?
bool is_computation(std::string_view kind) { return kind == "op" || kind == "function"; }

// Bytes that the nodes behind `result` which are not older than `first` keep for backward.
int64_t saved_since(uint64_t first, PyObject* result) {
  std::vector<Ref<Node>> nodes;
  std::unordered_set<const Node*> seen;
  const auto add = [&](const Ref<Node>& node) {
    // The nodes of leaves have the largest number there is, but keep nothing.
    if (node && node->sequence >= first && !node->edges.empty() && seen.insert(node.get()).second) {
      nodes.push_back(node);
    }
  };
  const auto add_tensor = [&](PyObject* object) {
    if (is_tensor(object)) add(grad_fn(unwrap(object)));
  };
  if (!result) return 0;
  add_tensor(result);
  if (PyTuple_Check(result) || PyList_Check(result)) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(result); ++i) {
      add_tensor(PySequence_Fast_GET_ITEM(result, i));
    }
  }
  int64_t bytes = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {  // grows while it is walked
    const Ref<Node> node = nodes[i];
    for (int64_t s = 0; s < node->saved.size(); ++s) {
      const Tensor& tensor = node->saved.slot(s).tensor;
      if (!tensor.defined() || is_part_of_leaf(tensor)) continue;
      bytes += tensor.numel() * item_size(tensor.dtype());
    }
    for (const Edge& edge : node->edges) add(edge.node);
  }
  return bytes;
}

void Watch::begin(const char* kind, PyObject* subject, PyObject* args) {
  {
    Pause pause(own_time_);
    pause.check(
        PyRef::steal(PyObject_CallMethod(watcher.get(), "begin", "sOO", kind, subject, args)));
  }
  marks_.emplace_back();
  marks_.back().watcher = PyRef::borrow(watcher.get());
  Mark& mark = marks_.back();
  mark.next_node = is_computation(kind) ? next_node_sequence() : UINT64_MAX;
  mark.live_bytes = memory_stats().live_bytes;
  mark.own_time = own_time_;
  mark.time = now_ns();
}

void Watch::end(PyObject* result) {
  const int64_t time = now_ns();
  const Mark mark = std::move(marks_.back());
  marks_.pop_back();
  if (!mark.watcher || !traces) return;  // the block has begun or ended in between
  const long long elapsed = time - mark.time - (own_time_ - mark.own_time);
  const long long kept = memory_stats().live_bytes - mark.live_bytes;
  const long long saved = saved_since(mark.next_node, result);
  Pause pause(own_time_);
  PyObject* const error = pause.has_error() ? pause.error() : Py_None;
  pause.check(PyRef::steal(PyObject_CallMethod(
      watcher.get(), "end", "OOLLL", result ? result : Py_None, error, elapsed, kept, saved)));
}

void Watch::end_without_result(bool failed) {
  // The engine's errors are still C++ exceptions here.
  if (failed) guarded([]() -> PyObject* { throw; });
  end(nullptr);
}

PyRef Watch::tuple_of(const TensorList& tensors) {
  PyRef tuple = checked(PyTuple_New(tensors.size()));
  for (int64_t i = 0; i < tensors.size(); ++i) {
    PyTuple_SET_ITEM(tuple.get(), i, checked(wrap(tensors[i])).release());
  }
  return tuple;
}

PyRef Watch::description(const Node& node) {
  auto* const note = static_cast<PyObject*>(node.origin);
  std::string name = node.name();
  name.erase(0, name.rfind(':') + 1);  // without the namespaces of PyTorch's spelling
  const PyRef leaf = checked(wrap(node.variable()));
  return checked(Py_BuildValue("(sOO)", name.c_str(), note ? note : Py_None, leaf.get()));
}

bool has_tensor(PyObject* args) {
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(args); ++i) {
    PyObject* const item = PyTuple_GET_ITEM(args, i);
    if (is_tensor(item)) return true;
    if (!PyTuple_Check(item) && !PyList_Check(item)) continue;
    for (Py_ssize_t j = 0; j < PySequence_Fast_GET_SIZE(item); ++j) {
      if (is_tensor(PySequence_Fast_GET_ITEM(item, j))) return true;
    }
  }
  return false;
}

void Watch::check(const char* kind, PyObject* subject, PyObject* args, PyObject* result) {
  const bool is_forward = is_computation(kind);
  if (!(is_forward && !in_backward() ? checks_forward : checks_backward)) return;
  if (is_forward && !has_tensor(args)) return;
  {
    const Unwatched unwatched;
    if (!any_bad(result, is_forward ? args : nullptr)) return;
  }
  Pause pause(own_time_);
  pause.check(
      PyRef::steal(PyObject_CallMethod(watcher.get(), "bad", "sOOO", kind, subject, args, result)));
}

// While a node runs, its scope is that of the forward call that made it.
void Watch::node_begins(const Node& node, const TensorList& grad_outputs) {
  auto* note = static_cast<PyObject*>(node.origin);
  if (note && PyTuple_Check(note)) note = PyTuple_GET_ITEM(note, 0);
  outer_scopes_.push_back(
      std::exchange(scope, note && PyUnicode_Check(note) ? Py_NewRef(note) : nullptr));
  try {
    traces ? begin("node", description(node).get(), tuple_of(grad_outputs).get()) : begin_untold();
  } catch (...) {
    leave_node();
    throw;
  }
}

void Watch::leave_node() {
  Py_XDECREF(std::exchange(scope, outer_scopes_.back()));
  outer_scopes_.pop_back();
}

void Watch::node_ends(const Node& node, const TensorList& grad_outputs,
                      const TensorList& grad_inputs) {
  leave_node();
  end(traces ? tuple_of(grad_inputs).get() : Py_None);
  if (!checks_backward) return;
  {
    const Unwatched unwatched;
    if (std::none_of(grad_inputs.begin(), grad_inputs.end(), may_be_bad)) return;
  }
  const PyRef subject = description(node);
  const PyRef before = tuple_of(grad_outputs);
  const PyRef after = tuple_of(grad_inputs);
  check("node", subject.get(), before.get(), after.get());
}

// Arguments by position, then (name, value) pairs: what the watcher is shown of a call.
PyRef argument_tuple(PyObject* const* args, Py_ssize_t count, PyObject* keywords) {
  const Py_ssize_t named = keywords ? PyTuple_GET_SIZE(keywords) : 0;
  PyRef tuple = checked(PyTuple_New(count + named));
  for (Py_ssize_t i = 0; i < count + named; ++i) {
    PyTuple_SET_ITEM(tuple.get(), i, Py_NewRef(args[i]));
  }
  return tuple;
}

// --- what a node remembers of its making: the scope (a str), the traceback (a list), or both.

void* (*capture_traceback)() = nullptr;

void* make_note() {
  PyObject* const trace = anomaly.enabled ? static_cast<PyObject*>(capture_traceback()) : nullptr;
  if (!observer || !scope) return trace;
  if (!trace) return Py_NewRef(scope);
  PyObject* const note = PyTuple_Pack(2, scope, trace);
  Py_DECREF(trace);
  if (!note) PyErr_Clear();
  return note;
}

// --- Python's side

void set_watcher(const py::object& watcher, bool traces, bool forward, bool backward) {
  Watch& watch = own_watch();
  PyRef next = watcher.is_none() ? PyRef() : PyRef::borrow(watcher.ptr());
  std::swap(watch.watcher, next);
  watch.traces = traces;
  watch.checks_forward = forward;
  watch.checks_backward = backward;
  set_active(static_cast<bool>(watch.watcher));
}

py::object get_watcher() {
  const bool active = is_watched() && thread_watch;
  return active ? py::reinterpret_borrow<py::object>(thread_watch->watcher.get()) : py::none();
}

// The scope, and whether it is that of a node of a backward pass.
py::tuple get_scope() {
  return py::make_tuple(scope ? py::reinterpret_borrow<py::object>(scope) : py::none(),
                        thread_watch && thread_watch->in_backward());
}

py::object set_scope(const py::object& next) {
  const py::object before = scope ? py::reinterpret_steal<py::object>(scope) : py::none();
  scope = next.is_none() ? nullptr : py::object(next).release().ptr();
  return before;
}

// watched_call(kind, subject, function, args, kwargs)
PyObject* watched_call(PyObject*, PyObject* args) {
  const char* kind = nullptr;
  PyObject *subject, *function, *arguments, *kwargs = nullptr;
  if (!PyArg_ParseTuple(args, "sOOO!|O!", &kind, &subject, &function, &PyTuple_Type, &arguments,
                        &PyDict_Type, &kwargs)) {
    return nullptr;
  }
  const auto call = [&] { return PyObject_Call(function, arguments, kwargs); };
  if (!is_watched()) return call();
  return guarded([&] {
    std::vector<PyObject*> shown;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(arguments); ++i) {
      shown.push_back(PyTuple_GET_ITEM(arguments, i));
    }
    Py_ssize_t position = 0;
    for (PyObject* value; kwargs && PyDict_Next(kwargs, &position, nullptr, &value);) {
      shown.push_back(value);
    }
    return watched(kind, subject, shown.data(), static_cast<Py_ssize_t>(shown.size()), nullptr,
                   call);
  });
}

// unwatched_call(function, *args)
PyObject* unwatched_call(PyObject*, PyObject* const* args, Py_ssize_t count) {
  if (count < 1) return PyErr_Format(PyExc_TypeError, "_unwatched_call() takes a function");
  const Unwatched unwatched;
  return PyObject_Vectorcall(args[0], args + 1, static_cast<std::size_t>(count - 1), nullptr);
}

PyMethodDef functions[] = {
    {"_unwatched_call", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(unwatched_call)),
     METH_FASTCALL, "Call a function without telling the watcher."},
    {"_watched_call", watched_call, METH_VARARGS, "Call a function as an event of its own."},
    {nullptr, nullptr, 0, nullptr},
};

}  // namespace

PyObject* watched(const char* kind, PyObject* subject, PyObject* const* args, Py_ssize_t count,
                  PyObject* keywords, const std::function<PyObject*()>& call) {
  Watch& watch = own_watch();
  const PyRef shown = argument_tuple(args, count, keywords);
  watch.traces ? watch.begin(kind, subject, shown.get()) : watch.begin_untold();
  PyRef result;
  try {
    result = PyRef::steal(call());
  } catch (...) {
    set_python_error();
  }
  watch.end(result.get());
  if (!result) throw PythonError();
  if (is_watched()) watch.check(kind, subject, shown.get(), result.get());
  return result.release();
}

PyRef call_hook(const char* kind, PyObject* owner, PyObject* hook, PyObject* const* args,
                Py_ssize_t count) {
  const auto call = [&] {
    return PyObject_Vectorcall(hook, args, static_cast<std::size_t>(count), nullptr);
  };
  if (TALLOW_LIKELY(!is_watched())) return checked(call());
  const PyRef subject = checked(PyTuple_Pack(2, hook, owner ? owner : Py_None));
  return checked(watched(kind, subject.get(), args, count, nullptr, call));
}

PyObject* traceback_of(const Node& node) {
  auto* note = static_cast<PyObject*>(node.origin);
  if (note && PyTuple_Check(note)) note = PyTuple_GET_ITEM(note, 1);
  return note && PyList_Check(note) ? note : nullptr;
}

bool is_part_of_leaf(const Tensor& tensor) {
  Tensor at = tensor;
  while (is_view(at)) at = at.impl()->meta->view->base;
  return at.requires_grad() && is_leaf(at);
}

void bind_watch(py::module_& module) {
  capture_traceback = anomaly.capture;
  anomaly.capture = make_note;
  module.def("_set_watcher", &set_watcher);
  module.def("_watcher", &get_watcher);
  module.def("_get_scope", &get_scope);
  module.def("_set_scope", &set_scope);
  module.def("_has_bad_values",
             [](const py::object& tensor) { return may_be_bad(unwrap(tensor.ptr())); });
  if (PyModule_AddFunctions(module.ptr(), functions) < 0) throw PythonError();
}

}  // namespace tallow::python
