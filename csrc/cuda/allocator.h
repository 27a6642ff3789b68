// The caching allocator of device memory. Blocks are cut from segments of a few sizes and belong to
// the stream they were asked for on: reuse on the same stream needs no waiting.
//
// Source of the constants (512 B blocks; 2 MiB, 20 MiB and larger segments; when to split):
// PyTorch's documentation of its CUDA memory management and `memory_stats`, so that programs need
// about the same memory under both.
#pragma once

#include <cstdint>

#include "cuda/status.h"

namespace tallow::cuda {

// Memory for the device's current stream of this thread. Null for nbytes == 0.
[[nodiscard]] Status allocate(int device, int64_t nbytes, void** data);
// Null is allowed. Work queued on the block's stream may still use it.
void deallocate(int device, void* data);
// After deallocate() the block waits until what is queued on `stream` by then has run.
[[nodiscard]] Status record_stream(int device, void* data, cudaStream_t stream);

// Gives unused segments back to the devices.
[[nodiscard]] Status empty_cache();
[[nodiscard]] Status memory_info(int device, int64_t* free_bytes, int64_t* total_bytes);
[[nodiscard]] Status memory_stats(int device, DeviceMemoryStats* out);
[[nodiscard]] Status reset_memory_stats(int device, bool peak_only);
// Limits this process to a part of the device's memory.
[[nodiscard]] Status set_memory_fraction(int device, double fraction);

// While a graph is captured its thread's blocks of that device come from a pool of the graph's own,
// which nobody else gets before the last graph that uses it is gone. Pool 0 makes a new one.
void begin_capture_pool(int device, uint64_t* pool);
void end_capture_pool();
void release_capture_pool(int device, uint64_t pool);

}  // namespace tallow::cuda
