// The core's buffers for the text of kernel failures; plugins write into them as well.
#include "core/device_runtime.h"

namespace tallow {

char* status_buffer() {
  static thread_local char buffer[kStatusBytes];
  return buffer;
}

}  // namespace tallow
