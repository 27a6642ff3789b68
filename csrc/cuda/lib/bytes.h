// Keys of plans: structs without padding that are hashed and compared as bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

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

// The largest power of two up to 256 that divides an address and the steps from it.
inline uint32_t alignment_of(const void* data, int64_t step_bytes) {
  const std::uintptr_t bits = reinterpret_cast<std::uintptr_t>(data) |
                              static_cast<std::uintptr_t>(step_bytes) | std::uintptr_t{256};
  return static_cast<uint32_t>(bits & (~bits + 1));
}

}  // namespace tallow::cuda
