// Errors of the CUDA runtime as Status with a message for the calling thread.
#pragma once

#include <cuda_runtime.h>

#include "core/device_runtime.h"
#include "core/types.h"

namespace tallow {
struct HostServices;
}

namespace tallow::cuda {

// kOk, or the error as "CUDA error: <text> (<name>), in <what>". The runtime's own record of the
// error is cleared, so that a later call does not report it again.
[[nodiscard]] Status check(cudaError_t error, const char* what);
// The same for a kernel launch.
[[nodiscard]] inline Status status_of(cudaError_t error) {
  return error == cudaSuccess ? Status::kOk : check(error, "a kernel launch");
}
void set_host_services(const HostServices* services);

}  // namespace tallow::cuda

// Returns from the calling function, which returns Status, unless the call succeeds.
#define TALLOW_CUDA_TRY(call)                                           \
  do {                                                                  \
    const ::tallow::Status status_of_call = (call);                     \
    if (status_of_call != ::tallow::Status::kOk) return status_of_call; \
  } while (false)
#define TALLOW_CUDA_CHECK(call) TALLOW_CUDA_TRY(::tallow::cuda::check((call), #call))
