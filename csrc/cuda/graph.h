// Graphs: work recorded once and launched as a whole.
#pragma once

#include <cstdint>

#include "cuda/status.h"

namespace tallow::cuda {

struct Graph;

// Records what the calling thread queues on the device's current stream, which must not be the
// default one, until end_graph(). `mode` is a cudaStreamCaptureMode. Memory allocated meanwhile
// comes from `pool`, see cuda/allocator.h.
[[nodiscard]] Status begin_graph(int device, uint64_t* pool, int mode, Graph** graph);
// Counts what was recorded. On failure the graph stays what destroy_graph() must get.
[[nodiscard]] Status end_graph(Graph* graph, int64_t* works);
// Makes the recording ready for replay_graph(), anew if it was.
[[nodiscard]] Status instantiate_graph(Graph* graph);
[[nodiscard]] Status replay_graph(Graph* graph);
// Draws the recording into a file, for Graphviz.
[[nodiscard]] Status draw_graph(Graph* graph, const char* path);
// The cudaGraph_t, or the cudaGraphExec_t; null before there is one.
void* driver_handle(const Graph* graph, bool executable);
// Null is allowed.
void destroy_graph(Graph* graph);

// Is the current stream of the device being captured?
bool is_capturing(int device);
// A copy of host memory that lives as long as the graph that is being captured on this thread.
[[nodiscard]] Status keep_for_graph(const void* host, int64_t nbytes, const void** copy);

}  // namespace tallow::cuda
