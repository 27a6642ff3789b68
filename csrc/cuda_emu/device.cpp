// The fake devices: state, properties and errors.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "cuda_emu/block.h"
#include "cuda_emu/control.h"
#include "cuda_emu/state.h"

namespace tallow::emu {

namespace {

thread_local cudaError_t last_error = cudaSuccess;
thread_local int selected_device = 0;

long environment(const char* name, long otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == '\0' ? otherwise : std::strtol(text, nullptr, 10);
}

State* make_state() {
  State* const made = new State;  // never freed: streams may be used while the process ends
  made->capability = static_cast<int>(environment("TALLOW_EMU_CAPABILITY", 90));
  made->driver = static_cast<int>(environment("TALLOW_EMU_DRIVER", 13000));
  made->protect = environment("TALLOW_EMU_PROTECT", 1) != 0;
  made->blocking = environment("CUDA_LAUNCH_BLOCKING", 0) != 0;
  const long mebibytes = environment("TALLOW_EMU_MEMORY", 2048);
  const long count = made->driver == 0 ? 0 : environment("TALLOW_EMU_DEVICES", 2);
  for (long i = 0; i < count; ++i) {
    auto device = std::make_unique<Device>();
    device->arena.size = static_cast<std::size_t>(mebibytes) << 20;
    device->default_stream = std::make_shared<Stream>();
    device->default_stream->device = static_cast<int>(i);
    device->default_stream->is_default = true;
    device->streams.push_back(device->default_stream);
    made->devices.push_back(std::move(device));
  }
  if (const char* const order = std::getenv("TALLOW_EMU_ORDER")) {
    set_order(std::strcmp(order, "reverse") == 0    ? Order::kReverse
              : std::strcmp(order, "shuffled") == 0 ? Order::kShuffled
                                                    : Order::kForward,
              1);
  }
  return made;
}

cudaError_t count_devices(int* count) {
  State& s = state();
  if (s.driver < 13000) return cudaErrorInsufficientDriver;  // and *count stays as it was
  *count = static_cast<int>(s.devices.size());
  return *count == 0 ? cudaErrorNoDevice : cudaSuccess;
}

bool has_device(int device) {
  return device >= 0 && device < static_cast<int>(state().devices.size());
}

// An H200's figures, but for the memory.
cudaDeviceProp properties_of(int index) {
  cudaDeviceProp p = {};
  std::snprintf(p.name, sizeof p.name, "Emulated GPU");
  std::snprintf(p.uuid.bytes, sizeof p.uuid.bytes, "emulated-%d", index);
  p.totalGlobalMem = state().devices[static_cast<std::size_t>(index)]->arena.size;
  p.sharedMemPerBlock = 48 * 1024;
  p.sharedMemPerBlockOptin = 227 * 1024;
  p.sharedMemPerMultiprocessor = 228 * 1024;
  p.regsPerBlock = p.regsPerMultiprocessor = 65536;
  p.warpSize = 32;
  p.maxThreadsPerBlock = 1024;
  p.maxThreadsDim[0] = p.maxThreadsDim[1] = 1024;
  p.maxThreadsDim[2] = 64;
  p.maxGridSize[0] = 0x7fffffff;
  p.maxGridSize[1] = p.maxGridSize[2] = 65535;
  p.totalConstMem = 65536;
  p.major = state().capability / 10;
  p.minor = state().capability % 10;
  p.multiProcessorCount = 132;
  p.canMapHostMemory = p.concurrentKernels = p.unifiedAddressing = 1;
  p.streamPrioritiesSupported = p.cooperativeLaunch = p.memoryPoolsSupported = 1;
  p.pciBusID = index;
  p.asyncEngineCount = 3;
  p.memoryBusWidth = 6144;
  p.l2CacheSize = 60 << 20;
  p.maxThreadsPerMultiProcessor = 2048;
  p.maxBlocksPerMultiProcessor = 32;
  return p;
}

struct ErrorText {
  cudaError_t error;
  const char* name;
  const char* text;
};
#define TALLOW_EMU_ERROR(name, text) {name, #name, text}
constexpr ErrorText kErrorTexts[] = {
    TALLOW_EMU_ERROR(cudaSuccess, "no error"),
    TALLOW_EMU_ERROR(cudaErrorInvalidValue, "invalid argument"),
    TALLOW_EMU_ERROR(cudaErrorMemoryAllocation, "out of memory"),
    TALLOW_EMU_ERROR(cudaErrorInitializationError, "initialization error"),
    TALLOW_EMU_ERROR(cudaErrorInvalidConfiguration, "invalid configuration argument"),
    TALLOW_EMU_ERROR(cudaErrorInvalidDevicePointer, "invalid device pointer"),
    TALLOW_EMU_ERROR(cudaErrorInvalidMemcpyDirection, "invalid copy direction for memcpy"),
    TALLOW_EMU_ERROR(cudaErrorInsufficientDriver,
                     "CUDA driver version is insufficient for CUDA runtime version"),
    TALLOW_EMU_ERROR(cudaErrorNoDevice, "no CUDA-capable device is detected"),
    TALLOW_EMU_ERROR(cudaErrorInvalidDevice, "invalid device ordinal"),
    TALLOW_EMU_ERROR(cudaErrorInvalidResourceHandle, "invalid resource handle"),
    TALLOW_EMU_ERROR(cudaErrorNotReady, "device not ready"),
    TALLOW_EMU_ERROR(cudaErrorIllegalAddress, "an illegal memory access was encountered"),
    TALLOW_EMU_ERROR(cudaErrorPeerAccessAlreadyEnabled, "peer access is already enabled"),
    TALLOW_EMU_ERROR(cudaErrorHostMemoryAlreadyRegistered,
                     "part or all of the requested memory range is already mapped"),
    TALLOW_EMU_ERROR(cudaErrorHostMemoryNotRegistered,
                     "pointer does not correspond to a registered memory region"),
    TALLOW_EMU_ERROR(cudaErrorLaunchFailure, "unspecified launch failure"),
    TALLOW_EMU_ERROR(cudaErrorNotSupported, "operation not supported"),
    TALLOW_EMU_ERROR(cudaErrorStreamCaptureUnsupported,
                     "operation not permitted when stream is capturing"),
    TALLOW_EMU_ERROR(cudaErrorStreamCaptureInvalidated,
                     "operation failed due to a previous error during capture"),
    TALLOW_EMU_ERROR(cudaErrorStreamCaptureMerge,
                     "operation would result in a merge of separate capture sequences"),
    TALLOW_EMU_ERROR(cudaErrorStreamCaptureUnmatched,
                     "capture was not ended in the same stream as it began"),
    TALLOW_EMU_ERROR(cudaErrorStreamCaptureUnjoined, "capturing stream has unjoined work"),
    TALLOW_EMU_ERROR(cudaErrorStreamCaptureIsolation,
                     "dependency created on uncaptured work in another stream"),
    TALLOW_EMU_ERROR(
        cudaErrorStreamCaptureImplicit,
        "operation would make the legacy stream depend on a capturing blocking stream"),
    TALLOW_EMU_ERROR(cudaErrorCapturedEvent,
                     "operation not permitted on an event last recorded in a capturing stream"),
    TALLOW_EMU_ERROR(cudaErrorUnknown, "unknown error"),
};

const ErrorText& text_of(cudaError_t error) {
  for (const ErrorText& entry : kErrorTexts) {
    if (entry.error == error) return entry;
  }
  return kErrorTexts[std::size(kErrorTexts) - 1];
}

}  // namespace

State& state() {
  static State* const the_state = make_state();
  return *the_state;
}

cudaError_t answer(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

int current_device() { return selected_device; }

cudaError_t device_error(int index) {
  if (!has_device(index))
    return state().driver < 13000 ? cudaErrorInsufficientDriver : cudaErrorNoDevice;
  return state().devices[static_cast<std::size_t>(index)]->broken;
}

}  // namespace tallow::emu

// NOLINTBEGIN: the names are CUDA's
using tallow::emu::answer;
using tallow::emu::check_no_capture;
using tallow::emu::Lock;
using tallow::emu::Order;
using tallow::emu::run_device;
using tallow::emu::state;

cudaError_t cudaGetLastError() { return std::exchange(tallow::emu::last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return tallow::emu::last_error; }
const char* cudaGetErrorString(cudaError_t error) { return tallow::emu::text_of(error).text; }
const char* cudaGetErrorName(cudaError_t error) { return tallow::emu::text_of(error).name; }

cudaError_t cudaDriverGetVersion(int* version) {
  *version = state().driver;
  return cudaSuccess;
}
cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = 13000;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceCount(int* count) { return answer(tallow::emu::count_devices(count)); }

cudaError_t cudaGetDevice(int* device) {
  int count = 0;
  if (const cudaError_t error = tallow::emu::count_devices(&count)) return answer(error);
  *device = tallow::emu::selected_device;
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) {
  int count = 0;
  if (const cudaError_t error = tallow::emu::count_devices(&count)) return answer(error);
  if (!tallow::emu::has_device(device)) return answer(cudaErrorInvalidDevice);
  tallow::emu::selected_device = device;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (!tallow::emu::has_device(device)) return answer(cudaErrorInvalidDevice);
  *properties = tallow::emu::properties_of(device);
  return cudaSuccess;
}
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (!tallow::emu::has_device(device)) return answer(cudaErrorInvalidDevice);
  const cudaDeviceProp p = tallow::emu::properties_of(device);
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = p.maxThreadsPerBlock;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = static_cast<int>(p.sharedMemPerBlock);
      break;
    case cudaDevAttrWarpSize:
      *value = p.warpSize;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = p.multiProcessorCount;
      break;
    case cudaDevAttrMaxThreadsPerMultiProcessor:
      *value = p.maxThreadsPerMultiProcessor;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = p.major;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = p.minor;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin:
      *value = static_cast<int>(p.sharedMemPerBlockOptin);
      break;
    default:
      return answer(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}
cudaError_t cudaDeviceCanAccessPeer(int* can, int device, int peer) {
  if (!tallow::emu::has_device(device) || !tallow::emu::has_device(peer))
    return answer(cudaErrorInvalidDevice);
  *can = 0;
  return cudaSuccess;
}
cudaError_t cudaDeviceEnablePeerAccess(int, unsigned) { return answer(cudaErrorNotSupported); }

cudaError_t cudaDeviceSynchronize() {
  const Lock lock(state().mutex);
  if (const cudaError_t error = check_no_capture()) return answer(error);
  ++state().waits;
  return answer(run_device(tallow::emu::selected_device));
}
cudaError_t cudaDeviceReset() {
  const Lock lock(state().mutex);
  if (!tallow::emu::has_device(tallow::emu::selected_device)) return answer(cudaErrorInvalidDevice);
  static_cast<void>(run_device(tallow::emu::selected_device));
  tallow::emu::Device& device =
      *state().devices[static_cast<std::size_t>(tallow::emu::selected_device)];
  for (const auto& weak : device.streams) {
    if (const auto stream = weak.lock()) {
      stream->queue.clear();
      stream->done = stream->pushed;
    }
  }
  tallow::emu::arena_reset(device);
  device.broken = cudaSuccess;
  tallow::emu::last_error = cudaSuccess;
  return cudaSuccess;
}
// NOLINTEND

void tallow_emu_set_order(int order, uint32_t seed) {
  const Lock lock(state().mutex);
  tallow::emu::set_order(static_cast<Order>(std::clamp(order, 0, 2)), seed);
}
void tallow_emu_fail_malloc(int countdown, int failures) {
  const Lock lock(state().mutex);
  state().malloc_countdown = countdown;
  state().malloc_failures = failures;
}
const char* tallow_emu_report() { return tallow::emu::failure_report(); }
int64_t tallow_emu_launch_count() { return state().launches; }
int64_t tallow_emu_wait_count() { return state().waits; }
int tallow_emu_enqueue(void* stream, void (*run)(void*), void* argument) {
  return cudaLaunchHostFunc(static_cast<cudaStream_t>(stream), run, argument);
}
int64_t tallow_emu_pending_count() {
  const Lock lock(state().mutex);
  int64_t pending = 0;
  for (const auto& device : state().devices) {
    for (const auto& weak : device->streams) {
      if (const auto stream = weak.lock()) {
        pending += static_cast<int64_t>(stream->pushed - stream->done);
      }
    }
  }
  return pending;
}
