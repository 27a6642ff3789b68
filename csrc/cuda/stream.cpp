#include "cuda/stream.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "cuda/device.h"
#include "cuda/error_record.h"

namespace tallow::cuda {

namespace {

constexpr std::size_t kStreamsPerPool = 32;
constexpr int kPriorities = 6;

// The streams of one device and priority, made as they are asked for, then handed out in turn.
struct StreamPool {
  std::vector<cudaStream_t> streams;
  std::size_t next = 0;
};

std::mutex pools_lock;
StreamPool pools[kMaxDevices][kPriorities];
thread_local cudaStream_t current[kMaxDevices] = {};

// kOk and false for work that is not done yet.
Status answer(cudaError_t error, const char* what, bool* done) {
  *done = error == cudaSuccess;
  if (error == cudaErrorNotReady) {
    (void)cudaGetLastError();
    return Status::kOk;
  }
  return check(error, what);
}

}  // namespace

cudaStream_t current_stream() { return current[active_device()]; }
cudaStream_t current_stream(int device) { return current[device]; }
void set_current_stream(int device, cudaStream_t stream) { current[device] = stream; }

Status pooled_stream(int device, int priority, cudaStream_t* stream) {
  TALLOW_CUDA_TRY(activate(device));
  int least = 0;
  int greatest = 0;
  TALLOW_CUDA_CHECK(cudaDeviceGetStreamPriorityRange(&least, &greatest));
  const int used = std::clamp(priority, greatest, least);
  const std::lock_guard<std::mutex> lock(pools_lock);
  StreamPool& pool = pools[device][std::min(least - used, kPriorities - 1)];
  if (pool.streams.size() < kStreamsPerPool) {
    cudaStream_t made = nullptr;
    TALLOW_CUDA_CHECK(cudaStreamCreateWithPriority(&made, cudaStreamNonBlocking, used));
    pool.streams.push_back(made);
    *stream = made;
    return Status::kOk;
  }
  *stream = pool.streams[pool.next];
  pool.next = (pool.next + 1) % kStreamsPerPool;
  return Status::kOk;
}

Status stream_priority(int device, cudaStream_t stream, int* priority) {
  TALLOW_CUDA_TRY(activate(device));
  TALLOW_CUDA_CHECK(cudaStreamGetPriority(stream, priority));
  return Status::kOk;
}

Status wait_for_other_device(int device, cudaStream_t stream, int other) {
  TALLOW_CUDA_TRY(activate(other));
  cudaEvent_t event = nullptr;
  TALLOW_CUDA_CHECK(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  const cudaError_t recorded = cudaEventRecord(event, current_stream(other));
  TALLOW_CUDA_TRY(activate(device));
  const cudaError_t waited = cudaStreamWaitEvent(stream, event, 0);
  (void)cudaEventDestroy(event);  // lives on until it has been passed
  TALLOW_CUDA_CHECK(recorded);
  TALLOW_CUDA_CHECK(waited);
  return Status::kOk;
}

Status query_stream(int device, cudaStream_t stream, bool* done) {
  TALLOW_CUDA_TRY(activate(device));
  return answer(cudaStreamQuery(stream), "cudaStreamQuery", done);
}

Status synchronize_stream(int device, cudaStream_t stream) {
  TALLOW_CUDA_TRY(activate(device));
  TALLOW_CUDA_CHECK(cudaStreamSynchronize(stream));
  return take_recorded_error();
}

Status synchronize_device(int device) {
  TALLOW_CUDA_TRY(activate(device));
  TALLOW_CUDA_CHECK(cudaDeviceSynchronize());
  return take_recorded_error();
}

Status create_event(int device, bool timing, bool blocking, cudaEvent_t* event) {
  TALLOW_CUDA_TRY(activate(device));
  const unsigned flags =
      (timing ? 0u : cudaEventDisableTiming) | (blocking ? cudaEventBlockingSync : 0u);
  TALLOW_CUDA_CHECK(cudaEventCreateWithFlags(event, flags));
  return Status::kOk;
}

Status query_event(int device, cudaEvent_t event, bool* done) {
  TALLOW_CUDA_TRY(activate(device));
  return answer(cudaEventQuery(event), "cudaEventQuery", done);
}

Status synchronize_event(int device, cudaEvent_t event) {
  TALLOW_CUDA_TRY(activate(device));
  TALLOW_CUDA_CHECK(cudaEventSynchronize(event));
  return take_recorded_error();
}

}  // namespace tallow::cuda
