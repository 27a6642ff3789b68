#include "cuda/graph.h"

#include <cstring>
#include <vector>

#include "cuda/allocator.h"
#include "cuda/device.h"
#include "cuda/pinned.h"
#include "cuda/stream.h"

namespace tallow::cuda {

struct Graph {
  int device = 0;
  uint64_t pool = 0;
  cudaStream_t stream = nullptr;
  bool capturing = false;
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  std::vector<void*> kept;  // pinned host memory that copies in the graph read
};

namespace {

thread_local Graph* captured = nullptr;  // the one that this thread records

}  // namespace

Status begin_graph(int device, uint64_t* pool, int mode, Graph** graph) {
  TALLOW_CUDA_TRY(activate(device));
  const cudaStream_t stream = current_stream(device);
  if (captured) {
    return fail(Status::kRuntimeError, "CUDA graph: this thread is capturing a graph already");
  }
  if (!stream) {
    return fail(Status::kRuntimeError,
                "CUDA graphs must be captured on a non-default stream. (However, after capture, it "
                "is ok to replay them on the default stream.)");
  }
  *graph = new Graph;
  (*graph)->device = device;
  (*graph)->stream = stream;
  begin_capture_pool(device, pool);
  (*graph)->pool = *pool;
  const Status status =
      check(cudaStreamBeginCapture(stream, static_cast<cudaStreamCaptureMode>(mode)), "CUDAGraph");
  if (status != Status::kOk) {
    end_capture_pool();
    destroy_graph(*graph);
    *graph = nullptr;
    return status;
  }
  (*graph)->capturing = true;
  captured = *graph;
  return Status::kOk;
}

Status end_graph(Graph* graph, int64_t* works) {
  if (!graph->capturing) {
    return fail(Status::kRuntimeError, "CUDA graph: capture_end() without capture_begin()");
  }
  captured = nullptr;
  graph->capturing = false;
  TALLOW_CUDA_TRY(activate(graph->device));
  const Status status = check(cudaStreamEndCapture(graph->stream, &graph->graph), "CUDAGraph");
  end_capture_pool();
  TALLOW_CUDA_TRY(status);
  if (!graph->graph) {
    return fail(Status::kRuntimeError, "CUDA graph: nothing usable was captured");
  }
  std::size_t nodes = 0;
  TALLOW_CUDA_CHECK(cudaGraphGetNodes(graph->graph, nullptr, &nodes));
  *works = static_cast<int64_t>(nodes);
  return Status::kOk;
}

Status instantiate_graph(Graph* graph) {
  TALLOW_CUDA_TRY(activate(graph->device));
  cudaGraphExec_t executable = nullptr;
  TALLOW_CUDA_CHECK(cudaGraphInstantiate(&executable, graph->graph, 0));
  if (graph->executable) (void)cudaGraphExecDestroy(graph->executable);
  graph->executable = executable;
  return Status::kOk;
}

Status replay_graph(Graph* graph) {
  if (!graph->executable) TALLOW_CUDA_TRY(instantiate_graph(graph));
  TALLOW_CUDA_TRY(activate(graph->device));
  TALLOW_CUDA_CHECK(cudaGraphLaunch(graph->executable, current_stream(graph->device)));
  return Status::kOk;
}

Status draw_graph(Graph* graph, const char* path) {
  TALLOW_CUDA_CHECK(cudaGraphDebugDotPrint(graph->graph, path, cudaGraphDebugDotFlagsVerbose));
  return Status::kOk;
}

void* driver_handle(const Graph* graph, bool executable) {
  if (executable) return graph->executable;
  return graph->graph;
}

void destroy_graph(Graph* graph) {
  if (!graph) return;
  if (graph->capturing) {
    captured = nullptr;
    cudaGraph_t unwanted = nullptr;
    (void)cudaStreamEndCapture(graph->stream, &unwanted);
    (void)cudaGetLastError();
    if (unwanted) (void)cudaGraphDestroy(unwanted);
    end_capture_pool();
  }
  if (graph->executable) (void)cudaGraphExecDestroy(graph->executable);
  if (graph->graph) (void)cudaGraphDestroy(graph->graph);
  for (void* const memory : graph->kept) free_pinned(memory);
  release_capture_pool(graph->device, graph->pool);
  delete graph;
}

bool is_capturing(int device) {
  const cudaStream_t stream = current_stream(device);
  if (!stream) return false;
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  if (cudaStreamIsCapturing(stream, &status) != cudaSuccess) {
    (void)cudaGetLastError();
    return false;
  }
  return status == cudaStreamCaptureStatusActive;
}

Status keep_for_graph(const void* host, int64_t nbytes, const void** copy) {
  if (!captured) {
    return fail(Status::kRuntimeError, "%s uses a stream that another thread captures",
                current_op());
  }
  void* memory = nullptr;
  TALLOW_CUDA_TRY(allocate_pinned(nbytes, &memory));
  std::memcpy(memory, host, static_cast<std::size_t>(nbytes));
  captured->kept.push_back(memory);
  *copy = memory;
  return Status::kOk;
}

}  // namespace tallow::cuda
