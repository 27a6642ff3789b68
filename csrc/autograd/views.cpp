#include "autograd/views.h"

#include "ops/views.h"

namespace tallow {

void set_view(const Tensor& view, const Tensor& of, ViewOrigin origin) {
  const AutogradMeta* const parent = of.impl()->meta;
  const bool nested = parent && parent->view;
  // A view of a forbidden view is forbidden for the same reason.
  if (nested && parent->view->origin != ViewOrigin::kNormal) origin = parent->view->origin;
  const Tensor& base = nested ? parent->view->base : of;
  ensure_meta(view).view.reset(new ViewInfo{base, origin, base.version()});
}

bool is_view(const Tensor& tensor) {
  return tensor.impl()->meta && tensor.impl()->meta->view != nullptr;
}

bool view_lags(const Tensor& view) {
  const ViewInfo& info = *view.impl()->meta->view;
  return info.version != info.base.version();
}

void regenerate_view_history(const Tensor& view) {
  AutogradMeta& meta = *view.impl()->meta;
  const Tensor base = meta.view->base;
  meta.view->version = base.version();
  if (!base.requires_grad() || !is_differentiable(view.dtype())) return;
  const bool leaf_base = is_leaf(base);
  if (leaf_base && meta.grad_fn) return;
  const Ref<Node> node = ops::as_strided_node(base, view);
  node->add_edge(base);
  node->add_output(view);
  set_grad_fn(view, node, 0);
}

}  // namespace tallow
