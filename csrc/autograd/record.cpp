#include "autograd/record.h"

#include "autograd/inplace.h"

namespace tallow::detail {

void connect(const Tensor& out, const Ref<Node>& node, const Tensor* first_input, uint32_t index) {
  node->add_output(out);
  if (!is_differentiable(out.dtype())) return;
  if (first_input && out.same(*first_input)) {
    rebase_history(out, node);
  } else {
    set_grad_fn(out, node, index);
  }
}

}  // namespace tallow::detail
