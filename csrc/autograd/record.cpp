#include "autograd/record.h"

#include "autograd/boundary.h"
#include "autograd/inplace.h"
#include "autograd/views.h"

namespace tallow::detail {

namespace {

bool shares_version(const Tensor& a, const Tensor& b) {
  return a.impl()->storage == b.impl()->storage && a.version() == b.version();
}

// While an in-place op is recorded its inputs have the histories of before it wrote; afterwards
// those that share memory with `out` lag behind it.
class BeforeWrite {
 public:
  BeforeWrite(const Tensor& out, std::initializer_list<const Tensor*> inputs)
      : version_(out.version() - 1) {
    for (const Tensor* input : inputs) {
      if (!input->defined() || !is_view(*input) || is_boundary_view(*input)) continue;
      if (!shares_version(*input, out)) continue;
      ViewInfo& view = *input->impl()->meta->view;
      if (view.derived_at == version_) view.derived_at = out.version();
      grad_fn(*input);  // brings a history up to date that lagged before the write
      views_.push_back(&view);
    }
  }
  ~BeforeWrite() {
    for (ViewInfo* const view : views_) view->derived_at = version_;
  }
  BeforeWrite(const BeforeWrite&) = delete;
  BeforeWrite& operator=(const BeforeWrite&) = delete;

 private:
  InlineVector<ViewInfo*, 3> views_;
  uint32_t version_;  // before the write
};

}  // namespace

void connect(const Tensor& out, const Ref<Node>& node, uint32_t index) {
  node->add_output(out);
  if (is_differentiable(out.dtype())) set_grad_fn(out, node, index);
}

void record_inplace(const char* name, std::initializer_list<const Tensor*> inputs,
                    const Tensor& out, NodeMaker make_node, const void* make) {
  Ref<Node> node;
  {
    const BeforeWrite before(out, inputs);
    node = make_node(name, make);
    for (const Tensor* input : inputs) node->add_edge(*input);
  }
  node->add_output(out);
  node->saved.mark_overwritten(out);
  rebase_history(out, node);
}

}  // namespace tallow::detail
