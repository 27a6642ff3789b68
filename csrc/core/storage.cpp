#include "core/storage.h"

#include <cstring>

#include "core/allocator.h"
#include "core/device_runtime.h"
#include "core/error.h"

namespace tallow {

ObjectHooks object_hooks;

namespace {
FreeList<sizeof(Storage)> free_list;

TALLOW_NOINLINE void* device_allocate(int64_t nbytes, Device device) {
  void* data = nullptr;
  device_memory_used = true;
  const Status status = cuda_runtime().allocate(device.index, nbytes, &data);
  if (status != Status::kOk) raise_status(status);
  return data;
}

TALLOW_NOINLINE void device_free(void* data, Device device) {
  cuda_runtime().free(device.index, data);
}
}  // namespace

void* Storage::operator new(std::size_t) { return free_list.take(); }
void Storage::operator delete(void* memory) { free_list.give(memory); }

Ref<Storage> Storage::allocate(int64_t nbytes, Device device) {
  if (device.is_cpu()) {
    void* const data = nbytes > 0 ? cpu_allocate(nbytes) : nullptr;
    return Ref<Storage>(new Storage(data, nbytes, device));
  }
  if (device.is_cuda()) {
    const Device where = device.resolved();
    return Ref<Storage>(new Storage(device_allocate(nbytes, where), nbytes, where));
  }
  return Ref<Storage>(new Storage(nullptr, nbytes, device));
}

Ref<Storage> Storage::external(void* data, int64_t nbytes, void (*release)(void*), void* context,
                               Device device) {
  device_memory_used = device_memory_used || device.is_cuda();
  Ref<Storage> storage(new Storage(data, nbytes, device));
  storage->release_ = release;
  storage->release_context_ = context;
  return storage;
}

Ref<Storage> Storage::pinned(int64_t nbytes) {
  const DeviceRuntime& runtime = cuda_runtime();
  void* data = nullptr;
  const Status status = runtime.pin_allocate(nbytes, &data);
  if (status != Status::kOk) raise_status(status);
  return external(data, nbytes, [](void* memory) { cuda_runtime().pin_free(memory); }, data);
}

void Storage::destroy(Storage* storage) {
  if (storage->release_) {
    storage->release_(storage->release_context_);
  } else if (storage->data_) {
    if (TALLOW_LIKELY(storage->device_.is_cpu())) {
      cpu_free(storage->data_, storage->nbytes_);
    } else {
      device_free(storage->data_, storage->device_);
    }
  }
  delete storage;
}

void Storage::resize(int64_t nbytes) {
  TALLOW_CHECK(resizable(), "Trying to resize storage that is not resizable");
  TALLOW_CHECK(nbytes >= 0, "storage size must not be negative, got ", nbytes);
  if (device_.is_cpu()) {
    void* const data = nbytes > 0 ? cpu_allocate(nbytes) : nullptr;
    const int64_t kept = nbytes < nbytes_ ? nbytes : nbytes_;
    if (kept > 0) std::memcpy(data, data_, static_cast<std::size_t>(kept));
    if (data_) cpu_free(data_, nbytes_);
    data_ = data;
  } else if (device_.is_cuda()) {
    void* const data = device_allocate(nbytes, device_);
    const int64_t kept = nbytes < nbytes_ ? nbytes : nbytes_;
    Status status = Status::kOk;
    if (kept > 0) {
      status = cuda_runtime().copy(data, device_.index, data_, device_.index, kept, false);
    }
    if (data_) device_free(data_, device_);
    data_ = data;
    nbytes_ = nbytes;
    if (status != Status::kOk) raise_status(status);
  }
  nbytes_ = nbytes;
}

}  // namespace tallow
