#include "cuda/status.h"

#include <cstring>

#include "backend/plugin.h"
#include "cuda/device.h"
#include "cuda/lib/vendor.h"

namespace tallow {

namespace {
const HostServices* host = nullptr;
}  // namespace

// The messages of this module go where the core reads them.
char* status_buffer() { return host->status_buffer(); }

namespace cuda {

void set_host_services(const HostServices* services) { host = services; }

uint32_t math_options() { return host->math_options(); }

Status check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return Status::kOk;
  (void)cudaGetLastError();
  if (error == cudaErrorMemoryAllocation) {
    return fail(Status::kOutOfMemory, "CUDA out of memory, in %s", what);
  }
  const char* hint = "";
  if (error == cudaErrorInvalidDevice) {
    hint = "\nGPU device may be out of range, do you have enough GPUs?";
  } else if (error == cudaErrorIllegalAddress || error == cudaErrorLaunchFailure) {
    hint =
        "\nKernel errors may be reported later than they happen; CUDA_LAUNCH_BLOCKING=1 shows "
        "the call that is to blame.";
  } else if (std::strstr(cudaGetErrorName(error), "StreamCapture")) {
    hint = "\nThe call is not allowed while a graph is being captured.";
  }
  const int length = static_cast<int>(std::strcspn(what, "("));
  return fail(Status::kRuntimeError, "CUDA error: %s (%s), in %.*s of %s%s",
              cudaGetErrorString(error), cudaGetErrorName(error), length, what, current_op(), hint);
}

}  // namespace cuda

}  // namespace tallow
