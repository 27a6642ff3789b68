#include "core/storage.h"

#include <cstring>

#include "core/allocator.h"
#include "core/error.h"

namespace tallow {

ObjectHooks object_hooks;

namespace {
FreeList<sizeof(Storage)> free_list;
}  // namespace

void* Storage::operator new(std::size_t) { return free_list.take(); }
void Storage::operator delete(void* memory) { free_list.give(memory); }

Ref<Storage> Storage::allocate(int64_t nbytes, Device device) {
  if (device.is_cpu()) {
    void* const data = nbytes > 0 ? cpu_allocate(nbytes) : nullptr;
    return Ref<Storage>(new Storage(data, nbytes, device));
  }
  TALLOW_CHECK_AS(RuntimeError, device.is_meta(), "device '", device,
                  "' needs the CUDA backend, which is not installed");
  return Ref<Storage>(new Storage(nullptr, nbytes, device));
}

Ref<Storage> Storage::external(void* data, int64_t nbytes, void (*release)(void*), void* context,
                               Device device) {
  Ref<Storage> storage(new Storage(data, nbytes, device));
  storage->release_ = release;
  storage->release_context_ = context;
  return storage;
}

void Storage::destroy(Storage* storage) {
  if (storage->release_) {
    storage->release_(storage->release_context_);
  } else if (storage->data_) {
    cpu_free(storage->data_, storage->nbytes_);
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
  }
  nbytes_ = nbytes;
}

}  // namespace tallow
