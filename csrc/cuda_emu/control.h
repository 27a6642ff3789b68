// What tests ask of the emulator, beyond CUDA: exported with C names, so that Python reaches it
// through ctypes.
//
// Read from the environment when the first call comes:
//   TALLOW_EMU_DEVICES  number of devices (2); 0: none
//   TALLOW_EMU_CAPABILITY  ten times the compute capability (90)
//   TALLOW_EMU_DRIVER   version of the driver (13000); 0: none is installed
//   TALLOW_EMU_MEMORY   MiB of each device (2048)
//   TALLOW_EMU_ORDER    forward, reverse or shuffled: order of blocks and threads
//   TALLOW_EMU_PROTECT  0: leaves device memory readable by the host
//   CUDA_LAUNCH_BLOCKING  1: work runs when it is queued
#pragma once

#include <cstdint>

#define TALLOW_EMU_EXPORT __attribute__((visibility("default")))

extern "C" {
// 0 forward, 1 reverse, 2 shuffled with `seed`.
TALLOW_EMU_EXPORT void tallow_emu_set_order(int order, uint32_t seed);
// Lets the cudaMalloc after `countdown` more fail, and `failures` in all; 0 failures: none.
TALLOW_EMU_EXPORT void tallow_emu_fail_malloc(int countdown, int failures);
// Why the last launch failed; empty if none did.
TALLOW_EMU_EXPORT const char* tallow_emu_report();
// Since the process began: kernels run, calls that had to wait for a device.
TALLOW_EMU_EXPORT int64_t tallow_emu_launch_count();
TALLOW_EMU_EXPORT int64_t tallow_emu_wait_count();
// Queues host code that may use device memory while it runs: how tests/cuda/vendor imitates
// NVIDIA's libraries. In a captured graph it runs with every replay. 0, or the cudaError_t.
TALLOW_EMU_EXPORT int tallow_emu_enqueue(void* stream, void (*run)(void*), void* argument);
// What a profiler was told since the last call, a line each.
TALLOW_EMU_EXPORT const char* tallow_emu_marks();
// Items of work that are queued and have not run, on all devices.
TALLOW_EMU_EXPORT int64_t tallow_emu_pending_count();
}
