// Stream capture and graphs. A graph keeps the work of all captured streams in the order in which
// it was queued, which respects every dependency; each launch of it runs the work with the
// arguments of the capture.
#include <algorithm>
#include <cstdio>

#include "cuda_emu/state.h"

namespace tallow::emu {

namespace {

thread_local cudaStreamCaptureMode thread_mode = cudaStreamCaptureModeGlobal;

std::vector<std::shared_ptr<Capture>> active_captures() {
  auto& captures = state().captures;
  std::erase_if(captures, [](const auto& weak) { return weak.expired(); });
  std::vector<std::shared_ptr<Capture>> active;
  for (const auto& weak : captures) active.push_back(weak.lock());
  return active;
}

cudaError_t begin_capture(const std::shared_ptr<Stream>& stream, cudaStreamCaptureMode mode) {
  if (!stream) return cudaErrorInvalidResourceHandle;
  if (stream->is_default) return cudaErrorStreamCaptureUnsupported;
  if (stream->capture) return cudaErrorStreamCaptureUnsupported;
  auto capture = std::make_shared<Capture>();
  capture->id = state().next_capture++;
  capture->mode = mode;
  capture->owner = std::this_thread::get_id();
  capture->origin = stream;
  stream->capture = capture;
  stream->captured = 0;
  state().captures.push_back(capture);
  return cudaSuccess;
}

cudaError_t end_capture(const std::shared_ptr<Stream>& stream, cudaGraph_t* graph) {
  if (!stream) return cudaErrorInvalidResourceHandle;
  const std::shared_ptr<Capture> capture = stream->capture;
  if (!capture) return cudaErrorInvalidValue;
  if (capture->origin != stream) return cudaErrorStreamCaptureUnmatched;
  cudaError_t error = capture->invalid ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
  for (const auto& other : capture->joined) {
    if (capture->merged[other.get()] < other->captured && error == cudaSuccess) {
      error = cudaErrorStreamCaptureUnjoined;
    }
    other->capture.reset();
  }
  stream->capture.reset();
  std::erase_if(state().captures, [&](const auto& weak) { return weak.lock() == capture; });
  capture->origin.reset();
  *graph = error ? nullptr : new CUgraph_st{std::move(capture->work)};
  return error;
}

cudaStreamCaptureStatus capture_status(const Stream& stream) {
  return !stream.capture           ? cudaStreamCaptureStatusNone
         : stream.capture->invalid ? cudaStreamCaptureStatusInvalidated
                                   : cudaStreamCaptureStatusActive;
}

}  // namespace

cudaError_t check_no_capture() {
  if (thread_mode == cudaStreamCaptureModeRelaxed) return cudaSuccess;
  for (const auto& capture : active_captures()) {
    const bool forbidden = capture->mode == cudaStreamCaptureModeGlobal ||
                           (capture->mode == cudaStreamCaptureModeThreadLocal &&
                            capture->owner == std::this_thread::get_id());
    if (!forbidden) continue;
    capture->invalid = true;
    return cudaErrorStreamCaptureUnsupported;
  }
  return cudaSuccess;
}

cudaError_t check_not_captured(const Stream& stream) {
  if (!stream.capture) return cudaSuccess;
  stream.capture->invalid = true;
  return cudaErrorStreamCaptureUnsupported;
}

}  // namespace tallow::emu

// NOLINTBEGIN: the names are CUDA's
using tallow::emu::answer;
using tallow::emu::enqueue;
using tallow::emu::find_stream;
using tallow::emu::Lock;
using tallow::emu::state;

cudaError_t cudaThreadExchangeStreamCaptureMode(cudaStreamCaptureMode* mode) {
  std::swap(tallow::emu::thread_mode, *mode);
  return cudaSuccess;
}
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  const Lock lock(state().mutex);
  return answer(tallow::emu::begin_capture(find_stream(stream), mode));
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const Lock lock(state().mutex);
  return answer(tallow::emu::end_capture(find_stream(stream), graph));
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  return cudaStreamGetCaptureInfo(stream, status, nullptr);
}
cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, cudaStreamCaptureStatus* status,
                                     unsigned long long* id) {
  const Lock lock(state().mutex);
  const auto stream = find_stream(handle);
  if (!stream) return answer(cudaErrorInvalidResourceHandle);
  *status = tallow::emu::capture_status(*stream);
  if (id != nullptr && stream->capture) *id = stream->capture->id;
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* exec, cudaGraph_t graph, unsigned long long) {
  *exec = new CUgraphExec_st{graph->work};
  return cudaSuccess;
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t handle) {
  const Lock lock(state().mutex);
  const auto stream = find_stream(handle);
  if (!stream) return answer(cudaErrorInvalidResourceHandle);
  for (const auto& work : exec->work) {
    if (const cudaError_t error = enqueue(stream, work)) return answer(error);
  }
  return cudaSuccess;
}
cudaError_t cudaGraphGetNodes(cudaGraph_t graph, void*, std::size_t* count) {
  *count = graph->work.size();
  return cudaSuccess;
}
// A chain, since a graph runs its work in the order in which it was queued.
cudaError_t cudaGraphDebugDotPrint(cudaGraph_t graph, const char* path, unsigned) {
  std::FILE* const file = std::fopen(path, "w");
  if (!file) return answer(cudaErrorOperatingSystem);
  std::fputs("digraph dot {\n", file);
  for (std::size_t i = 0; i < graph->work.size(); ++i) {
    std::fprintf(file, "  work_%zu;\n", i);
    if (i > 0) std::fprintf(file, "  work_%zu -> work_%zu;\n", i - 1, i);
  }
  std::fputs("}\n", file);
  return std::fclose(file) == 0 ? cudaSuccess : answer(cudaErrorOperatingSystem);
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec) {
  delete exec;
  return cudaSuccess;
}
// NOLINTEND
