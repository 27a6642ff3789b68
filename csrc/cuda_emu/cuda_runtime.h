// Stands in for CUDA's header of this name: with csrc/cuda_emu among the include directories the
// plugin's sources become host code that runs on fibers.
#pragma once

#include <functional>
#include <tuple>
#include <utility>

#include "cuda_emu/api.h"
#include "cuda_emu/device.h"
#include "cuda_emu/mma.h"

namespace tallow::emu {

// Queues a kernel; `thread` runs once per thread of the grid.
cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel,
                   std::function<void()> thread);
cudaError_t set_function_attribute(const void* kernel, cudaFuncAttribute attribute, int value);

}  // namespace tallow::emu

// Arguments are copied when the kernel is queued, as on hardware.
template <class... Params, class... Args>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Params...),
                               Args&&... args) {
  std::tuple<Params...> values(std::forward<Args>(args)...);
  return tallow::emu::launch(*config, reinterpret_cast<const void*>(kernel),
                             [kernel, values] { std::apply(kernel, values); });
}

template <class... Params>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Params...), cudaFuncAttribute attribute,
                                 int value) {
  return tallow::emu::set_function_attribute(reinterpret_cast<const void*>(kernel), attribute,
                                             value);
}
