// The emulator's own state: devices, streams of queued work, memory. Private to this folder.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cuda_emu/api.h"

namespace tallow::emu {

struct Stream;
// Everything queued in a stream up to `position`.
struct Mark {
  std::shared_ptr<Stream> stream;
  uint64_t position = 0;
};
struct Work {
  std::function<cudaError_t()> run;
  std::vector<Mark> after;  // in other streams
};

// What is recorded between BeginCapture and EndCapture, in the order of the calls.
struct Capture {
  unsigned long long id;
  cudaStreamCaptureMode mode;
  bool invalid = false;
  std::thread::id owner;
  std::shared_ptr<Stream> origin;
  std::vector<std::shared_ptr<Stream>> joined;  // other streams that take part
  std::map<const Stream*, uint64_t> merged;     // position up to which the origin waited for them
  std::vector<std::function<cudaError_t()>> work;
};

struct Stream {
  int device;
  bool is_default = false;
  bool blocking = true;  // ordered with the default stream
  int priority = 0;
  uint64_t pushed = 0;
  uint64_t done = 0;
  std::deque<Work> queue;  // items done + 1 to pushed
  std::shared_ptr<Capture> capture;
  uint64_t captured = 0;  // position inside the capture
};

struct Arena {
  char* base = nullptr;
  std::size_t size = 0;
  std::size_t used = 0;
  std::map<std::size_t, std::size_t> live;    // offset -> bytes asked for
  std::map<std::size_t, std::size_t> vacant;  // offset -> bytes
  int open = 0;                               // while positive the host may touch it
};

struct Device {
  Arena arena;
  std::shared_ptr<Stream> default_stream;
  std::vector<std::weak_ptr<Stream>> streams;
  cudaError_t broken = cudaSuccess;  // after a failed launch, until cudaDeviceReset
};

struct State {
  std::recursive_mutex mutex;
  int driver = 13000;
  int capability = 90;
  bool protect = true;
  bool blocking = false;
  std::vector<std::unique_ptr<Device>> devices;
  std::unordered_map<const void*, std::shared_ptr<Stream>> streams;  // by handle
  std::map<const char*, std::size_t> pinned;
  std::unordered_map<const void*, int> shared_limits;  // by kernel
  std::vector<std::weak_ptr<Capture>> captures;
  unsigned long long next_capture = 1;
  int malloc_countdown = 0;
  int malloc_failures = 0;
  int64_t launches = 0;
  int64_t waits = 0;
};

// Reads the environment at the first call.
State& state();
using Lock = std::lock_guard<std::recursive_mutex>;

// Keeps the error for cudaGetLastError and returns it.
cudaError_t answer(cudaError_t error);
int current_device();
// The first error of device `index`, if a launch failed on it.
cudaError_t device_error(int index);

// The stream of a handle, null if there is none. The default stream is that of the current device.
std::shared_ptr<Stream> find_stream(cudaStream_t handle);
// Appends to the stream, or to the capture it takes part in.
cudaError_t enqueue(const std::shared_ptr<Stream>& stream, std::function<cudaError_t()> run,
                    std::vector<Mark> after = {});
// Runs everything up to the mark, and what that waits for.
cudaError_t run_until(const Mark& mark);
cudaError_t run_device(int index);
// Refuses what may not be called while some stream is captured.
cudaError_t check_no_capture();
// The same for a call that waits for `stream`.
cudaError_t check_not_captured(const Stream& stream);

// The device whose memory holds the pointer, or -1.
int device_of(const void* pointer);
// Whether [pointer, pointer + nbytes) lies inside one live allocation of its device.
bool inside_allocation(const void* pointer, std::size_t nbytes);
bool is_pinned(const void* pointer);
cudaError_t arena_allocate(Device& device, std::size_t nbytes, void** pointer);
cudaError_t arena_free(Device& device, void* pointer);
void arena_open(Device& device);
void arena_close(Device& device);
void arena_reset(Device& device);

}  // namespace tallow::emu

struct CUevent_st {
  unsigned flags;
  int device;
  bool recorded = false;
  tallow::emu::Mark mark;
  std::shared_ptr<tallow::emu::Capture> capture;  // recorded inside it
  uint64_t captured = 0;
  const tallow::emu::Stream* captured_stream = nullptr;
  std::shared_ptr<std::chrono::steady_clock::time_point> time;
};
struct CUgraph_st {
  std::vector<std::function<cudaError_t()>> work;
};
struct CUgraphExec_st {
  std::vector<std::function<cudaError_t()>> work;
};
