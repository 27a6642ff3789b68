// AccumulateGrad: the node at the end of every graph, which adds into a leaf's `.grad`.
#pragma once

#include "autograd/node.h"

namespace tallow {

class AccumulateGrad : public Node {
 public:
  explicit AccumulateGrad(const Tensor& leaf);
  ~AccumulateGrad() override;

  void apply(Grads& grads) override;
  std::string name() const override { return "torch::autograd::AccumulateGrad"; }
  Tensor variable() const override { return leaf_; }

 private:
  Tensor leaf_;
};

// The leaf's accumulator, created when no graph holds one.
Ref<Node> accumulator_of(const Tensor& leaf);

// Adds `grad` to the tensor's `.grad` the way backward() does.
void accumulate_grad(const Tensor& tensor, Tensor grad);

}  // namespace tallow
