#include "ops/kernel.h"

#include "backend/plugin.h"

namespace tallow::ops {

void raise_missing_kernel(const char* op, Device device) {
  raise<NotImplementedError>(op, " is not implemented for device '", device, "'");
}

const Backend& backend_of(const char* op, Device device) {
  if (device.is_cpu()) return cpu_backend();
  if (!device.is_cuda()) raise_missing_kernel(op, device);
  const Plugin& plugin = cuda_plugin();
  const Status status = plugin.runtime->begin(op, device.resolved().index);
  if (status != Status::kOk) raise_status(status);
  return *plugin.kernels;
}

}  // namespace tallow::ops
