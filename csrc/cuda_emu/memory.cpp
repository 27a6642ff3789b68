// Device memory: a range of addresses per device that the host may touch only while device work
// runs, pinned host memory, and copies.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "cuda_emu/state.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace tallow::emu {

namespace {

constexpr std::size_t kAlignment = 512;
#ifdef __SANITIZE_ADDRESS__
constexpr std::size_t kGap = kAlignment;  // between allocations, so that overruns meet poison
#else
constexpr std::size_t kGap = 0;
#endif

std::size_t footprint(std::size_t nbytes) {
  return (nbytes + kAlignment - 1) / kAlignment * kAlignment + kGap;
}

void poison([[maybe_unused]] const void* data, [[maybe_unused]] std::size_t nbytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(data, nbytes);
#endif
}
void unpoison([[maybe_unused]] const void* data, [[maybe_unused]] std::size_t nbytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(data, nbytes);
#endif
}

bool map_arena(Arena& arena) {
  if (arena.base != nullptr) return true;
  void* const base = mmap(nullptr, arena.size, state().protect ? PROT_NONE : PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) return false;
  arena.base = static_cast<char*>(base);
  arena.vacant[0] = arena.size;
  poison(base, arena.size);
  return true;
}

Device* device_at(int index) {
  State& s = state();
  return index < 0 || index >= static_cast<int>(s.devices.size())
             ? nullptr
             : s.devices[static_cast<std::size_t>(index)].get();
}

cudaError_t allocate(std::size_t nbytes, void** pointer) {
  Device* const device = device_at(current_device());
  if (device == nullptr) return cudaErrorNoDevice;
  if (device->broken) return device->broken;
  if (const cudaError_t error = check_no_capture()) return error;
  State& s = state();
  if (s.malloc_failures > 0 && s.malloc_countdown-- <= 0) {
    --s.malloc_failures;
    return cudaErrorMemoryAllocation;
  }
  return arena_allocate(*device, nbytes, pointer);
}

// Moves bytes while the memory of the devices concerned is open.
struct Move {
  void* out;
  const void* in;
  std::size_t nbytes;
  std::shared_ptr<char[]> staged;  // instead of `in`

  cudaError_t operator()() const {
    Device* const to = device_at(device_of(out));
    Device* const from = staged ? nullptr : device_at(device_of(in));
    if (to) arena_open(*to);
    if (from) arena_open(*from);
    std::memmove(out, staged ? staged.get() : in, nbytes);
    if (from) arena_close(*from);
    if (to) arena_close(*to);
    return cudaSuccess;
  }
};

bool direction_fits(cudaMemcpyKind kind, bool to_device, bool from_device) {
  switch (kind) {
    case cudaMemcpyHostToHost:
      return !to_device && !from_device;
    case cudaMemcpyHostToDevice:
      return to_device && !from_device;
    case cudaMemcpyDeviceToHost:
      return !to_device && from_device;
    case cudaMemcpyDeviceToDevice:
      return to_device && from_device;
    case cudaMemcpyDefault:
      return true;
  }
  return false;
}

// As on hardware: pageable sources are read before the call returns, a copy to pageable memory
// waits; pinned memory is read and written when the stream comes to it.
cudaError_t copy(void* out, const void* in, std::size_t nbytes, cudaMemcpyKind kind,
                 const std::shared_ptr<Stream>& stream, bool wait) {
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (nbytes == 0) return cudaSuccess;
  const bool to_device = device_of(out) >= 0;
  const bool from_device = device_of(in) >= 0;
  if (!direction_fits(kind, to_device, from_device)) return cudaErrorInvalidMemcpyDirection;
  if ((to_device && !inside_allocation(out, nbytes)) ||
      (from_device && !inside_allocation(in, nbytes))) {
    return cudaErrorInvalidValue;
  }
  Move move{out, in, nbytes, nullptr};
  if (!from_device && !is_pinned(in)) {
    move.staged.reset(new char[nbytes]);
    std::memcpy(move.staged.get(), in, nbytes);
  }
  wait = wait || (!to_device && !is_pinned(out));
  if (wait) {
    if (const cudaError_t error = check_not_captured(*stream)) return error;
  }
  if (const cudaError_t error = enqueue(stream, move)) return error;
  if (!wait) return cudaSuccess;
  ++state().waits;
  return run_until({stream, stream->pushed});
}

cudaError_t fill(void* out, int value, std::size_t nbytes, const std::shared_ptr<Stream>& stream) {
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (nbytes == 0) return cudaSuccess;
  Device* const device = device_at(device_of(out));
  if (device == nullptr || !inside_allocation(out, nbytes)) return cudaErrorInvalidValue;
  return enqueue(stream, [=] {
    arena_open(*device);
    std::memset(out, value, nbytes);
    arena_close(*device);
    return cudaSuccess;
  });
}

}  // namespace

int device_of(const void* pointer) {
  const auto& devices = state().devices;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const Arena& arena = devices[i]->arena;
    const auto* const p = static_cast<const char*>(pointer);
    if (arena.base && p >= arena.base && p < arena.base + arena.size) return static_cast<int>(i);
  }
  return -1;
}

bool inside_allocation(const void* pointer, std::size_t nbytes) {
  const Arena& arena = device_at(device_of(pointer))->arena;
  const auto offset = static_cast<std::size_t>(static_cast<const char*>(pointer) - arena.base);
  auto block = arena.live.upper_bound(offset);
  if (block == arena.live.begin()) return false;
  --block;
  return offset - block->first <= block->second &&
         nbytes <= block->second - (offset - block->first);
}

bool is_pinned(const void* pointer) {
  const auto& pinned = state().pinned;
  const auto* const p = static_cast<const char*>(pointer);
  auto block = pinned.upper_bound(p);
  if (block == pinned.begin()) return false;
  --block;
  return p < block->first + block->second;
}

void arena_open(Device& device) {
  Arena& arena = device.arena;
  if (arena.open++ == 0 && arena.base && state().protect) {
    mprotect(arena.base, arena.size, PROT_READ | PROT_WRITE);
  }
}

void arena_close(Device& device) {
  Arena& arena = device.arena;
  if (--arena.open == 0 && arena.base && state().protect) {
    mprotect(arena.base, arena.size, PROT_NONE);
  }
}

cudaError_t arena_allocate(Device& device, std::size_t nbytes, void** pointer) {
  Arena& arena = device.arena;
  if (nbytes == 0) {
    *pointer = nullptr;
    return cudaSuccess;
  }
  if (nbytes > arena.size || !map_arena(arena)) return cudaErrorMemoryAllocation;
  const std::size_t need = footprint(nbytes);
  for (auto [offset, size] : arena.vacant) {
    if (size < need) continue;
    arena.vacant.erase(offset);
    if (size > need) arena.vacant[offset + need] = size - need;
    arena.live[offset] = nbytes;
    arena.used += need;
    *pointer = arena.base + offset;
    unpoison(*pointer, nbytes);
    // What is read before it was written is NaN.
    arena_open(device);
    std::memset(*pointer, 0xff, nbytes);
    arena_close(device);
    return cudaSuccess;
  }
  return cudaErrorMemoryAllocation;
}

cudaError_t arena_free(Device& device, void* pointer) {
  Arena& arena = device.arena;
  auto offset = static_cast<std::size_t>(static_cast<char*>(pointer) - arena.base);
  const auto block = arena.live.find(offset);
  if (block == arena.live.end()) return cudaErrorInvalidValue;
  std::size_t size = footprint(block->second);
  poison(pointer, block->second);
  // Opening and closing the arena takes time for every page in use.
  constexpr std::size_t kPage = 4096;
  const std::size_t first = (offset + kPage - 1) / kPage * kPage;
  const std::size_t last = (offset + size) / kPage * kPage;
  if (first < last) madvise(arena.base + first, last - first, MADV_DONTNEED);
  arena.live.erase(block);
  arena.used -= size;
  const auto next = arena.vacant.find(offset + size);
  if (next != arena.vacant.end()) {
    size += next->second;
    arena.vacant.erase(next);
  }
  const auto after = arena.vacant.lower_bound(offset);
  if (after != arena.vacant.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == offset) {
      offset = before->first;
      size += before->second;
    }
  }
  arena.vacant[offset] = size;
  return cudaSuccess;
}

void arena_reset(Device& device) {
  Arena& arena = device.arena;
  if (arena.base == nullptr) return;
  unpoison(arena.base, arena.size);
  munmap(arena.base, arena.size);
  const std::size_t size = arena.size;
  arena = {};
  arena.size = size;
}

}  // namespace tallow::emu

// NOLINTBEGIN: the names are CUDA's
using tallow::emu::answer;
using tallow::emu::check_no_capture;
using tallow::emu::current_device;
using tallow::emu::device_of;
using tallow::emu::enqueue;
using tallow::emu::find_stream;
using tallow::emu::is_pinned;
using tallow::emu::Lock;
using tallow::emu::run_device;
using tallow::emu::state;

cudaError_t cudaMalloc(void** pointer, std::size_t nbytes) {
  const Lock lock(state().mutex);
  return answer(tallow::emu::allocate(nbytes, pointer));
}

// Waits for the device, as on hardware.
cudaError_t cudaFree(void* pointer) {
  const Lock lock(state().mutex);
  if (pointer == nullptr) return cudaSuccess;
  if (const cudaError_t error = check_no_capture()) return answer(error);
  const int index = device_of(pointer);
  if (index < 0) return answer(cudaErrorInvalidValue);
  static_cast<void>(run_device(index));
  return answer(tallow::emu::arena_free(*tallow::emu::device_at(index), pointer));
}

cudaError_t cudaMallocAsync(void** pointer, std::size_t nbytes, cudaStream_t handle) {
  const Lock lock(state().mutex);
  if (!find_stream(handle)) return answer(cudaErrorInvalidResourceHandle);
  return answer(tallow::emu::allocate(nbytes, pointer));
}

cudaError_t cudaFreeAsync(void* pointer, cudaStream_t handle) {
  const Lock lock(state().mutex);
  const auto stream = find_stream(handle);
  if (!stream) return answer(cudaErrorInvalidResourceHandle);
  tallow::emu::Device* const device = tallow::emu::device_at(device_of(pointer));
  if (device == nullptr) return answer(cudaErrorInvalidValue);
  return answer(enqueue(stream, [=] { return tallow::emu::arena_free(*device, pointer); }));
}

cudaError_t cudaMemGetInfo(std::size_t* free_bytes, std::size_t* total_bytes) {
  const Lock lock(state().mutex);
  const tallow::emu::Device* const device = tallow::emu::device_at(current_device());
  if (device == nullptr) return answer(cudaErrorNoDevice);
  *total_bytes = device->arena.size;
  *free_bytes = device->arena.size - device->arena.used;
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** pointer, std::size_t nbytes, unsigned) {
  const Lock lock(state().mutex);
  if (tallow::emu::device_at(0) == nullptr) return answer(cudaErrorNoDevice);
  if (nbytes == 0) {
    *pointer = nullptr;
    return cudaSuccess;
  }
  void* const memory = std::aligned_alloc(4096, (nbytes + 4095) / 4096 * 4096);
  if (memory == nullptr) return answer(cudaErrorMemoryAllocation);
  std::memset(memory, 0xff, nbytes);
  state().pinned[static_cast<char*>(memory)] = nbytes;
  *pointer = memory;
  return cudaSuccess;
}
cudaError_t cudaMallocHost(void** pointer, std::size_t nbytes, unsigned flags) {
  return cudaHostAlloc(pointer, nbytes, flags);
}
cudaError_t cudaFreeHost(void* pointer) {
  const Lock lock(state().mutex);
  if (pointer == nullptr) return cudaSuccess;
  if (state().pinned.erase(static_cast<char*>(pointer)) == 0) return answer(cudaErrorInvalidValue);
  for (std::size_t i = 0; i < state().devices.size(); ++i) {
    static_cast<void>(run_device(static_cast<int>(i)));
  }
  std::free(pointer);
  return cudaSuccess;
}
cudaError_t cudaHostGetDevicePointer(void** device_pointer, void* pointer, unsigned) {
  const Lock lock(state().mutex);
  if (!is_pinned(pointer)) return answer(cudaErrorInvalidValue);
  *device_pointer = pointer;
  return cudaSuccess;
}
cudaError_t cudaHostRegister(void* pointer, std::size_t nbytes, unsigned) {
  const Lock lock(state().mutex);
  if (pointer == nullptr || nbytes == 0) return answer(cudaErrorInvalidValue);
  if (is_pinned(pointer)) return answer(cudaErrorHostMemoryAlreadyRegistered);
  state().pinned[static_cast<char*>(pointer)] = nbytes;
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* pointer) {
  const Lock lock(state().mutex);
  if (state().pinned.erase(static_cast<char*>(pointer)) == 0) {
    return answer(cudaErrorHostMemoryNotRegistered);
  }
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  const Lock lock(state().mutex);
  const int device = device_of(pointer);
  void* const p = const_cast<void*>(pointer);
  if (device >= 0) {
    *attributes = {cudaMemoryTypeDevice, device, p, nullptr};
  } else if (is_pinned(pointer)) {
    *attributes = {cudaMemoryTypeHost, current_device(), p, p};
  } else {
    *attributes = {cudaMemoryTypeUnregistered, -1, nullptr, p};
  }
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* out, const void* in, std::size_t nbytes, cudaMemcpyKind kind) {
  const Lock lock(state().mutex);
  return answer(tallow::emu::copy(out, in, nbytes, kind, find_stream(nullptr), true));
}
cudaError_t cudaMemcpyAsync(void* out, const void* in, std::size_t nbytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const Lock lock(state().mutex);
  return answer(tallow::emu::copy(out, in, nbytes, kind, find_stream(stream), false));
}
cudaError_t cudaMemcpyPeerAsync(void* out, int out_device, const void* in, int in_device,
                                std::size_t nbytes, cudaStream_t stream) {
  const Lock lock(state().mutex);
  if (nbytes != 0 && (device_of(out) != out_device || device_of(in) != in_device)) {
    return answer(cudaErrorInvalidValue);
  }
  return answer(
      tallow::emu::copy(out, in, nbytes, cudaMemcpyDeviceToDevice, find_stream(stream), false));
}
cudaError_t cudaMemset(void* out, int value, std::size_t nbytes) {
  return cudaMemsetAsync(out, value, nbytes, nullptr);
}
cudaError_t cudaMemsetAsync(void* out, int value, std::size_t nbytes, cudaStream_t stream) {
  const Lock lock(state().mutex);
  return answer(tallow::emu::fill(out, value, nbytes, find_stream(stream)));
}
// NOLINTEND
