// Copies of bytes between host and devices.
#pragma once

#include <cstdint>

#include "cuda/status.h"

namespace tallow::cuda {

// A device of -1 is the host. Queued on the current stream of the destination's device (the
// source's, if the destination is the host); with `wait` the bytes are there on return.
[[nodiscard]] Status copy_bytes(void* to, int to_device, const void* from, int from_device,
                                int64_t nbytes, bool wait);

}  // namespace tallow::cuda
