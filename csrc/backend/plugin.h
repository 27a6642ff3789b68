// The interface of a device plugin: one exported function that returns a table. Plain data only, so
// that plugin and core may come from different compilers.
#pragma once

#include "backend/backend.h"
#include "core/device_runtime.h"

namespace tallow {

// Switches of the user that concern a plugin, as bits.
enum MathOption : uint32_t {
  kTf32Products = 1,      // float32 products may round their factors to 10 bits
  kTf32Convolutions = 2,  // the same for convolutions
  kNoCudnn = 4,
};

// What the core lends to a plugin.
struct HostServices {
  char* (*status_buffer)();    // where fail() leaves its message for the calling thread
  uint32_t (*math_options)();  // MathOption bits
};

// Libraries that a plugin opens when they are first wanted.
enum class VendorLibrary : uint8_t { kCublasLt, kCudnn, kNccl };

struct Plugin {
  // Counts changes of any struct that crosses the boundary. The sizes, and how many operations
  // there are of each kind, notice what was forgotten.
  static constexpr uint32_t kAbi = 5;
  static constexpr uint32_t kOperations =
      ((static_cast<uint32_t>(UnaryOp::kCount) * 256 + static_cast<uint32_t>(BinaryOp::kCount)) *
           256 +
       static_cast<uint32_t>(CompareOp::kCount)) *
          256 +
      static_cast<uint32_t>(TernaryOp::kCount);

  uint32_t abi;
  uint32_t size;          // of this struct
  uint32_t backend_size;  // of what `kernels` points to
  uint32_t runtime_size;  // of what `runtime` points to
  uint32_t operations;
  const char* version;  // of tallow, from which the plugin was built
  const char* name;     // "cuda", or "cuda-emulator"
  const Backend* kernels;
  const DeviceRuntime* runtime;
  // Called once, before anything else.
  void (*start)(const HostServices* services);
  // The version as the library itself counts it; 0 if it cannot be used, and `why` says it.
  int64_t (*library_version)(VendorLibrary library, char* why, int64_t size);
};

// The one symbol a plugin exports: extern "C" const Plugin* tallow_backend_v1().
inline constexpr const char* kPluginSymbol = "tallow_backend_v1";

// The CUDA plugin, opened by the first call; RuntimeError if there is none that works.
const Plugin& cuda_plugin();
// What the plugin is told of the user's switches.
void set_math_options(uint32_t options);
// Where to look for the plugin besides the folder of this module: called at most once, when the
// plugin is opened. The path of the package tallow_cuda13, or "".
void set_plugin_package(const char* (*folder)());

}  // namespace tallow
