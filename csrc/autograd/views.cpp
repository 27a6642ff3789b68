#include "autograd/views.h"

#include "autograd/boundary.h"
#include "core/error.h"
#include "ops/views.h"

namespace tallow {

namespace {

// "UnbindBackward0" -> "Unbind".
std::string forward_name(std::string name) {
  if (const std::size_t suffix = name.rfind("Backward"); suffix != std::string::npos && suffix) {
    name.resize(suffix);
  }
  return name;
}

const char* why_forbidden(ViewOrigin origin) {
  switch (origin) {
    case ViewOrigin::kMultiOutput:
      return " This view is the output of a function that returns multiple views. Such functions "
             "do not allow the output views to be modified inplace. You should replace the inplace "
             "operation by an out-of-place one.";
    case ViewOrigin::kCustomFunction:
      return " This view was created inside a custom Function (or because an input was returned "
             "as-is) and the autograd logic to handle view+inplace would override the custom "
             "backward associated with the custom Function, leading to incorrect gradients. This "
             "behavior is forbidden. You can fix this by cloning the output of the custom "
             "Function.";
    case ViewOrigin::kInference:
      return " Given that this use case is ambiguous and error-prone, it is forbidden. You can "
             "clarify your code by moving both the view and the inplace either both inside the "
             "inference_mode block (if you don't want the inplace to be tracked) or both outside "
             "(if you want the inplace to be tracked).";
    default:
      return " Given that this use case is ambiguous and error-prone, it is forbidden. You can "
             "clarify your code by moving both the view and the inplace either both inside the "
             "no_grad block (if you don't want the inplace to be tracked) or both outside (if you "
             "want the inplace to be tracked).";
  }
}

[[noreturn]] TALLOW_COLD void raise_forbidden_view(const AutogradMeta& view, bool indirect) {
  const ViewOrigin origin = view.view->origin;
  const bool inference = origin == ViewOrigin::kInference;
  const bool ungraded = inference || origin == ViewOrigin::kNoGrad || !view.grad_fn;
  std::ostringstream text;
  if (view.grad_fn) {
    text << "Output " << view.output_nr << " of " << forward_name(view.grad_fn->name())
         << " is a view" << (ungraded ? " of a view which was created in" : "");
  } else {
    text << "A view was created in";
  }
  if (ungraded) text << (inference ? " inference mode" : " no_grad mode");
  text << " and " << (indirect ? "its base or another view of its base has been" : "is being")
       << " modified inplace";
  if (ungraded) text << (inference ? " in normal mode" : " with grad mode enabled");
  text << '.' << why_forbidden(origin);
  throw RuntimeError(text.str());
}

// What a view's history is derived from is another after this number has changed: the writes to its
// memory; for a stand-in, which keeps its place in the graph where a write is not recorded, the
// histories that the tensor at the end of the chain of bases was given.
uint32_t moment(const Tensor& view) {
  const AutogradMeta* meta = view.impl()->meta;
  if (TALLOW_LIKELY(meta->view->origin != ViewOrigin::kBoundary)) return view.version();
  while (meta && meta->view) meta = meta->view->base.impl()->meta;
  return meta ? meta->rewrites : 0;
}

}  // namespace

void set_view(const Tensor& view, const Tensor& of, ViewOrigin origin) {
  const AutogradMeta* const parent = of.impl()->meta;
  const bool nested = is_view(of) && !is_boundary_view(of) && origin != ViewOrigin::kBoundary;
  // A view of a forbidden view is forbidden for the same reason, unless it has one of its own.
  if (nested && origin == ViewOrigin::kNormal) origin = parent->view->origin;
  const Tensor& base = nested ? parent->view->base : of;
  ensure_meta(view).view = ViewInfo{base, origin, 0};
  mark_in_step(view);
}

bool is_view(const Tensor& tensor) {
  return tensor.impl()->meta && tensor.impl()->meta->view.has_value();
}

bool view_lags(const Tensor& view) { return view.impl()->meta->view->derived_at != moment(view); }

void mark_in_step(const Tensor& view) { view.impl()->meta->view->derived_at = moment(view); }

void check_view_origin(const Tensor& view, bool indirect) {
  const AutogradMeta& meta = *view.impl()->meta;
  const ViewOrigin origin = meta.view->origin;
  if (origin == ViewOrigin::kNormal || origin == ViewOrigin::kBoundary) return;
  raise_forbidden_view(meta, indirect);
}

void regenerate_view_history(const Tensor& view) {
  const AutogradMeta& meta = *view.impl()->meta;
  const Tensor base = meta.view->base;
  if ((!meta.grad_fn && !base.requires_grad()) || !is_differentiable(view.dtype())) return;
  if (is_boundary_view(view)) {
    Edge edge = gradient_edge(base);
    set_grad_fn(view, std::move(edge.node), edge.index);
    return;
  }
  check_view_origin(view, true);
  if (TALLOW_UNLIKELY(view.dtype() != base.dtype())) {
    const Tensor same =
        ops::strided_as(base, view.dtype(), view.sizes(), view.strides(), view.impl()->offset);
    set_grad_fn(view, grad_fn(same), same.impl()->meta->output_nr);
    return;
  }
  const Ref<Node> node = ops::as_strided_node(base, view);
  node->add_edge(base);
  node->add_output(view);
  set_grad_fn(view, node, 0);
}

}  // namespace tallow
