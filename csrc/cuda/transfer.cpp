#include "cuda/transfer.h"

#include "cuda/device.h"
#include "cuda/graph.h"
#include "cuda/pinned.h"
#include "cuda/scratch.h"
#include "cuda/stream.h"

namespace tallow::cuda {

namespace {

Status queue_copy(void* to, int to_device, const void* from, int from_device, std::size_t count,
                  cudaStream_t stream) {
  if (to_device >= 0 && from_device >= 0) {
    if (to_device != from_device) {
      TALLOW_CUDA_CHECK(cudaMemcpyPeerAsync(to, to_device, from, from_device, count, stream));
    } else {
      TALLOW_CUDA_CHECK(cudaMemcpyAsync(to, from, count, cudaMemcpyDeviceToDevice, stream));
    }
  } else if (to_device >= 0) {
    TALLOW_CUDA_CHECK(cudaMemcpyAsync(to, from, count, cudaMemcpyHostToDevice, stream));
  } else {
    TALLOW_CUDA_CHECK(cudaMemcpyAsync(to, from, count, cudaMemcpyDeviceToHost, stream));
  }
  return Status::kOk;
}

}  // namespace

Status copy_bytes(void* to, int to_device, const void* from, int from_device, int64_t nbytes,
                  bool wait) {
  if (nbytes == 0) return Status::kOk;
  const int device = to_device >= 0 ? to_device : from_device;
  TALLOW_CUDA_TRY(activate(device));
  const cudaStream_t stream = current_stream(device);
  if (wait && is_capturing(device)) {
    return fail(Status::kRuntimeError,
                "CUDA error: %s waits for the device, which is not allowed while a graph is being "
                "captured",
                current_op());
  }
  if (to_device >= 0 && from_device >= 0 && to_device != from_device) {
    TALLOW_CUDA_TRY(wait_for_other_device(device, stream, from_device));
  }
  TALLOW_CUDA_TRY(
      queue_copy(to, to_device, from, from_device, static_cast<std::size_t>(nbytes), stream));
  if (wait) return synchronize_stream(device, stream);
  if (to_device < 0) return use_pinned(to, stream);
  return from_device < 0 ? use_pinned(from, stream) : Status::kOk;
}

Status upload(void* device, const void* host, int64_t nbytes) {
  const int index = active_device();
  if (!is_capturing(index)) return copy_bytes(device, index, host, -1, nbytes, false);
  // The graph reads its source when it runs.
  const void* kept = nullptr;
  TALLOW_CUDA_TRY(keep_for_graph(host, nbytes, &kept));
  return copy_bytes(device, index, kept, -1, nbytes, false);
}

}  // namespace tallow::cuda
