// The interface of a device plugin: one exported function that returns a table. Plain data only, so
// that plugin and core may come from different compilers.
#pragma once

#include "backend/backend.h"
#include "core/device_runtime.h"

namespace tallow {

// What the core lends to a plugin.
struct HostServices {
  char* (*status_buffer)();  // where fail() leaves its message for the calling thread
};

struct Plugin {
  // Counts changes of any struct that crosses the boundary. The sizes notice what was forgotten.
  static constexpr uint32_t kAbi = 1;

  uint32_t abi;
  uint32_t size;          // of this struct
  uint32_t backend_size;  // of what `kernels` points to
  uint32_t runtime_size;  // of what `runtime` points to
  const char* version;    // of tallow, from which the plugin was built
  const char* name;       // "cuda", or "cuda-emulator"
  const Backend* kernels;
  const DeviceRuntime* runtime;
  // Called once, before anything else.
  void (*start)(const HostServices* services);
};

// The one symbol a plugin exports: extern "C" const Plugin* tallow_backend_v1().
inline constexpr const char* kPluginSymbol = "tallow_backend_v1";

// The CUDA plugin, opened by the first call; RuntimeError if there is none that works.
const Plugin& cuda_plugin();
// Where to look for the plugin besides the folder of this module: called at most once, when the
// plugin is opened. The path of the package tallow_cuda13, or "".
void set_plugin_package(const char* (*folder)());

}  // namespace tallow
