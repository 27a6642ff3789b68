// The plugin's one exported symbol and the table of its runtime.
#include "backend/plugin.h"

#include <cstdio>
#include <exception>
#include <string>

#include "core/version.h"
#include "cuda/allocator.h"
#include "cuda/device.h"
#include "cuda/graph.h"
#include "cuda/lib/vendor.h"
#include "cuda/nvtx.h"
#include "cuda/pinned.h"
#include "cuda/stream.h"
#include "cuda/transfer.h"

namespace tallow::cuda {

const Backend& kernel_table();  // kernels/table.cpp

namespace {

// No exception crosses the interface: standard containers may throw.
template <auto kFunction>
struct Guarded;
template <class... Args, Status (*kFunction)(Args...)>
struct Guarded<kFunction> {
  static Status call(Args... args) {
    try {
      return kFunction(args...);
    } catch (const std::bad_alloc&) {
      return fail(Status::kOutOfMemory, "out of host memory in the CUDA plugin");
    } catch (const std::exception& error) {
      return fail(Status::kRuntimeError, "the CUDA plugin failed: %s", error.what());
    }
  }
};
template <auto kFunction>
constexpr auto guarded = &Guarded<kFunction>::call;

cudaStream_t to_stream(void* stream) { return static_cast<cudaStream_t>(stream); }
cudaEvent_t to_event(void* event) { return static_cast<cudaEvent_t>(event); }
Graph* to_graph(void* graph) { return static_cast<Graph*>(graph); }

Status begin(const char* op, int device) {
  set_current_op(op);
  return activate(device);
}

Status clear_cache() {
  TALLOW_CUDA_TRY(empty_cache());
  release_pinned();
  return Status::kOk;
}

Status note_stream(int device, void* data, void* stream) {
  return record_stream(device, data, to_stream(stream));
}

Status create_stream(int device, int priority, void** stream) {
  return pooled_stream(device, priority, reinterpret_cast<cudaStream_t*>(stream));
}
void* stream_of(int device) { return current_stream(device); }
void set_stream(int device, void* stream) { set_current_stream(device, to_stream(stream)); }
Status query(int device, void* stream, bool* done) {
  return query_stream(device, to_stream(stream), done);
}
Status synchronize(int device, void* stream) {
  return synchronize_stream(device, to_stream(stream));
}
Status priority_of(int device, void* stream, int* priority) {
  return stream_priority(device, to_stream(stream), priority);
}
Status wait_event(int device, void* stream, void* event) {
  TALLOW_CUDA_TRY(activate(device));
  return check(cudaStreamWaitEvent(to_stream(stream), to_event(event), 0), "Stream.wait_event()");
}

Status new_event(int device, bool timing, bool blocking, void** event) {
  return create_event(device, timing, blocking, reinterpret_cast<cudaEvent_t*>(event));
}
void destroy_event(int device, void* event) {
  if (activate(device) == Status::kOk) (void)cudaEventDestroy(to_event(event));
}
Status record_event(int device, void* event, void* stream) {
  TALLOW_CUDA_TRY(activate(device));
  return check(cudaEventRecord(to_event(event), to_stream(stream)), "Event.record()");
}
Status ask_event(int device, void* event, bool* done) {
  return query_event(device, to_event(event), done);
}
Status wait_for_event(int device, void* event) {
  return synchronize_event(device, to_event(event));
}
Status elapsed(int device, void* start, void* end, float* milliseconds) {
  TALLOW_CUDA_TRY(activate(device));
  return check(cudaEventElapsedTime(milliseconds, to_event(start), to_event(end)),
               "Event.elapsed_time()");
}

Status graph_begin(int device, uint64_t* pool, int mode, void** graph) {
  return begin_graph(device, pool, mode, reinterpret_cast<Graph**>(graph));
}
Status graph_end(void* graph, int64_t* works) { return end_graph(to_graph(graph), works); }
Status graph_instantiate(void* graph) { return instantiate_graph(to_graph(graph)); }
Status graph_draw(void* graph, const char* path) { return draw_graph(to_graph(graph), path); }
void* graph_handle(void* graph, bool executable) {
  return driver_handle(to_graph(graph), executable);
}
Status graph_replay(void* graph) { return replay_graph(to_graph(graph)); }
void graph_destroy(void* graph) { destroy_graph(to_graph(graph)); }
Status ask_capturing(int device, bool* capturing) {
  TALLOW_CUDA_TRY(check_device(device));
  *capturing = is_capturing(device);
  return Status::kOk;
}

int64_t library_version(VendorLibrary library, char* why, int64_t size) {
  std::string problem;
  int64_t version = 0;
  switch (library) {
    case VendorLibrary::kCublasLt:
      version = cublaslt_version(&problem);
      break;
    case VendorLibrary::kCudnn:
      version = cudnn_version(&problem);
      break;
    case VendorLibrary::kNccl:
      version = nccl_version(&problem);
      break;
  }
  std::snprintf(why, static_cast<std::size_t>(size), "%s", problem.c_str());
  return version;
}

constexpr DeviceRuntime kRuntime = {
    .device_count = &device_count,
    .properties = guarded<&device_properties>,
    .versions = &versions,
    .is_initialized = &is_initialized,
    .current_device = &thread_device,
    .set_device = guarded<&set_thread_device>,
    .can_access_peer = guarded<&can_access_peer>,
    .begin = &begin,
    .allocate = guarded<&allocate>,
    .free = &deallocate,
    .record_stream = guarded<&note_stream>,
    .empty_cache = guarded<&clear_cache>,
    .memory_info = guarded<&memory_info>,
    .memory_stats = guarded<&memory_stats>,
    .reset_memory_stats = guarded<&reset_memory_stats>,
    .set_memory_fraction = guarded<&set_memory_fraction>,
    .pin_allocate = guarded<&allocate_pinned>,
    .pin_free = &free_pinned,
    .is_pinned = &is_pinned,
    .pin_empty_cache = &release_pinned,
    .copy = guarded<&copy_bytes>,
    .stream_create = guarded<&create_stream>,
    .current_stream = &stream_of,
    .set_stream = &set_stream,
    .stream_query = guarded<&query>,
    .stream_synchronize = guarded<&synchronize>,
    .stream_wait_event = guarded<&wait_event>,
    .stream_priority = guarded<&priority_of>,
    .device_synchronize = guarded<&synchronize_device>,
    .event_create = guarded<&new_event>,
    .event_destroy = &destroy_event,
    .event_record = guarded<&record_event>,
    .event_query = guarded<&ask_event>,
    .event_synchronize = guarded<&wait_for_event>,
    .event_elapsed = guarded<&elapsed>,
    .graph_begin = guarded<&graph_begin>,
    .graph_end = guarded<&graph_end>,
    .graph_instantiate = guarded<&graph_instantiate>,
    .graph_replay = guarded<&graph_replay>,
    .graph_draw = guarded<&graph_draw>,
    .graph_handle = &graph_handle,
    .graph_destroy = &graph_destroy,
    .is_capturing = guarded<&ask_capturing>,
    .annotate = kAnnotate,
};

constexpr Plugin kPlugin = {
    .abi = Plugin::kAbi,
    .size = sizeof(Plugin),
    .backend_size = sizeof(Backend),
    .runtime_size = sizeof(DeviceRuntime),
    .operations = Plugin::kOperations,
    .version = TALLOW_VERSION,
#ifdef TALLOW_CUDA_EMULATED
    .name = "cuda-emulator",
#else
    .name = "cuda",
#endif
    .kernels = nullptr,
    .runtime = &kRuntime,
    .start = &set_host_services,
    .library_version = &library_version,
};

}  // namespace

}  // namespace tallow::cuda

extern "C" __attribute__((visibility("default"))) const tallow::Plugin* tallow_backend_v1() {
  static const tallow::Plugin plugin = [] {
    tallow::Plugin filled = tallow::cuda::kPlugin;
    filled.kernels = &tallow::cuda::kernel_table();
    return filled;
  }();
  return &plugin;
}
