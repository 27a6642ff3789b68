// The part of NVTX that the plugin uses, with the emulator itself as the profiler: it keeps what it
// is told, for tallow_emu_marks().
#pragma once

#include <cstdint>

// NOLINTBEGIN: the names are NVIDIA's
using nvtxRangeId_t = uint64_t;
void nvtxMarkA(const char* message);
int nvtxRangePushA(const char* message);
int nvtxRangePop();
nvtxRangeId_t nvtxRangeStartA(const char* message);
void nvtxRangeEnd(nvtxRangeId_t id);
// NOLINTEND
