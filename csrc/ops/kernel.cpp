#include "ops/kernel.h"

namespace tallow::ops {

void raise_missing_kernel(const char* op, Device device) {
  raise<NotImplementedError>(op, " is not implemented for device '", device, "'");
}

const Backend& backend_of(const char* op, Device device) {
  if (device.is_cpu()) return cpu_backend();
  raise_missing_kernel(op, device);
}

}  // namespace tallow::ops
