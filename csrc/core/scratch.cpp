// Scratch memory of kernels, taken from the tensor allocator so that the counters see it.
#include "core/scratch.h"

#include "core/allocator.h"

namespace tallow {

void* scratch_allocate(int64_t nbytes) noexcept { return cpu_try_allocate(nbytes); }

void scratch_free(void* data, int64_t nbytes) noexcept { cpu_free(data, nbytes); }

Status out_of_memory(int64_t nbytes) {
  const OutOfMemoryError error(nbytes);
  return fail(Status::kOutOfMemory, "%s", error.what());
}

}  // namespace tallow
