// Page-locked host memory, from and to which devices copy while the host goes on.
#pragma once

#include <cstdint>

#include "cuda/status.h"

namespace tallow::cuda {

// Blocks are powers of two in size and kept for reuse.
[[nodiscard]] Status allocate_pinned(int64_t nbytes, void** data);
// The block is reused when the copies noted by use_pinned() are done. Null is allowed.
void free_pinned(void* data);
// Does the address lie in such a block?
bool is_pinned(const void* data);
// A copy from or to the block has just been queued on the stream (of the active device).
[[nodiscard]] Status use_pinned(const void* data, cudaStream_t stream);
// Gives unused blocks back to the system.
void release_pinned();

}  // namespace tallow::cuda
