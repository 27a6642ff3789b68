// Marks for NVIDIA's profilers, by the header NVTX 3: without a profiler they do nothing. A toolkit
// without that header builds a plugin without marks.
#pragma once

#include "core/device_runtime.h"

#if __has_include(<nvtx3/nvToolsExt.h>)
#define TALLOW_CUDA_NVTX
#endif

namespace tallow::cuda {

#ifdef TALLOW_CUDA_NVTX
int64_t annotate(ProfilerMark mark, const char* text, uint64_t range);
inline constexpr ProfilerAnnotate* kAnnotate = annotate;
#else
inline constexpr ProfilerAnnotate* kAnnotate = nullptr;
#endif

}  // namespace tallow::cuda
