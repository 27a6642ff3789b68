// Streams and events: queues of work on a device, and marks in them.
#pragma once

#include "cuda/status.h"

namespace tallow::cuda {

// The calling thread's stream on the active device, or on a given one; null is the default stream.
cudaStream_t current_stream();
cudaStream_t current_stream(int device);
void set_current_stream(int device, cudaStream_t stream);

// A stream of the device's pool, which hands out the same few in turn. Lower priorities go first;
// they are clamped to what the device knows.
[[nodiscard]] Status pooled_stream(int device, int priority, cudaStream_t* stream);
[[nodiscard]] Status stream_priority(int device, cudaStream_t stream, int* priority);

// Work queued on `stream` from now on waits for what is queued on the current stream of `other`.
[[nodiscard]] Status wait_for_other_device(int device, cudaStream_t stream, int other);

[[nodiscard]] Status query_stream(int device, cudaStream_t stream, bool* done);
// Waiting reports errors that kernels have recorded, see cuda/error_record.h.
[[nodiscard]] Status synchronize_stream(int device, cudaStream_t stream);
[[nodiscard]] Status synchronize_device(int device);

[[nodiscard]] Status create_event(int device, bool timing, bool blocking, cudaEvent_t* event);
[[nodiscard]] Status query_event(int device, cudaEvent_t event, bool* done);
[[nodiscard]] Status synchronize_event(int device, cudaEvent_t event);

}  // namespace tallow::cuda
