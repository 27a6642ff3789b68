#include "cuda/error_record.h"

#include <atomic>
#include <mutex>

#include "cuda/device.h"

namespace tallow::cuda {

namespace {

std::mutex lock;
std::atomic<ErrorRecord*> host_record{nullptr};

// The record as kernels address it; with unified addressing that is the host's pointer.
Status record_of_device(ErrorRecord** out) {
  if (!host_record.load(std::memory_order_acquire)) {
    const std::lock_guard<std::mutex> guard(lock);
    if (!host_record.load(std::memory_order_relaxed)) {
      void* memory = nullptr;
      TALLOW_CUDA_CHECK(
          cudaHostAlloc(&memory, sizeof(ErrorRecord), cudaHostAllocMapped | cudaHostAllocPortable));
      host_record.store(new (memory) ErrorRecord{}, std::memory_order_release);
    }
  }
  void* device = nullptr;
  TALLOW_CUDA_CHECK(cudaHostGetDevicePointer(&device, host_record.load(), 0));
  *out = static_cast<ErrorRecord*>(device);
  return Status::kOk;
}

Status raise_position(const ErrorRecord& found) {
  const auto index = static_cast<long long>(found.index);
  const auto size = static_cast<long long>(found.size);
  const auto place = static_cast<long long>(found.place);
  const auto kind = static_cast<PositionError>(found.kind);
  switch (kind) {
    case PositionError::kBounds:
    case PositionError::kBoundsRuntime:
      return fail(kind == PositionError::kBounds ? Status::kIndexError : Status::kRuntimeError,
                  "%sindex %lld is out of bounds for dimension %lld with size %lld"
                  " (element %lld of the index; found by %s on the device)",
                  found.prefix, index, static_cast<long long>(found.dim), size, place, found.op);
    case PositionError::kSelf:
      return fail(Status::kIndexError,
                  "index out of range in self: index %lld (element %lld of the index) is not in"
                  " [0, %lld); found by %s on the device",
                  index, place, size, found.op);
    case PositionError::kTake:
      break;
  }
  return fail(Status::kIndexError,
              "out of range: tried to access index %lld on a tensor of %lld elements."
              " (element %lld of the index; found by %s on the device)",
              index, size, place, found.op);
}

}  // namespace

Status position_report(const IndexBound& bound, ErrorReport* report) {
  *report = {nullptr, static_cast<int32_t>(bound.error), bound.dim, current_op(), bound.prefix};
  return record_of_device(&report->record);
}

Status target_report(ErrorReport* report) {
  *report = {nullptr, static_cast<int32_t>(RecordedError::kTarget), 0, current_op(), ""};
  return record_of_device(&report->record);
}

Status probability_report(ErrorReport* report) {
  *report = {nullptr, static_cast<int32_t>(RecordedError::kInputProbability), 0, current_op(), ""};
  return record_of_device(&report->record);
}

Status take_recorded_error() {
  ErrorRecord* const record = host_record.load(std::memory_order_acquire);
  if (!record || __atomic_load_n(&record->ready, __ATOMIC_ACQUIRE) == 0) return Status::kOk;
  const std::lock_guard<std::mutex> guard(lock);
  if (__atomic_load_n(&record->ready, __ATOMIC_ACQUIRE) == 0) return Status::kOk;
  const ErrorRecord found = *record;
  __atomic_store_n(&record->ready, 0u, __ATOMIC_RELEASE);
  __atomic_store_n(&record->taken, 0u, __ATOMIC_RELEASE);
  switch (static_cast<RecordedError>(found.kind)) {
    case RecordedError::kTarget:
      return fail(Status::kIndexError, "Target %lld is out of bounds. (found by %s on the device)",
                  static_cast<long long>(found.index), found.op);
    case RecordedError::kInputProbability:
    case RecordedError::kTargetProbability:
      return fail(
          Status::kRuntimeError,
          "all elements of %s should be between 0 and 1 (element %lld is not; found by %s "
          "on the device)",
          found.kind == static_cast<int32_t>(RecordedError::kInputProbability) ? "input" : "target",
          static_cast<long long>(found.place), found.op);
    default:
      return raise_position(found);
  }
}

}  // namespace tallow::cuda
