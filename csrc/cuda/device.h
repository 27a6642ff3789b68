// The CUDA devices: how many there are, and on which one the calling thread works.
#pragma once

#include "cuda/status.h"

namespace tallow::cuda {

inline constexpr int kMaxDevices = 64;

// Starts nothing on any device. 0 if there is no driver or no device, and `why` says so.
int device_count(char* why = nullptr, int64_t size = 0);
// RuntimeError for an index out of range.
[[nodiscard]] Status check_device(int device);

// The device that the user chose for the thread, and the one that runtime calls go to now: an
// operator activates the device of its tensors.
int thread_device();
[[nodiscard]] Status set_thread_device(int device);
int active_device();
[[nodiscard]] Status activate(int device);
bool is_initialized();

// The operator that runs, for messages.
const char* current_op();
void set_current_op(const char* op);

[[nodiscard]] Status device_properties(int device, DeviceProperties* out);
void versions(int* driver, int* runtime);
[[nodiscard]] Status can_access_peer(int device, int peer, bool* out);

}  // namespace tallow::cuda
