// What is kept of a library between calls: its handles, and plans under keys that are structs
// without padding, hashed and compared as bytes.
#pragma once

#include "cuda/device.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <type_traits>
#include <unordered_map>

namespace tallow::cuda {

struct HashOfBytes {
  template <class Key>
  std::size_t operator()(const Key& key) const {
    static_assert(std::has_unique_object_representations_v<Key>);
    const auto* const bytes = reinterpret_cast<const unsigned char*>(&key);
    std::size_t hash = 14695981039346656037u;  // Source: the constants of FNV-1a
    for (std::size_t i = 0; i < sizeof(Key); ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
  }
};

struct EqualBytes {
  template <class Key>
  bool operator()(const Key& a, const Key& b) const {
    return std::memcmp(&a, &b, sizeof(Key)) == 0;
  }
};

// The handles of a library, one for each device, and the plans made with them. The lock is held
// from here until what a plan describes has been queued: plans and handles carry parts of a call.
template <class Handle, class Key, class Plan>
class Plans {
 public:
  explicit Plans(std::size_t most) : most_(most) {}

  // `create(&handle)` says whether it worked; null if the library does not work on the device.
  template <class Create>
  Handle handle_of(int device, const Create& create) {
    auto& entry = devices_[device];
    if (!entry.tried) {
      entry.tried = true;
      if (!create(&entry.handle)) entry.handle = nullptr;
    }
    return entry.handle;
  }

  // The plan of the key, made by `make()` if there is none. When there are too many all go.
  template <class Make>
  const Plan& plan_for(const Key& key, const Make& make) {
    const auto found = by_key_.find(key);
    if (found != by_key_.end()) return found->second;
    if (by_key_.size() >= most_) by_key_.clear();
    return by_key_.emplace(key, make()).first->second;
  }

  std::mutex lock;

 private:
  const std::size_t most_;
  std::unordered_map<Key, Plan, HashOfBytes, EqualBytes> by_key_;
  struct {
    Handle handle;
    bool tried;
  } devices_[kMaxDevices] = {};
};

// The largest power of two up to 256 that divides an address and the steps from it.
inline uint32_t alignment_of(const void* data, int64_t step_bytes) {
  const std::uintptr_t bits = reinterpret_cast<std::uintptr_t>(data) |
                              static_cast<std::uintptr_t>(step_bytes) | std::uintptr_t{256};
  return static_cast<uint32_t>(bits & (~bits + 1));
}

}  // namespace tallow::cuda
