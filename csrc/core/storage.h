// Storage: the one owner of a tensor's bytes; every view shares it.
#pragma once

#include <cstdint>

#include "core/device.h"
#include "core/ref.h"

namespace tallow {

// Has there ever been memory on a CUDA device?
inline bool device_memory_used = false;

// Counts in-place writes apart from a storage: for `.data`, and for a tensor that left its storage.
struct VersionCounter : Counted {
  uint32_t value = 0;
  static void destroy(VersionCounter* counter) { delete counter; }
};

class Storage : public Counted {
 public:
  // Fresh uninitialised memory. Negative or absurd sizes raise; a meta storage has no bytes; a
  // CUDA device without an index is the current one.
  static Ref<Storage> allocate(int64_t nbytes, Device device);
  // Memory owned by someone else; `release(context)` is called once, when the last view is gone.
  static Ref<Storage> external(void* data, int64_t nbytes, void (*release)(void* context),
                               void* context, Device device = kCPU);
  static void destroy(Storage* storage);

  void* data() const { return data_; }
  int64_t nbytes() const { return nbytes_; }
  Device device() const { return device_; }
  // Memory that the CUDA devices copy from and to asynchronously.
  static Ref<Storage> pinned(int64_t nbytes);
  bool resizable() const { return release_ == nullptr; }
  // Grows or shrinks in place, keeping the common bytes. External memory cannot be resized.
  void resize(int64_t nbytes);

  // Counts in-place writes through any alias; saved tensors compare it.
  uint32_t version = 0;
  // Counts instead of `version` once a tensor has left the storage but not those that shared its
  // counter.
  Ref<VersionCounter> shared_version;

  static void* operator new(std::size_t size);
  static void operator delete(void* memory);

 private:
  Storage(void* data, int64_t nbytes, Device device)
      : data_(data), nbytes_(nbytes), device_(device) {}

  void* data_;
  int64_t nbytes_;
  void (*release_)(void*) = nullptr;
  void* release_context_ = nullptr;
  Device device_;
};

}  // namespace tallow
