// Errors that kernels find in their data: an index out of range. The kernel notes the first one in
// host memory and goes on with a harmless value; the next call that waits for the device raises it.
// Neither the process nor the device's context is lost.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "backend/index.h"
#include "cuda/status.h"

namespace tallow::cuda {

// In host memory that kernels can write to, one for all devices.
struct ErrorRecord {
  unsigned taken;  // by the first that noted something
  unsigned ready;  // what follows is complete
  int32_t kind;
  int64_t index, size, dim, place;
  const char* op;  // pointers to strings of the core
  const char* prefix;
};

enum class RecordedError : int32_t {
  kPosition,  // or any other PositionError
  kTarget = 16,
  kInputProbability,
  kTargetProbability,
};

// What a kernel needs to report: passed to it by value. Made by position_report()/target_report().
struct ErrorReport {
  ErrorRecord* record;
  int32_t kind;
  int64_t dim;
  const char* op;
  const char* prefix;
};

// Of positions checked against a bound.
[[nodiscard]] Status position_report(const IndexBound& bound, ErrorReport* report);
// Of class numbers of losses: IndexError "Target 7 is out of bounds."
[[nodiscard]] Status target_report(ErrorReport* report);
// Of numbers that are no probabilities: RuntimeError "all elements of input should be between 0 and
// 1". The kind becomes kTargetProbability for those of a target.
[[nodiscard]] Status probability_report(ErrorReport* report);

// The error found by kernels that have run, or kOk; forgets it.
[[nodiscard]] Status take_recorded_error();

#if defined(__CUDACC__) || defined(TALLOW_CUDA_EMULATED)
// Notes that `index`, element `place` of its tensor, is not in [0, size), unless something has been
// noted before.
__device__ inline void report_index(const ErrorReport& report, int64_t index, int64_t size,
                                    int64_t place) {
  ErrorRecord* const record = report.record;
  if (atomicCAS(&record->taken, 0u, 1u) != 0u) return;
  record->kind = report.kind;
  record->index = index;
  record->size = size;
  record->dim = report.dim;
  record->place = place;
  record->op = report.op;
  record->prefix = report.prefix;
  __threadfence_system();
  *static_cast<volatile unsigned*>(&record->ready) = 1u;
}
#endif

}  // namespace tallow::cuda
