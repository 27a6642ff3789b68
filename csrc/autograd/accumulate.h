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

// Sparse gradients are objects of Python (python/tallow/sparse): here they are tensors of the
// device meta, whose numbers C++ does not see. The binding says how to recognise and to add them;
// without it there are none.
struct SparseGradients {
  bool (*recognise)(const Tensor& gradient) = nullptr;
  Tensor (*add)(const Tensor& a, const Tensor& b) = nullptr;  // the second may be sparse, or both
};
extern SparseGradients sparse_gradients;

TALLOW_INLINE bool is_sparse(const Tensor& gradient) {
  return TALLOW_UNLIKELY(gradient.device().is_meta()) && sparse_gradients.recognise &&
         sparse_gradients.recognise(gradient);
}
// The sum of gradients of which one at least is sparse.
Tensor add_sparse(const Tensor& a, const Tensor& b);

// Adds `grad` to the tensor's `.grad` the way backward() does.
void accumulate_grad(const Tensor& tensor, Tensor grad);

}  // namespace tallow
