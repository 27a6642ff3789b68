#include "core/device.h"

#include "core/device_runtime.h"
#include "core/error.h"

namespace tallow {

const char* device_type_name(DeviceType type) {
  switch (type) {
    case DeviceType::kCPU:
      return "cpu";
    case DeviceType::kCUDA:
      return "cuda";
    case DeviceType::kMeta:
      return "meta";
  }
  return "unknown";
}

Device Device::parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  Device device;
  if (name == "cpu") {
    device.type = DeviceType::kCPU;
  } else if (name == "cuda") {
    device.type = DeviceType::kCUDA;
  } else if (name == "meta") {
    device.type = DeviceType::kMeta;
  } else {
    raise<RuntimeError>("Expected one of cpu, cuda, meta device type at start of device string: ",
                        name);
  }
  if (colon == std::string_view::npos) return device;
  const std::string_view digits = text.substr(colon + 1);
  int index = 0;
  bool valid = !digits.empty() && digits.size() <= 3 && (digits.size() == 1 || digits[0] != '0');
  for (const char digit : digits) {
    valid = valid && digit >= '0' && digit <= '9';
    index = index * 10 + (digit - '0');
  }
  TALLOW_CHECK(valid && index < 128, "Invalid device string: '", text, "'");
  device.index = static_cast<int8_t>(index);
  return device;
}

Device Device::current_cuda() {
  return {DeviceType::kCUDA, static_cast<int8_t>(cuda_runtime().current_device())};
}

std::string Device::str() const {
  std::string text = device_type_name(type);
  if (index >= 0) text += ":" + std::to_string(index);
  return text;
}

std::ostream& operator<<(std::ostream& out, Device device) { return out << device.str(); }

}  // namespace tallow
