// Workspace: device memory for the length of a kernel call.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "cuda/status.h"

namespace tallow::cuda {

// Memory of the active device for work queued on its current stream; null only for nbytes == 0.
// Blocks are 512-byte aligned.
[[nodiscard]] Status scratch_allocate(int64_t nbytes, void** data);
void scratch_free(void* data);

// Usage: Scratch<float> buffer; TALLOW_CUDA_TRY(buffer.allocate(n)); launch(..., buffer.get());
// It may be destroyed as soon as the work that uses it is queued: whoever gets the memory next
// queues behind it.
template <class T>
class Scratch {
 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    if (data_) scratch_free(data_);
  }

  [[nodiscard]] Status allocate(int64_t count) {
    return scratch_allocate(count * static_cast<int64_t>(sizeof(T)), &data_);
  }
  T* get() const { return static_cast<T*>(data_); }

 private:
  void* data_ = nullptr;
};

// Device copy of `count` plain host values that may change as soon as this returns, for tables of
// pointers and sizes.
[[nodiscard]] Status upload(void* device, const void* host, int64_t nbytes);

}  // namespace tallow::cuda
