#include "autograd/boundary.h"

#include <algorithm>

#include "autograd/grad_mode.h"
#include "autograd/views.h"

namespace tallow {

namespace {

class BoundaryNode final : public Node {
 public:
  BoundaryNode() : Node("BackwardHookFunctionBackward") {}
  bool accepts_undefined() const override { return true; }
  // Zeros for what received no gradient, and for tensors that require none: hooks see them.
  void apply(Grads& grads) override {
    for (int64_t i = 0; i < outputs.size(); ++i) grads.out[i] = grads.grad_or_zeros(i);
  }
};

}  // namespace

bool is_boundary_view(const Tensor& tensor) {
  return is_view(tensor) && tensor.impl()->meta->view->origin == ViewOrigin::kBoundary;
}

Ref<Node> cross_boundary(std::vector<Tensor>& tensors) {
  const auto wants_grad = [](const Tensor& tensor) { return tensor.requires_grad(); };
  if (!recording_enabled() || std::none_of(tensors.begin(), tensors.end(), wants_grad)) {
    return nullptr;
  }
  Ref<Node> node(new BoundaryNode);
  for (const Tensor& tensor : tensors) {
    node->add_edge(tensor);
    node->add_output(tensor);
  }
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    if (!wants_grad(tensors[i])) continue;
    const Tensor stand_in = alias(tensors[i]);
    set_view(stand_in, tensors[i], ViewOrigin::kBoundary);
    set_grad_fn(stand_in, node, static_cast<uint32_t>(i));
    tensors[i] = stand_in;
  }
  return node;
}

}  // namespace tallow
