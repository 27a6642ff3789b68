// run(): how an op calls a kernel of the device its tensors live on.
#pragma once

#include "backend/backend.h"
#include "core/device.h"
#include "core/error.h"

namespace tallow::ops {

[[noreturn]] void raise_missing_kernel(const char* op, Device device);
// The kernel table of a device with kernels; raises for one without.
const Backend& backend_of(const char* op, Device device);

// Calls `backend.*Family.*Entry`. A failing kernel becomes an exception; a meta tensor has shapes
// only, so nothing is run for it.
template <auto Family, auto Entry, class... Args>
TALLOW_INLINE void run(const char* op, Device device, const Args&... args) {
  if (TALLOW_UNLIKELY(!device.is_cpu()) && device.is_meta()) return;
  static const Backend& cpu = cpu_backend();
  const Backend& backend = TALLOW_LIKELY(device.is_cpu()) ? cpu : backend_of(op, device);
  const auto kernel = (backend.*Family).*Entry;
  if (TALLOW_UNLIKELY(kernel == nullptr)) raise_missing_kernel(op, device);
  const Status status = kernel(args...);
  if (TALLOW_UNLIKELY(status != Status::kOk)) raise_status(status);
}

}  // namespace tallow::ops
