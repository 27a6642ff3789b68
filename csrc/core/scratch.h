// Scratch: temporary memory for a kernel, from the same counted allocator as tensors.
#pragma once

#include <cstdint>

#include "core/macros.h"
#include "core/types.h"

namespace tallow {

// 64-byte aligned memory of at least `nbytes`, or null (then out_of_memory() describes it). Any
// thread may call both.
void* scratch_allocate(int64_t nbytes) noexcept;
void scratch_free(void* data, int64_t nbytes) noexcept;
[[nodiscard]] Status out_of_memory(int64_t nbytes);

// Usage: Scratch<float> buffer(n); if (!buffer) return buffer.failure();
template <class T>
class Scratch {
 public:
  TALLOW_INLINE explicit Scratch(int64_t count)
      : nbytes_(count * static_cast<int64_t>(sizeof(T))),
        data_(static_cast<T*>(scratch_allocate(nbytes_))) {}
  TALLOW_INLINE ~Scratch() {
    if (data_) scratch_free(data_, nbytes_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  TALLOW_INLINE explicit operator bool() const { return data_ != nullptr; }
  TALLOW_INLINE T* get() const { return data_; }
  TALLOW_INLINE T& operator[](int64_t i) const { return data_[i]; }
  TALLOW_INLINE Status failure() const { return out_of_memory(nbytes_); }

 private:
  int64_t nbytes_;
  T* data_;
};

}  // namespace tallow
