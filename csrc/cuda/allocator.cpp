#include "cuda/allocator.h"

#include <atomic>
#include <mutex>

#include "cuda/device.h"
#include "cuda/device_allocator.h"
#include "cuda/scratch.h"
#include "cuda/stream.h"

namespace tallow::cuda {

namespace {

// Never destroyed: tensors may die while the process ends.
DeviceAllocator& allocator_of(int device) {
  static DeviceAllocator* allocators[kMaxDevices] = {};
  static std::mutex making;
  const std::lock_guard<std::mutex> guard(making);
  if (!allocators[device]) allocators[device] = new DeviceAllocator(device);
  return *allocators[device];
}

thread_local int capturing_device = -1;

}  // namespace

Status allocate(int device, int64_t nbytes, void** data) {
  *data = nullptr;
  TALLOW_CUDA_TRY(activate(device));
  if (nbytes == 0) return Status::kOk;
  DeviceAllocator& allocator = allocator_of(device);
  const std::lock_guard<std::mutex> guard(allocator.lock);
  return allocator.allocate(nbytes, current_stream(device), data);
}

void deallocate(int device, void* data) {
  if (!data || activate(device) != Status::kOk) return;
  DeviceAllocator& allocator = allocator_of(device);
  const std::lock_guard<std::mutex> guard(allocator.lock);
  allocator.deallocate(data);
}

Status record_stream(int device, void* data, cudaStream_t stream) {
  DeviceAllocator& allocator = allocator_of(device);
  const std::lock_guard<std::mutex> guard(allocator.lock);
  return allocator.record_stream(data, stream);
}

Status empty_cache() {
  if (!is_initialized()) return Status::kOk;
  for (int device = 0; device < device_count(); ++device) {
    TALLOW_CUDA_TRY(activate(device));
    DeviceAllocator& allocator = allocator_of(device);
    const std::lock_guard<std::mutex> guard(allocator.lock);
    TALLOW_CUDA_TRY(allocator.release_cached());
  }
  return Status::kOk;
}

Status memory_info(int device, int64_t* free_bytes, int64_t* total_bytes) {
  TALLOW_CUDA_TRY(activate(device));
  std::size_t free = 0;
  std::size_t total = 0;
  TALLOW_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  *free_bytes = static_cast<int64_t>(free);
  *total_bytes = static_cast<int64_t>(total);
  return Status::kOk;
}

Status memory_stats(int device, DeviceMemoryStats* out) {
  TALLOW_CUDA_TRY(check_device(device));
  DeviceAllocator& allocator = allocator_of(device);
  const std::lock_guard<std::mutex> guard(allocator.lock);
  *out = allocator.counters().stats;
  return Status::kOk;
}

Status reset_memory_stats(int device, bool peak_only) {
  TALLOW_CUDA_TRY(check_device(device));
  DeviceAllocator& allocator = allocator_of(device);
  const std::lock_guard<std::mutex> guard(allocator.lock);
  allocator.counters().reset(peak_only);
  return Status::kOk;
}

Status set_memory_fraction(int device, double fraction) {
  int64_t free = 0;
  int64_t total = 0;
  TALLOW_CUDA_TRY(memory_info(device, &free, &total));
  DeviceAllocator& allocator = allocator_of(device);
  const std::lock_guard<std::mutex> guard(allocator.lock);
  allocator.set_fraction(fraction, total);
  return Status::kOk;
}

void begin_capture_pool(int device, uint64_t* pool) {
  static std::atomic<uint64_t> last_pool{0};
  if (*pool == 0) *pool = ++last_pool;
  DeviceAllocator& allocator = allocator_of(device);
  const std::lock_guard<std::mutex> guard(allocator.lock);
  allocator.begin_capture(*pool);
  capturing_device = device;
}

void end_capture_pool() {
  if (capturing_device < 0) return;
  DeviceAllocator& allocator = allocator_of(capturing_device);
  const std::lock_guard<std::mutex> guard(allocator.lock);
  allocator.end_capture();
  capturing_device = -1;
}

void release_capture_pool(int device, uint64_t pool) {
  DeviceAllocator& allocator = allocator_of(device);
  const std::lock_guard<std::mutex> guard(allocator.lock);
  allocator.release_capture(pool);
}

Status scratch_allocate(int64_t nbytes, void** data) {
  return allocate(active_device(), nbytes, data);
}

void scratch_free(void* data) { deallocate(active_device(), data); }

}  // namespace tallow::cuda
