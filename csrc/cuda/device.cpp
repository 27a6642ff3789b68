#include "cuda/device.h"

#include <pthread.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace tallow::cuda {

namespace {

thread_local int chosen = 0;   // by the user
thread_local int active = -1;  // what cudaSetDevice() was told last, by us
thread_local const char* op_name = "a CUDA call";
std::atomic<bool> initialized{false};
bool forked = false;  // Is this a child of a process that used CUDA, whose context it cannot use?

// Runs in the child of a fork, in the only thread that is left.
void note_fork() {
  forked = initialized.load(std::memory_order_relaxed);
  active = -1;
}

// The oldest devices that kernels are compiled for: tensor cores with bfloat16 (cuda/mma.h).
constexpr int kOldestMajor = 8;

Status check_capability(int device) {
  static std::atomic<bool> fits[kMaxDevices] = {};
  if (fits[device].load(std::memory_order_relaxed)) return Status::kOk;
  int major = 0;
  int minor = 0;
  TALLOW_CUDA_CHECK(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
  TALLOW_CUDA_CHECK(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
  if (major >= kOldestMajor) {
    fits[device].store(true, std::memory_order_relaxed);
    return Status::kOk;
  }
  return fail(Status::kRuntimeError,
              "cuda:%d has compute capability %d.%d, the CUDA plugin needs %d.0 or newer", device,
              major, minor, kOldestMajor);
}

// Why cudaGetDeviceCount() failed, as something to do about it.
void explain(cudaError_t error, char* why, int64_t size) {
  if (!why) return;
  const auto bytes = static_cast<std::size_t>(size);
  int driver = 0;
  int runtime = 0;
  versions(&driver, &runtime);
  if (error == cudaErrorInsufficientDriver && driver == 0) {
    std::snprintf(why, bytes,
                  "no NVIDIA driver was found (libcuda.so.1); install one that "
                  "supports CUDA %d.%d",
                  runtime / 1000, runtime % 1000 / 10);
  } else if (error == cudaErrorInsufficientDriver) {
    std::snprintf(why, bytes,
                  "the NVIDIA driver supports CUDA %d.%d, this build needs CUDA %d.%d; install a "
                  "newer driver",
                  driver / 1000, driver % 1000 / 10, runtime / 1000, runtime % 1000 / 10);
  } else if (error == cudaSuccess || error == cudaErrorNoDevice) {
    const char* const visible = std::getenv("CUDA_VISIBLE_DEVICES");
    if (visible) {
      std::snprintf(why, bytes, "no CUDA device is visible with CUDA_VISIBLE_DEVICES='%s'",
                    visible);
    } else {
      std::snprintf(why, bytes, "no CUDA device was found");
    }
  } else {
    std::snprintf(why, bytes, "CUDA cannot be started: %s (%s)", cudaGetErrorString(error),
                  cudaGetErrorName(error));
  }
}

}  // namespace

int device_count(char* why, int64_t size) {
  int count = 0;  // stays as it is on failure
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error != cudaSuccess) (void)cudaGetLastError();
  if (error == cudaSuccess && count > 0) return count < kMaxDevices ? count : kMaxDevices;
  explain(error, why, size);
  return 0;
}

Status check_device(int device) {
  static const int count = device_count();
  if (device >= 0 && device < count) return Status::kOk;
  if (count == 0) {
    char why[512] = "";
    device_count(why, sizeof(why));
    return fail(Status::kRuntimeError, "device 'cuda' cannot be used: %s", why);
  }
  return fail(Status::kRuntimeError,
              "CUDA error: invalid device ordinal\nGPU device may be out of range, do you have "
              "enough GPUs? Device cuda:%d was asked for, there %s %d.",
              device, count == 1 ? "is" : "are", count);
}

int thread_device() { return chosen; }

Status set_thread_device(int device) {
  TALLOW_CUDA_TRY(check_device(device));
  chosen = device;
  return activate(device);
}

int active_device() { return active < 0 ? chosen : active; }

Status activate(int device) {
  if (device == active) return Status::kOk;
  if (forked) {
    return fail(Status::kRuntimeError,
                "Cannot re-initialize CUDA in forked subprocess. To use CUDA with multiprocessing, "
                "you must use the 'spawn' start method");
  }
  TALLOW_CUDA_TRY(check_device(device));
  TALLOW_CUDA_TRY(check_capability(device));
  TALLOW_CUDA_CHECK(cudaSetDevice(device));
  active = device;
  if (!initialized.exchange(true)) pthread_atfork(nullptr, nullptr, &note_fork);
  return Status::kOk;
}

bool is_initialized() { return initialized.load(std::memory_order_relaxed); }

const char* current_op() { return op_name; }
void set_current_op(const char* op) { op_name = op; }

Status device_properties(int device, DeviceProperties* out) {
  TALLOW_CUDA_TRY(check_device(device));
  cudaDeviceProp given;
  TALLOW_CUDA_CHECK(cudaGetDeviceProperties(&given, device));
  std::memset(out, 0, sizeof(*out));
  std::snprintf(out->name, sizeof(out->name), "%s", given.name);
  std::memcpy(out->uuid, &given.uuid, sizeof(out->uuid));
  out->major = given.major;
  out->minor = given.minor;
  out->multi_processor_count = given.multiProcessorCount;
  out->max_threads_per_multi_processor = given.maxThreadsPerMultiProcessor;
  out->warp_size = given.warpSize;
  out->registers_per_multiprocessor = given.regsPerMultiprocessor;
  out->is_integrated = given.integrated;
  out->is_multi_gpu_board = given.isMultiGpuBoard;
  out->pci_domain_id = given.pciDomainID;
  out->pci_bus_id = given.pciBusID;
  out->pci_device_id = given.pciDeviceID;
  out->total_memory = static_cast<int64_t>(given.totalGlobalMem);
  out->shared_memory_per_block = static_cast<int64_t>(given.sharedMemPerBlock);
  out->shared_memory_per_block_optin = static_cast<int64_t>(given.sharedMemPerBlockOptin);
  out->shared_memory_per_multiprocessor = static_cast<int64_t>(given.sharedMemPerMultiprocessor);
  out->l2_cache_size = given.l2CacheSize;
  return Status::kOk;
}

void versions(int* driver, int* runtime) {
  if (cudaDriverGetVersion(driver) != cudaSuccess) *driver = 0;
  if (cudaRuntimeGetVersion(runtime) != cudaSuccess) *runtime = 0;
  (void)cudaGetLastError();
}

Status can_access_peer(int device, int peer, bool* out) {
  TALLOW_CUDA_TRY(check_device(device));
  TALLOW_CUDA_TRY(check_device(peer));
  int can = 0;
  if (device != peer) TALLOW_CUDA_CHECK(cudaDeviceCanAccessPeer(&can, device, peer));
  *out = can != 0;
  return Status::kOk;
}

}  // namespace tallow::cuda
