#include "autograd/views.h"

#include "ops/views.h"

namespace tallow {

namespace {

uint32_t rewrites(const Tensor& base) {
  return base.impl()->meta ? base.impl()->meta->rewrites : 0;
}

}  // namespace

void set_view(const Tensor& view, const Tensor& of, ViewOrigin origin) {
  const AutogradMeta* const parent = of.impl()->meta;
  const bool nested = parent && parent->view;
  // A view of a forbidden view is forbidden for the same reason.
  if (nested && parent->view->origin != ViewOrigin::kNormal) origin = parent->view->origin;
  const Tensor& base = nested ? parent->view->base : of;
  ensure_meta(view).view.reset(new ViewInfo{base, origin, rewrites(base)});
}

bool is_view(const Tensor& tensor) {
  return tensor.impl()->meta && tensor.impl()->meta->view != nullptr;
}

bool view_lags(const Tensor& view) {
  const ViewInfo& info = *view.impl()->meta->view;
  return info.rewrites != rewrites(info.base);
}

void regenerate_view_history(const Tensor& view) {
  AutogradMeta& meta = *view.impl()->meta;
  const Tensor base = meta.view->base;
  meta.view->rewrites = rewrites(base);
  if (!base.requires_grad() || !is_differentiable(view.dtype())) return;
  const Ref<Node> node = ops::as_strided_node(base, view);
  node->add_edge(base);
  node->add_output(view);
  set_grad_fn(view, node, 0);
}

}  // namespace tallow
