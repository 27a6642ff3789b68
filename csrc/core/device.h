// Device: where a tensor's bytes live.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "core/macros.h"

namespace tallow {

enum class DeviceType : int8_t { kCPU, kCUDA, kMeta };

// Index -1 means "the current one"; CPU and meta tensors always have it.
struct Device {
  DeviceType type = DeviceType::kCPU;
  int8_t index = -1;

  TALLOW_INLINE bool operator==(Device other) const {
    return type == other.type && index == other.index;
  }
  TALLOW_INLINE bool operator!=(Device other) const { return !(*this == other); }
  TALLOW_INLINE bool is_meta() const { return type == DeviceType::kMeta; }
  TALLOW_INLINE bool is_cpu() const { return type == DeviceType::kCPU; }
  TALLOW_INLINE bool is_cuda() const { return type == DeviceType::kCUDA; }

  // "cpu", "cuda", "cuda:1", "meta"; anything else raises RuntimeError.
  static Device parse(std::string_view text);
  std::string str() const;
  // The device itself, with the calling thread's current index if it has none.
  Device resolved() const { return is_cuda() && index < 0 ? current_cuda() : *this; }

 private:
  static Device current_cuda();
};

inline constexpr Device kCPU{};

const char* device_type_name(DeviceType type);
std::ostream& operator<<(std::ostream& out, Device device);

}  // namespace tallow
