// The backward pass: runs nodes in dependency order, newest first, on the calling thread, without
// recursion.
#pragma once

#include <vector>

#include "autograd/node.h"
#include "core/tensor.h"

namespace tallow {

struct BackwardOptions {
  bool retain_graph = false;
  bool create_graph = false;
  // Add the gradients of `inputs` to their `.grad` (backward(inputs=)) or only return them
  // (grad()).
  bool accumulate = true;
};

// Where a pass starts: at a tensor, or directly at an edge.
struct BackwardRoot {
  Tensor tensor;
  Edge edge;        // used if there is no tensor
  Tensor gradient;  // undefined: ones, for a one-element root
};

// Sends each root's gradient backwards. With `inputs`, only what they depend on is run and their
// gradients are returned (undefined where a path is missing); without, every reachable leaf
// accumulates.
std::vector<Tensor> run_backward(const std::vector<BackwardRoot>& roots,
                                 const std::vector<Edge>& inputs, const BackwardOptions& options);

// The number of the innermost pass running on this thread, -1 outside; and whether it will run (or
// has run) a node.
int64_t current_pass_id();
bool pass_will_run(const Node& node);
// Does the innermost pass on this thread, or one that it runs inside of, serve chosen inputs only?
bool pass_is_partial();
// Has the pass with this number not ended yet, on whatever thread?
bool pass_is_running(int64_t id);

// Called now and then during long passes; may throw to stop them (Ctrl-C). Installed by the
// binding.
extern void (*interrupt_check)();

}  // namespace tallow
