#include "autograd/inplace.h"

#include "autograd/boundary.h"
#include "autograd/grad_mode.h"
#include "autograd/meta.h"
#include "autograd/record.h"
#include "autograd/views.h"
#include "core/error.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/views.h"

namespace tallow {

namespace {

// The in-place op `inner` seen from the base: the gradient of the base with the view's part
// replaced by what `inner` makes of it.
class CopySlices final : public Node {
 public:
  CopySlices(const Tensor& base, const Tensor& view, Ref<Node> inner)
      : Node("CopySlices"),
        inner_(std::move(inner)),
        view_sizes_(view.sizes()),
        view_strides_(view.strides()),
        view_dtype_(view.dtype()),
        view_offset_(offset_in(base, view)),
        base_sizes_(base.sizes()),
        base_strides_(base.strides()) {
    add_edge(base);
    for (int64_t i = 1; i < inner_->edges.size(); ++i) {
      edges.push_back({inner_->edges[i].node, inner_->edges[i].index});
    }
    add_output(base);
  }

  void apply(Grads& grads) override {
    if (!grads.grad().defined()) return;
    Tensor result = ops::clone_strided(grads.grad(), base_strides_);
    const Tensor slice =
        ops::strided_as(result, view_dtype_, view_sizes_, view_strides_, view_offset_);
    TensorList inner_in;
    inner_in.push_back(ops::clone(slice));
    TensorList inner_out;
    inner_out.resize(inner_->edges.size());
    InlineVector<bool, 4> needed;
    needed.push_back(grads.needs(0));
    for (int64_t i = 1; i < edges.size(); ++i) needed.push_back(grads.needs(i));
    Grads inner_grads(*inner_, inner_in, inner_out, needed.begin());
    inner_->apply(inner_grads);
    if (inner_out[0].defined()) {
      ops::copy_(slice, inner_out[0]);
    } else {
      ops::zero_(slice);
    }
    grads.out[0] = std::move(result);
    for (int64_t i = 1; i < edges.size(); ++i) grads.out[i] = std::move(inner_out[i]);
  }

  void release_saved() override { inner_->release_saved(); }

 private:
  // From where the base begins, in elements of the view.
  static int64_t offset_in(const Tensor& base, const Tensor& view) {
    const int64_t start = base.impl()->offset * item_size(base.dtype());
    const int64_t step = item_size(view.dtype());
    TALLOW_CHECK(start % step == 0,
                 "in-place modification of a complex view cannot be differentiated where the base "
                 "does not begin at a whole complex number; clone the base first");
    return view.impl()->offset - start / step;
  }

  Ref<Node> inner_;
  Dims view_sizes_, view_strides_;
  DType view_dtype_;
  int64_t view_offset_;
  Dims base_sizes_, base_strides_;
};

}  // namespace

Tensor Out::original(const Tensor& self) const {
  if (!inplace_ || !grad_enabled()) return self;
  NoGradGuard no_grad;
  Tensor copy = ops::clone(self);
  const Ref<Node> node = grad_fn(self);
  if (node) set_grad_fn(copy, node, self.impl()->meta->output_nr);
  return copy;
}

void check_history(const Tensor& self, bool others_require_grad) {
  TALLOW_CHECK(!self.impl()->inference || inference_mode_enabled(),
               "Inplace update to inference tensor outside InferenceMode is not allowed.You can "
               "make a clone to get a normal tensor before doing inplace update.See "
               "https://github.com/pytorch/rfcs/pull/17 for more details.");
  if (TALLOW_LIKELY(!self.impl()->meta && !others_require_grad)) return;
  const bool self_requires_grad = self.requires_grad();
  if (!recording_enabled() || !(self_requires_grad || others_require_grad)) return;
  // What lies on the other side of a boundary is written to as well.
  for (const Tensor* at = &self; is_view(*at); at = &at->impl()->meta->view->base) {
    check_view_origin(*at, false);
    TALLOW_CHECK(!self_requires_grad || has_grad_fn(at->impl()->meta->view->base),
                 "a view of a leaf Variable that requires grad is being used in an in-place "
                 "operation.");
  }
  TALLOW_CHECK(!self_requires_grad || has_grad_fn(self),
               "a leaf Variable that requires grad is being used in an in-place operation.");
}

void check_inplace(const Tensor& self, bool others_require_grad) {
  check_history(self, others_require_grad);
  TALLOW_CHECK(!has_internal_overlap(self),
               "unsupported operation: more than one element of the written-to tensor refers to a "
               "single memory location. Please clone() the tensor before performing the "
               "operation.");
}

namespace {

[[noreturn]] TALLOW_COLD void raise_overlap() {
  raise<RuntimeError>(
      "unsupported operation: some elements of the input tensor and the written-to tensor refer to "
      "a single memory location. Please clone() the tensor before performing the operation.");
}

}  // namespace

void check_overlap(const Tensor& destination, const Tensor& input) {
  if (partially_overlaps(destination, input)) raise_overlap();
}

void check_no_overlap(const Tensor& destination, const Tensor& input) {
  const TensorImpl &a = *destination.impl(), &b = *input.impl();
  const bool same_elements = a.storage == b.storage && a.offset == b.offset && a.numel > 0 &&
                             a.sizes == b.sizes && a.strides == b.strides;
  if (same_elements || partially_overlaps(destination, input)) raise_overlap();
}

namespace {

// The node of "everything was overwritten by the value of this history".
Ref<Node> make_copy_node(const Edge& source) {
  const Ref<Node> node = detail::make_node("CopyBackwards", [](Saver&) {
    return [](Grads& g) {
      if (g.needs(1)) g.out[1] = g.grad();
    };
  });
  node->edges.emplace_back();
  node->edges.push_back({source.node, source.index});
  return node;
}

// Gives `tensor`, which is nobody's view or a boundary's, the output of `node` as its history; and
// so to what it took the place of: they are one value.
void give_history(Tensor tensor, Ref<Node> node) {
  const Tensor start = tensor;
  Edge history{std::move(node), 0};
  for (;;) {
    set_grad_fn(tensor, history.node, history.index);
    if (!is_view(tensor)) break;
    tensor = tensor.impl()->meta->view->base;
    if (!is_view(tensor) || is_boundary_view(tensor)) continue;
    // Part of a larger tensor, as if the new value had been copied there.
    const Tensor whole = tensor.impl()->meta->view->base;
    history = {Ref<Node>(new CopySlices(whole, tensor, make_copy_node(history))), 0};
    tensor = whole;
  }
  ++ensure_meta(tensor).rewrites;
  for (const Tensor* at = &start; is_view(*at); at = &at->impl()->meta->view->base) {
    if (is_boundary_view(*at)) mark_in_step(*at);
  }
}

}  // namespace

void rebase_history(const Tensor& self, const Ref<Node>& node) {
  if (!is_view(self) || is_boundary_view(self)) {
    give_history(self, node);
    return;
  }
  const Tensor base = self.impl()->meta->view->base;
  give_history(base, Ref<Node>(new CopySlices(base, self, node)));
  regenerate_view_history(self);
}

}  // namespace tallow
