// The boundary of a module call with backward hooks: an identity node on the way in, another on the
// way out. Each tensor that passes one is replaced by a stand-in for the whole of it.
//
// A stand-in shares memory and version counter with the tensor it stands for, and every history
// that an in-place operation gives to either (autograd/inplace.cpp). So writing next to a hooked
// module means what it means without the hooks, and the gradient still passes the node.
#pragma once

#include <vector>

#include "autograd/meta.h"

namespace tallow {

// Is the tensor such a stand-in?
bool is_boundary_view(const Tensor& tensor);

// Replaces the tensors that require grad by stand-ins. The node has one output and one edge per
// tensor; it is null, and nothing is replaced, if no gradient can flow.
Ref<Node> cross_boundary(std::vector<Tensor>& tensors);

}  // namespace tallow
