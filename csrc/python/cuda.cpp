#include "python/cuda.h"

#include <cstdint>
#include <string>

#include "backend/plugin.h"
#include "core/blocking.h"
#include "core/error.h"
#include "core/generator.h"
#include "python/bindings.h"
#include "python/generator.h"

namespace tallow::python {

// `_C._cuda` has plain functions; python/tallow/cuda makes classes of them. Streams, events and
// graphs are numbers here: their addresses.
namespace {

using Handle = std::uintptr_t;

void* pointer(Handle handle) { return reinterpret_cast<void*>(handle); }
Handle handle(void* memory) { return reinterpret_cast<Handle>(memory); }

void check(Status status) {
  if (status != Status::kOk) raise_status(status);
}

// Calls that may wait let other threads run.
template <class Call>
void waiting(const char* op, int device, const Call& call) {
  const DeviceRuntime& runtime = cuda_runtime();
  check(runtime.begin(op, device));
  Status status;
  {
    const BlockingRegion region;
    status = call(runtime);
  }
  check(status);
}

// The folder of the wheel that holds the plugin, or "".
const char* plugin_package() {
  static const std::string folder = [] {
    const py::object spec =
        py::module_::import("importlib.util").attr("find_spec")("tallow_cuda13");
    if (spec.is_none()) return std::string();
    for (const py::handle place : spec.attr("submodule_search_locations")) {
      return place.cast<std::string>();
    }
    return std::string();
  }();
  return folder.c_str();
}

py::dict properties(int device) {
  DeviceProperties given;
  check(cuda_runtime().properties(device, &given));
  py::dict result;
  result["name"] = std::string(given.name);
  result["major"] = given.major;
  result["minor"] = given.minor;
  result["total_memory"] = given.total_memory;
  result["multi_processor_count"] = given.multi_processor_count;
  result["max_threads_per_multi_processor"] = given.max_threads_per_multi_processor;
  result["warp_size"] = given.warp_size;
  result["regs_per_multiprocessor"] = given.registers_per_multiprocessor;
  result["is_integrated"] = given.is_integrated;
  result["is_multi_gpu_board"] = given.is_multi_gpu_board;
  result["shared_memory_per_block"] = given.shared_memory_per_block;
  result["shared_memory_per_block_optin"] = given.shared_memory_per_block_optin;
  result["shared_memory_per_multiprocessor"] = given.shared_memory_per_multiprocessor;
  result["L2_cache_size"] = given.l2_cache_size;
  result["pci_domain_id"] = given.pci_domain_id;
  result["pci_bus_id"] = given.pci_bus_id;
  result["pci_device_id"] = given.pci_device_id;
  result["uuid"] = py::bytes(given.uuid, sizeof(given.uuid));
  return result;
}

// The counters under PyTorch's names.
py::dict memory_counters(int device) {
  DeviceMemoryStats stats;
  check(cuda_runtime().memory_stats(device, &stats));
  constexpr const char* kKinds[] = {
      "allocation",      "segment",        "active",       "inactive_split",
      "allocated_bytes", "reserved_bytes", "active_bytes", "inactive_split_bytes",
      "requested_bytes"};
  constexpr const char* kPools[] = {"all", "small_pool", "large_pool"};
  py::dict result;
  for (int kind = 0; kind < DeviceMemoryStats::kKinds; ++kind) {
    for (int pool = 0; pool < DeviceMemoryStats::kPools; ++pool) {
      const DeviceMemoryStats::Counter& counter = stats.counters[kind][pool];
      const std::string name = std::string(kKinds[kind]) + "." + kPools[pool] + ".";
      result[(name + "current").c_str()] = counter.current;
      result[(name + "peak").c_str()] = counter.peak;
      result[(name + "allocated").c_str()] = counter.allocated;
      result[(name + "freed").c_str()] = counter.freed;
    }
  }
  result["num_alloc_retries"] = stats.retries;
  result["num_ooms"] = stats.out_of_memory;
  result["num_sync_all_streams"] = stats.synchronisations;
  result["num_device_alloc"] = stats.device_allocations;
  result["num_device_free"] = stats.device_frees;
  return result;
}

void bind_devices(py::module_& m) {
  m.def("why_unavailable", [] { return std::string(why_cuda_is_unavailable()); });
  m.def("plugin_name", [] { return std::string(cuda_plugin().name); });
  m.def("is_loaded", [] { return loaded_cuda_runtime() != nullptr; });
  m.def("is_initialized", [] {
    const DeviceRuntime* const runtime = loaded_cuda_runtime();
    return runtime && runtime->is_initialized();
  });
  m.def("library_version", [](int library) {
    char why[512] = "";
    const int64_t version =
        cuda_plugin().library_version(static_cast<VendorLibrary>(library), why, sizeof(why));
    return py::make_tuple(version, std::string(why));
  });
  m.def("set_math_options", &set_math_options);
  m.def("pin_empty_cache", [] { cuda_runtime().pin_empty_cache(); });
  m.def("annotate", [](int mark, const std::string& text, uint64_t range) {
    ProfilerAnnotate* const annotate = cuda_runtime().annotate;
    TALLOW_CHECK(annotate, "NVTX functions not installed: the CUDA plugin was built without nvtx3");
    return annotate(static_cast<ProfilerMark>(mark), text.c_str(), range);
  });
  m.def("device_count", [] { return cuda_runtime().device_count(nullptr, 0); });
  m.def("properties", &properties);
  m.def("versions", [] {
    int driver = 0;
    int runtime = 0;
    cuda_runtime().versions(&driver, &runtime);
    return std::pair(driver, runtime);
  });
  m.def("current_device", [] { return cuda_runtime().current_device(); });
  m.def("set_device", [](int device) { check(cuda_runtime().set_device(device)); });
  m.def("can_access_peer", [](int device, int peer) {
    bool can = false;
    check(cuda_runtime().can_access_peer(device, peer, &can));
    return can;
  });
  m.def("synchronize", [](int device) {
    waiting("synchronize", device,
            [&](const DeviceRuntime& runtime) { return runtime.device_synchronize(device); });
  });
}

void bind_memory(py::module_& m) {
  m.def("empty_cache", [] { check(cuda_runtime().empty_cache()); });
  m.def("memory_info", [](int device) {
    int64_t free_bytes = 0;
    int64_t total_bytes = 0;
    check(cuda_runtime().memory_info(device, &free_bytes, &total_bytes));
    return std::pair(free_bytes, total_bytes);
  });
  m.def("memory_counters", &memory_counters);
  m.def("reset_memory_counters", [](int device, bool peak_only) {
    check(cuda_runtime().reset_memory_stats(device, peak_only));
  });
  m.def("set_memory_fraction", [](int device, double fraction) {
    check(cuda_runtime().set_memory_fraction(device, fraction));
  });
  m.def("record_stream", [](const py::object& object, Handle stream) {
    const Tensor& tensor = unwrap(object.ptr());
    TALLOW_CHECK(tensor.device().is_cuda(), "record_stream() is for CUDA tensors, got one on ",
                 tensor.device());
    void* const data = tensor.impl()->storage->data();
    if (data) check(cuda_runtime().record_stream(tensor.device().index, data, pointer(stream)));
  });
}

void bind_streams(py::module_& m) {
  m.def("stream_create", [](int device, int priority) {
    void* stream = nullptr;
    check(cuda_runtime().stream_create(device, priority, &stream));
    return handle(stream);
  });
  m.def("current_stream", [](int device) { return handle(cuda_runtime().current_stream(device)); });
  m.def("set_stream",
        [](int device, Handle stream) { cuda_runtime().set_stream(device, pointer(stream)); });
  m.def("stream_query", [](int device, Handle stream) {
    bool done = false;
    check(cuda_runtime().stream_query(device, pointer(stream), &done));
    return done;
  });
  m.def("stream_synchronize", [](int device, Handle stream) {
    waiting("Stream.synchronize", device, [&](const DeviceRuntime& runtime) {
      return runtime.stream_synchronize(device, pointer(stream));
    });
  });
  m.def("stream_wait_event", [](int device, Handle stream, Handle event) {
    check(cuda_runtime().stream_wait_event(device, pointer(stream), pointer(event)));
  });
  m.def("stream_priority", [](int device, Handle stream) {
    int priority = 0;
    check(cuda_runtime().stream_priority(device, pointer(stream), &priority));
    return priority;
  });
  m.def("is_capturing", [](int device) {
    bool capturing = false;
    check(cuda_runtime().is_capturing(device, &capturing));
    return capturing;
  });
}

void bind_events(py::module_& m) {
  m.def("event_create", [](int device, bool timing, bool blocking) {
    void* event = nullptr;
    check(cuda_runtime().event_create(device, timing, blocking, &event));
    return handle(event);
  });
  m.def("event_destroy",
        [](int device, Handle event) { cuda_runtime().event_destroy(device, pointer(event)); });
  m.def("event_record", [](int device, Handle event, Handle stream) {
    check(cuda_runtime().event_record(device, pointer(event), pointer(stream)));
  });
  m.def("event_query", [](int device, Handle event) {
    bool done = false;
    check(cuda_runtime().event_query(device, pointer(event), &done));
    return done;
  });
  m.def("event_synchronize", [](int device, Handle event) {
    waiting("Event.synchronize", device, [&](const DeviceRuntime& runtime) {
      return runtime.event_synchronize(device, pointer(event));
    });
  });
  m.def("event_elapsed", [](int device, Handle start, Handle end) {
    float milliseconds = 0;
    check(cuda_runtime().event_elapsed(device, pointer(start), pointer(end), &milliseconds));
    return milliseconds;
  });
}

// ---- Graphs. The device's generator takes part: while it is captured, kernels read seed and
// offset from `state` on the device, and count from there; a replay fills that in and moves the
// generator on by what one run uses.

struct CapturedGraph {
  int device = 0;
  uint64_t pool = 0;
  void* graph = nullptr;
  Tensor state;        // {seed, offset} on the device
  uint64_t used = 0;   // blocks of random numbers that one run uses
  PhiloxState before;  // of the generator, while capturing
  bool capturing = false;

  ~CapturedGraph() { reset(); }
  bool captured() const { return graph && !capturing; }
  PhiloxState& generator() const {
    return default_generator({DeviceType::kCUDA, static_cast<int8_t>(device)}).stream().philox;
  }
  void write_state(uint64_t seed, uint64_t offset) const {
    const uint64_t values[2] = {seed, offset};
    check(cuda_runtime().copy(state.ptr(), device, values, -1, sizeof(values), false));
  }

  void begin(uint64_t wanted_pool, int mode) {
    TALLOW_CHECK(!graph,
                 "This CUDAGraph instance already owns a captured graph. To capture a new graph, "
                 "create a new instance, or call reset().");
    device = cuda_runtime().current_device();
    const Device where{DeviceType::kCUDA, static_cast<int8_t>(device)};
    state = empty({2}, DType::kInt64, where);
    pool = wanted_pool;
    check(cuda_runtime().graph_begin(device, &pool, mode, &graph));
    capturing = true;
    PhiloxState& philox = generator();
    before = philox;
    philox.offset = 0;
    philox.captured = state.data<uint64_t>();
  }
  // The number of things recorded.
  int64_t end() {
    TALLOW_CHECK(graph && capturing, "CUDAGraph: capture_end() without capture_begin()");
    stop_counting();
    int64_t works = 0;
    const Status status = cuda_runtime().graph_end(graph, &works);
    if (status == Status::kOk) return works;
    const std::string message = status_message();
    cuda_runtime().graph_destroy(graph);
    graph = nullptr;
    throw RuntimeError(message);
  }
  void instantiate() const {
    TALLOW_CHECK(captured(), "capture_end() must have been called before calling instantiate");
    check(cuda_runtime().graph_instantiate(graph));
  }
  void replay() {
    TALLOW_CHECK(captured(), "Called CUDAGraph::replay without a preceding successful capture.");
    PhiloxState& philox = generator();
    if (used > 0) {
      write_state(philox.seed, philox.offset);
      philox.offset += used;
    }
    check(cuda_runtime().graph_replay(graph));
  }
  // Nothing is drawn, and the handle is 0, while nothing is captured.
  void draw(const std::string& path) const {
    if (captured()) check(cuda_runtime().graph_draw(graph, path.c_str()));
  }
  Handle driver_handle(bool executable) const {
    return captured() ? handle(cuda_runtime().graph_handle(graph, executable)) : 0;
  }
  void reset() {
    if (!graph) return;
    if (capturing) stop_counting();
    cuda_runtime().graph_destroy(graph);
    graph = nullptr;
    state = Tensor();
  }

 private:
  void stop_counting() {
    used = generator().offset;
    generator() = before;
    capturing = false;
  }
};

void bind_graphs(py::module_& m) {
  py::class_<CapturedGraph>(m, "Graph")
      .def(py::init<>())
      .def("begin", &CapturedGraph::begin)
      .def("end", &CapturedGraph::end)
      .def("instantiate", &CapturedGraph::instantiate)
      .def("replay", &CapturedGraph::replay)
      .def("draw", &CapturedGraph::draw)
      .def("driver_handle", &CapturedGraph::driver_handle)
      .def("captured", &CapturedGraph::captured)
      .def("reset", &CapturedGraph::reset)
      .def_readonly("pool", &CapturedGraph::pool);
}

}  // namespace

void bind_cuda(py::module_& module) {
  set_plugin_package(&plugin_package);
  py::module_ m = module.def_submodule("_cuda", "The runtime of the CUDA plugin.");
  bind_devices(m);
  bind_memory(m);
  bind_streams(m);
  bind_events(m);
  bind_graphs(m);
  m.def("seed_all", [](const py::int_& seed) {
    const py::object masked = seed & py::int_(~uint64_t{0});
    seed_cuda_generators(PyLong_AsUnsignedLongLong(masked.ptr()));
  });
  m.def("default_generator", [](int device) {
    const Device where{DeviceType::kCUDA, static_cast<int8_t>(device)};
    return py::cast(&default_generator(where), py::return_value_policy::reference);
  });
}

}  // namespace tallow::python
