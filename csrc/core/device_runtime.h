// DeviceRuntime: what a device other than the CPU owes besides kernels, as plain function pointers:
// memory, copies, streams, events, graphs. The optional CUDA plugin fills one.
#pragma once

#include <cstdint>

#include "core/types.h"

namespace tallow {

struct DeviceProperties {
  char name[256];
  char uuid[16];
  int32_t major, minor;
  int32_t multi_processor_count;
  int32_t max_threads_per_multi_processor;
  int32_t warp_size;
  int32_t registers_per_multiprocessor;
  int32_t is_integrated, is_multi_gpu_board;
  int32_t pci_domain_id, pci_bus_id, pci_device_id;
  int64_t total_memory;
  int64_t shared_memory_per_block, shared_memory_per_block_optin, shared_memory_per_multiprocessor;
  int64_t l2_cache_size;
};

// Counters of the device's allocator, each for all blocks, those of small segments and the others.
struct DeviceMemoryStats {
  struct Counter {
    int64_t current, peak, allocated, freed;
  };
  enum Kind : uint8_t {
    kAllocation,
    kSegment,
    kActive,
    kInactiveSplit,
    kAllocatedBytes,
    kReservedBytes,
    kActiveBytes,
    kInactiveSplitBytes,
    kRequestedBytes,
    kKinds,
  };
  enum Pool : uint8_t { kAll, kSmall, kLarge, kPools };
  Counter counters[kKinds][kPools];
  int64_t retries, out_of_memory, synchronisations, device_allocations, device_frees;
};

// What a profiler is told: points in time, nested ranges of a thread, ranges with a number.
enum class ProfilerMark : uint8_t { kPoint, kPush, kPop, kStart, kEnd };
// Returns the depth after kPush and kPop, the number after kStart; `range` is that of kEnd.
using ProfilerAnnotate = int64_t(ProfilerMark mark, const char* text, uint64_t range);

// Streams, events and graphs are the device's own handles; a null stream is the default one. All
// functions may be called from any thread. A failing one has left its message for the caller's
// thread, like a kernel.
struct DeviceRuntime {
  // ---- Devices. Counting and describing them starts nothing on them.
  // The number of devices; when it is 0, `why` (of `size` bytes) says in a sentence what is
  // missing.
  int (*device_count)(char* why, int64_t size);
  Status (*properties)(int device, DeviceProperties* out);
  // Versions of driver and runtime, as 1000 * major + 10 * minor.
  void (*versions)(int* driver, int* runtime);
  bool (*is_initialized)();
  // The calling thread's device, where "cuda" without an index is.
  int (*current_device)();
  Status (*set_device)(int device);
  Status (*can_access_peer)(int device, int peer, bool* out);

  // What the next kernel calls of this thread belong to: `op` is for messages, and must live on.
  Status (*begin)(const char* op, int device);

  // ---- Memory of the device's current stream. `data` is null only for nbytes == 0.
  Status (*allocate)(int device, int64_t nbytes, void** data);
  void (*free)(int device, void* data);
  // The block will not be reused before what is queued on `stream` now has run.
  Status (*record_stream)(int device, void* data, void* stream);
  Status (*empty_cache)();
  Status (*memory_info)(int device, int64_t* free_bytes, int64_t* total_bytes);
  Status (*memory_stats)(int device, DeviceMemoryStats* out);
  Status (*reset_memory_stats)(int device, bool peak_only);
  Status (*set_memory_fraction)(int device, double fraction);

  // ---- Host memory that devices copy from and to asynchronously.
  Status (*pin_allocate)(int64_t nbytes, void** data);
  void (*pin_free)(void* data);
  bool (*is_pinned)(const void* data);
  void (*pin_empty_cache)();

  // Copies on the current stream of the device involved (the destination's, of two). A device of -1
  // is the host. With `wait` the bytes are there on return, and errors found by kernels before are
  // reported.
  Status (*copy)(void* to, int to_device, const void* from, int from_device, int64_t nbytes,
                 bool wait);

  // ---- Streams: those made come from a pool and live for ever.
  Status (*stream_create)(int device, int priority, void** stream);
  void* (*current_stream)(int device);  // of the calling thread
  void (*set_stream)(int device, void* stream);
  Status (*stream_query)(int device, void* stream, bool* done);
  Status (*stream_synchronize)(int device, void* stream);
  Status (*stream_wait_event)(int device, void* stream, void* event);
  Status (*stream_priority)(int device, void* stream, int* priority);
  Status (*device_synchronize)(int device);

  // ---- Events.
  Status (*event_create)(int device, bool timing, bool blocking, void** event);
  void (*event_destroy)(int device, void* event);
  Status (*event_record)(int device, void* event, void* stream);
  Status (*event_query)(int device, void* event, bool* done);
  Status (*event_synchronize)(int device, void* event);
  Status (*event_elapsed)(int device, void* start, void* end, float* milliseconds);

  // ---- Graphs: work is recorded from begin to end on the current stream instead of being run, and
  // allocates from a private pool of memory. `pool` 0 asks for a new one and is set to it.
  Status (*graph_begin)(int device, uint64_t* pool, int mode, void** graph);
  // `works` becomes the number of things recorded.
  Status (*graph_end)(void* graph, int64_t* works);
  // Makes the recording ready to be replayed; again, with the changes made to it meanwhile.
  Status (*graph_instantiate)(void* graph);
  Status (*graph_replay)(void* graph);
  // Writes the recording to a file, as a drawing in the language of Graphviz.
  Status (*graph_draw)(void* graph, const char* path);
  // The driver's handle of the recording, or of what can be replayed; null if there is none.
  void* (*graph_handle)(void* graph, bool executable);
  void (*graph_destroy)(void* graph);
  Status (*is_capturing)(int device, bool* capturing);

  // Null if there is none.
  ProfilerAnnotate* annotate;
};

// The runtime of the CUDA devices. The first call opens the plugin; RuntimeError says what is
// missing if there is none that works. (backend/plugin.cpp)
const DeviceRuntime& cuda_runtime();
// The same if the plugin has been opened already, else null.
const DeviceRuntime* loaded_cuda_runtime();
// What keeps CUDA from being used, in one sentence; empty if nothing does.
const char* why_cuda_is_unavailable();

// The calling thread's buffer for fail(), defined once by every module.
inline constexpr int kStatusBytes = 1024;
char* status_buffer();

}  // namespace tallow
