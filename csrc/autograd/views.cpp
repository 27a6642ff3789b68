#include "autograd/views.h"

#include "autograd/boundary.h"
#include "ops/views.h"

namespace tallow {

namespace {

// How often the tensor at the end of the chain of bases got a new history.
uint32_t rewrites(const Tensor& tensor) {
  const AutogradMeta* meta = tensor.impl()->meta;
  while (meta && meta->view) meta = meta->view->base.impl()->meta;
  return meta ? meta->rewrites : 0;
}

}  // namespace

void set_view(const Tensor& view, const Tensor& of, ViewOrigin origin) {
  const AutogradMeta* const parent = of.impl()->meta;
  const bool nested = is_view(of) && !is_boundary_view(of) && origin != ViewOrigin::kBoundary;
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
  if (meta.view->origin == ViewOrigin::kBoundary) {
    Edge edge = gradient_edge(base);
    set_grad_fn(view, std::move(edge.node), edge.index);
    return;
  }
  const Ref<Node> node = ops::as_strided_node(base, view);
  node->add_edge(base);
  node->add_output(view);
  set_grad_fn(view, node, 0);
}

}  // namespace tallow
