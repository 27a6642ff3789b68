// Streams, events and launches. Work runs only when somebody waits for it, and then only what that
// wait implies: where a wait or an event is missing, the reader finds the value from before.
#include <cstdio>

#include "cuda_emu/block.h"
#include "cuda_emu/cuda_runtime.h"
#include "cuda_emu/state.h"

namespace tallow::emu {

namespace {

Device& home_of(const Stream& stream) {
  return *state().devices[static_cast<std::size_t>(stream.device)];
}

// What the default stream and the others wait for without being told.
void add_implicit_waits(Stream& stream, std::vector<Mark>* after) {
  if (stream.is_default) {
    for (const auto& weak : home_of(stream).streams) {
      const auto other = weak.lock();
      if (other && other->blocking && other.get() != &stream && other->done < other->pushed) {
        after->push_back({other, other->pushed});
      }
    }
  } else if (stream.blocking) {
    const auto& first = home_of(stream).default_stream;
    if (first->done < first->pushed) after->push_back({first, first->pushed});
  }
}

bool is_valid_shape(const cudaLaunchConfig_t& config, const void* kernel) {
  const dim3 grid = config.gridDim;
  const dim3 block = config.blockDim;
  const bool sizes = grid.x >= 1 && grid.y >= 1 && grid.z >= 1 && grid.x <= 0x7fffffffu &&
                     grid.y <= 65535 && grid.z <= 65535 && block.x >= 1 && block.y >= 1 &&
                     block.z >= 1 && block.x <= 1024 && block.y <= 1024 && block.z <= 64 &&
                     std::size_t{block.x} * block.y * block.z <= 1024;
  const auto& limits = state().shared_limits;
  const auto limit = limits.find(kernel);
  const std::size_t shared =
      limit == limits.end() ? 48 * 1024 : static_cast<std::size_t>(limit->second);
  return sizes && config.dynamicSmemBytes <= shared;
}

cudaError_t run_launch(int index, const cudaLaunchConfig_t& config,
                       const std::function<void()>& thread) {
  State& s = state();
  Device& device = *s.devices[static_cast<std::size_t>(index)];
  ++s.launches;
  arena_open(device);
  const bool good = run_grid(config.gridDim, config.blockDim, config.dynamicSmemBytes, thread);
  arena_close(device);
  if (good) return cudaSuccess;
  std::fprintf(stderr, "tallow emulator: %s\n", failure_report());
  device.broken = cudaErrorLaunchFailure;
  return cudaErrorLaunchFailure;
}

cudaError_t create_stream(cudaStream_t* handle, unsigned flags, int priority) {
  if (const cudaError_t error = device_error(current_device())) return error;
  State& s = state();
  auto stream = std::make_shared<Stream>();
  stream->device = current_device();
  stream->blocking = (flags & cudaStreamNonBlocking) == 0;
  stream->priority = priority;
  s.devices[static_cast<std::size_t>(stream->device)]->streams.push_back(stream);
  *handle = reinterpret_cast<cudaStream_t>(stream.get());
  s.streams[stream.get()] = std::move(stream);
  return cudaSuccess;
}

cudaError_t record_event(CUevent_st& event, const std::shared_ptr<Stream>& stream) {
  if (!stream || stream->device != event.device) return cudaErrorInvalidResourceHandle;
  if (stream->capture) {
    event.capture = stream->capture;
    event.captured = stream->captured;
    event.captured_stream = stream.get();
    event.recorded = true;
    return cudaSuccess;
  }
  auto time = std::make_shared<std::chrono::steady_clock::time_point>();
  if (const cudaError_t error = enqueue(stream, [time] {
        *time = std::chrono::steady_clock::now();
        return cudaSuccess;
      })) {
    return error;
  }
  event.capture.reset();
  event.time = std::move(time);
  event.mark = {stream, stream->pushed};
  event.recorded = true;
  return cudaSuccess;
}

cudaError_t wait_event(const std::shared_ptr<Stream>& stream, const CUevent_st& event) {
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (!event.recorded) return cudaSuccess;
  if (event.capture) {
    if (stream->capture && stream->capture != event.capture) return cudaErrorStreamCaptureMerge;
    if (!stream->capture) {
      if (stream->is_default) return cudaErrorStreamCaptureImplicit;
      stream->capture = event.capture;
      stream->captured = 0;
      event.capture->joined.push_back(stream);
    }
    event.capture->merged[event.captured_stream] = event.captured;
    return cudaSuccess;
  }
  if (stream->capture) return cudaErrorStreamCaptureIsolation;
  return enqueue(stream, [] { return cudaSuccess; }, {event.mark});
}

bool is_done(const Mark& mark) { return !mark.stream || mark.stream->done >= mark.position; }

// "Not ready" once; the question sets the work going, so that a loop of questions comes to an end.
cudaError_t query(const Mark& mark) {
  if (is_done(mark)) return device_error(mark.stream ? mark.stream->device : current_device());
  const cudaError_t error = run_until(mark);
  return error ? error : cudaErrorNotReady;
}

}  // namespace

std::shared_ptr<Stream> find_stream(cudaStream_t handle) {
  State& s = state();
  if (handle == nullptr || handle == cudaStreamLegacy) {
    const auto index = static_cast<std::size_t>(current_device());
    return index < s.devices.size() ? s.devices[index]->default_stream : nullptr;
  }
  const auto found = s.streams.find(handle);
  return found == s.streams.end() ? nullptr : found->second;
}

cudaError_t enqueue(const std::shared_ptr<Stream>& stream, std::function<cudaError_t()> run,
                    std::vector<Mark> after) {
  if (const cudaError_t error = device_error(stream->device)) return error;
  if (stream->capture) {
    if (stream->capture->invalid) return cudaErrorStreamCaptureInvalidated;
    stream->capture->work.push_back(std::move(run));
    ++stream->captured;
    return cudaSuccess;
  }
  if (stream->is_default) {
    for (const auto& weak : state().captures) {
      const auto capture = weak.lock();
      if (capture && capture->origin->blocking && capture->origin->device == stream->device) {
        capture->invalid = true;
        return cudaErrorStreamCaptureImplicit;
      }
    }
  }
  add_implicit_waits(*stream, &after);
  stream->queue.push_back({std::move(run), std::move(after)});
  ++stream->pushed;
  return state().blocking ? run_until({stream, stream->pushed}) : cudaSuccess;
}

cudaError_t run_until(const Mark& mark) {
  Stream& stream = *mark.stream;
  Device& device = home_of(stream);
  arena_open(device);
  while (stream.done < mark.position) {
    const Work work = std::move(stream.queue.front());
    stream.queue.pop_front();
    ++stream.done;
    for (const Mark& earlier : work.after) static_cast<void>(run_until(earlier));
    // After a failed launch nothing more runs on the device, as on hardware.
    if (device.broken == cudaSuccess) {
      if (const cudaError_t error = work.run()) device.broken = error;
    }
  }
  arena_close(device);
  return device.broken;
}

cudaError_t run_device(int index) {
  if (const cudaError_t error = device_error(index)) return error;
  Device& device = *state().devices[static_cast<std::size_t>(index)];
  cudaError_t result = cudaSuccess;
  std::erase_if(device.streams, [](const auto& weak) { return weak.expired(); });
  for (const auto& weak : std::vector(device.streams)) {
    const auto stream = weak.lock();
    if (const cudaError_t error = run_until({stream, stream->pushed})) result = error;
  }
  return result;
}

cudaError_t set_function_attribute(const void* kernel, cudaFuncAttribute attribute, int value) {
  const Lock lock(state().mutex);
  if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize) return cudaSuccess;
  if (value < 0 || value > 227 * 1024) return answer(cudaErrorInvalidValue);
  state().shared_limits[kernel] = value;
  return cudaSuccess;
}

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel,
                   std::function<void()> thread) {
  const Lock lock(state().mutex);
  const auto stream = find_stream(config.stream);
  if (!stream) return answer(cudaErrorInvalidResourceHandle);
  if (!is_valid_shape(config, kernel)) return answer(cudaErrorInvalidConfiguration);
  const int device = stream->device;
  if (device != current_device()) return answer(cudaErrorInvalidResourceHandle);
  return answer(enqueue(stream, [device, config, body = std::move(thread)] {
    return run_launch(device, config, body);
  }));
}

}  // namespace tallow::emu

// NOLINTBEGIN: the names are CUDA's
using tallow::emu::answer;
using tallow::emu::check_no_capture;
using tallow::emu::check_not_captured;
using tallow::emu::current_device;
using tallow::emu::device_error;
using tallow::emu::enqueue;
using tallow::emu::find_stream;
using tallow::emu::Lock;
using tallow::emu::run_until;
using tallow::emu::state;

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithPriority(stream, cudaStreamDefault, 0);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  return cudaStreamCreateWithPriority(stream, flags, 0);
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  const Lock lock(state().mutex);
  return answer(tallow::emu::create_stream(stream, flags, priority));
}
cudaError_t cudaStreamGetPriority(cudaStream_t handle, int* priority) {
  const Lock lock(state().mutex);
  const auto stream = find_stream(handle);
  if (!stream) return answer(cudaErrorInvalidResourceHandle);
  *priority = stream->priority;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  const Lock lock(state().mutex);
  const auto stream = find_stream(handle);
  if (!stream || stream->is_default) return answer(cudaErrorInvalidResourceHandle);
  static_cast<void>(run_until({stream, stream->pushed}));
  state().streams.erase(handle);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  const Lock lock(state().mutex);
  const auto stream = find_stream(handle);
  if (!stream) return answer(cudaErrorInvalidResourceHandle);
  if (const cudaError_t error = check_not_captured(*stream)) return answer(error);
  ++state().waits;
  return answer(run_until({stream, stream->pushed}));
}
cudaError_t cudaStreamQuery(cudaStream_t handle) {
  const Lock lock(state().mutex);
  const auto stream = find_stream(handle);
  if (!stream) return answer(cudaErrorInvalidResourceHandle);
  if (const cudaError_t error = check_not_captured(*stream)) return answer(error);
  return answer(tallow::emu::query({stream, stream->pushed}));
}
cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  const Lock lock(state().mutex);
  if (event == nullptr) return answer(cudaErrorInvalidResourceHandle);
  return answer(tallow::emu::wait_event(find_stream(handle), *event));
}
cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* argument) {
  const Lock lock(state().mutex);
  const auto stream = find_stream(handle);
  if (!stream) return answer(cudaErrorInvalidResourceHandle);
  return answer(enqueue(stream, [=] {
    function(argument);
    return cudaSuccess;
  }));
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  const Lock lock(state().mutex);
  if (const cudaError_t error = device_error(current_device())) return answer(error);
  *event = new CUevent_st{};
  (*event)->flags = flags;
  (*event)->device = current_device();
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const Lock lock(state().mutex);
  delete event;
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const Lock lock(state().mutex);
  if (event == nullptr) return answer(cudaErrorInvalidResourceHandle);
  return answer(tallow::emu::record_event(*event, find_stream(stream)));
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const Lock lock(state().mutex);
  if (event->capture) return answer(cudaErrorCapturedEvent);
  if (const cudaError_t error = check_no_capture()) return answer(error);
  return answer(tallow::emu::query(event->mark));
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const Lock lock(state().mutex);
  if (event->capture) return answer(cudaErrorCapturedEvent);
  if (!event->recorded) return cudaSuccess;
  if (const cudaError_t error = check_no_capture()) return answer(error);
  ++state().waits;
  return answer(run_until(event->mark));
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  const Lock lock(state().mutex);
  if ((start->flags | end->flags) & cudaEventDisableTiming || !start->recorded || !end->recorded) {
    return answer(cudaErrorInvalidResourceHandle);
  }
  if (!tallow::emu::is_done(start->mark) || !tallow::emu::is_done(end->mark))
    return answer(cudaErrorNotReady);
  *milliseconds = std::chrono::duration<float, std::milli>(*end->time - *start->time).count();
  return cudaSuccess;
}
// NOLINTEND
