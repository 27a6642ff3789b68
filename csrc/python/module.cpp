// The extension module `tallow._C`.
#include <cxxabi.h>
#include <unistd.h>

#include "core/allocator.h"
#include "core/blocking.h"
#include "core/parallel.h"
#include "core/version.h"
#include "cpu/isa.h"
#include "ops/conv.h"
#include "ops/kernel.h"
#include "python/autocast.h"
#include "python/autograd_objects.h"
#include "python/bindings.h"
#include "python/construct.h"
#include "python/cuda.h"
#include "python/generator.h"
#include "python/module_slots.h"
#include "python/numpy.h"
#include "python/op_objects.h"
#include "python/override.h"
#include "python/storage.h"
#include "python/tensor_options.h"
#include "python/watch.h"

namespace tallow::python {

namespace {

void register_ops(py::module_& module) {
  Registry registry(module);
  bind_activation(registry);
  bind_arithmetic(registry);
  bind_attention(registry);
  bind_closeness(registry);
  bind_compare(registry);
  bind_conv(registry);
  bind_copy(registry);
  bind_creation(registry);
  bind_few(registry);
  bind_index(registry);
  bind_join(registry);
  bind_linalg(registry);
  bind_loss(registry);
  bind_math(registry);
  bind_matmul(registry);
  bind_matrices(registry);
  bind_norm(registry);
  bind_optim(registry);
  bind_pool(registry);
  bind_random(registry);
  bind_reduce(registry);
  bind_rnn(registry);
  bind_softmax(registry);
  bind_sort(registry);
  bind_views(registry);
  bind_operators();
}

void bind_errors(py::module_& module) {
  const py::object error = py::reinterpret_steal<py::object>(PyErr_NewExceptionWithDoc(
      "tallow.OutOfMemoryError", "Raised when memory for a tensor cannot be had.",
      PyExc_RuntimeError, nullptr));
  module.attr("OutOfMemoryError") = error;
  out_of_memory_error = error.inc_ref().ptr();
  py::register_exception_translator([](std::exception_ptr exception) {
    try {
      if (exception) std::rethrow_exception(exception);
    } catch (const py::builtin_exception&) {
      throw;
    } catch (const PythonError&) {
    } catch (const Error&) {
      set_python_error();
    } catch (const OutOfMemoryError&) {
      set_python_error();
    }
  });
}

// Takes the GIL back. When the interpreter is shutting down, CPython before 3.14 ends the thread
// instead, by unwinding it; our frames hold references that must not be dropped without the GIL, so
// the thread stops here for good, as it does in CPython 3.14.
void restore_thread(void* state) {
  if (!state) return;
  try {
    PyEval_RestoreThread(static_cast<PyThreadState*>(state));
  } catch (const abi::__forced_unwind&) {
    while (true) pause();
  }
}

PyObject* get_num_threads(PyObject*, PyObject*) { return PyLong_FromLong(num_threads()); }
PyObject* get_default_dtype(PyObject*, PyObject*) {
  return Py_NewRef(dtype_object(default_dtype()));
}
PyObject* get_namespace(PyObject*, PyObject*) {
  return PyUnicode_FromString(package_name().c_str());
}
PyObject* get_default_device(PyObject*, PyObject*) {
  return guarded([] { return make_device(default_device().resolved()); });
}

// What programs ask for again and again, without pybind11's way to a function.
PyMethodDef settings[] = {
    {"get_num_threads", get_num_threads, METH_NOARGS, "Return how many threads an op may use."},
    {"get_default_dtype", get_default_dtype, METH_NOARGS, nullptr},
    {"_get_namespace", get_namespace, METH_NOARGS, nullptr},
    {"get_default_device", get_default_device, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

void bind_runtime(py::module_& module) {
  if (PyModule_AddFunctions(module.ptr(), settings) < 0) throw PythonError();
  module.def(
      "set_num_threads",
      [](int64_t count) {
        TALLOW_CHECK(count > 0, "set_num_threads expects a positive integer");
        set_num_threads(static_cast<int>(count));
      },
      "Set how many threads an op may use; results do not depend on it.");
  module.def("_memory_stats", [] {
    const MemoryStats stats = memory_stats();
    py::dict result;
    result["live_bytes"] = stats.live_bytes;
    result["peak_bytes"] = stats.peak_bytes;
    result["allocations"] = stats.allocations;
    result["frees"] = stats.frees;
    result["cached_bytes"] = stats.cached_bytes;
    return result;
  });
  module.def("_reset_peak_memory", &reset_peak_memory);
  module.def("_empty_cache", &empty_cache);
  module.def("_fail_nth_allocation", &fail_nth_allocation);
  module.def("_winograd_allowed", &ops::winograd_allowed);
  module.def("_allow_winograd", &ops::allow_winograd);
  module.def("_cpu_level", [] { return std::string(cpu_backend().name); });
  module.def("_cpu_levels", [] {
    py::list names;
    for (const cpu::Level level : cpu::available_levels()) names.append(cpu::level_name(level));
    return names;
  });
  bind_autocast(module);
  module.def("set_default_dtype", [](const py::object& dtype) {
    TALLOW_CHECK_TYPE(is_dtype(dtype.ptr()),
                      "invalid dtype object: only floating-point types are "
                      "supported as the default type");
    set_default_dtype(to_dtype(dtype.ptr()));
  });
  module.def("_set_default_device", [](const py::object& device) {
    set_default_device(device.is_none() ? kCPU : to_device(device.ptr()));
  });
  module.def("_set_namespace", &set_package_name);
  module.def("_signatures", &Registry::signatures);
  module.def("_return_types", &Registry::return_types);
  // Kernels that use the pool run without the GIL.
  set_blocking_hooks([]() -> void* { return PyGILState_Check() ? PyEval_SaveThread() : nullptr; },
                     &restore_thread);
  cpu_backend();  // an unusable TALLOW_CPU_LEVEL fails here and not in the first op
}

}  // namespace

}  // namespace tallow::python

PYBIND11_MODULE(_C, module) {
  using namespace tallow::python;
  module.doc() = "The native core of tallow.";
  module.attr("__version__") = TALLOW_VERSION;
  try {
    bind_errors(module);
    init_size_type(module);
    init_dtype_device(module);
    init_tensor_type(module);
    init_node_type(module);
    init_function_type(module);
    init_op_types(module);
    bind_override(module);
    bind_composite(module);
    bind_generator(module);
    bind_storage(module);
    bind_construct(module);
    bind_numpy(module);
    bind_dlpack(module);
    bind_buffer(module);
    bind_autograd(module);
    bind_boundary(module);
    bind_watch(module);
    bind_graph(module);
    bind_module_slots(module);
    bind_runtime(module);
    bind_cuda(module);
    register_ops(module);
  } catch (const PythonError&) {
    throw tallow::python::py::error_already_set();
  }
}
