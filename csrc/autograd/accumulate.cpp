#include "autograd/accumulate.h"

#include "autograd/meta.h"
#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"

namespace tallow {

SparseGradients sparse_gradients;

Tensor add_sparse(const Tensor& a, const Tensor& b) {
  return is_sparse(a) && !is_sparse(b) ? sparse_gradients.add(b, a) : sparse_gradients.add(a, b);
}

AccumulateGrad::AccumulateGrad(const Tensor& leaf) : Node("AccumulateGrad"), leaf_(leaf) {
  sequence = UINT64_MAX;  // gradients land as early as they can
  add_output(leaf);
}

AccumulateGrad::~AccumulateGrad() {
  if (AutogradMeta* const meta = leaf_.impl()->meta) meta->accumulator = nullptr;
}

Ref<Node> accumulator_of(const Tensor& leaf) {
  AutogradMeta& meta = ensure_meta(leaf);
  if (meta.accumulator) return Ref<Node>(meta.accumulator);
  Ref<Node> node(new AccumulateGrad(leaf));
  meta.accumulator = node.get();
  return node;
}

namespace {

// A gradient nobody else holds, with the leaf's memory order, can become `.grad` as it is.
bool can_keep(const Tensor& leaf, const Tensor& grad) {
  if (grad_enabled() || grad.impl()->use_count() > 1) return false;
  if (grad.impl()->storage->use_count() > 1) return false;
  return is_dense(leaf.sizes(), leaf.strides()) ? grad.strides() == leaf.strides()
                                                : grad.is_contiguous();
}

Tensor with_layout_of(const Tensor& leaf, const Tensor& grad) {
  if (grad_enabled()) return ops::clone(grad);
  Tensor copy = is_dense(leaf.sizes(), leaf.strides())
                    ? empty_strided(leaf.sizes(), leaf.strides(), grad.dtype(), grad.device())
                    : empty(leaf.sizes(), grad.dtype(), grad.device());
  ops::copy_(copy, grad);
  return copy;
}

}  // namespace

void accumulate_grad(const Tensor& leaf, Tensor grad) {
  AutogradMeta& meta = ensure_meta(leaf);
  if (is_sparse(grad) || (meta.grad.defined() && is_sparse(meta.grad))) {
    meta.grad = meta.grad.defined() ? add_sparse(meta.grad, grad) : std::move(grad);
  } else if (!meta.grad.defined()) {
    meta.grad = can_keep(leaf, grad) ? std::move(grad) : with_layout_of(leaf, grad);
  } else if (grad_enabled()) {
    meta.grad = ops::add(meta.grad, grad);
  } else {
    // Another thread may replace `.grad` while the addition runs without the GIL.
    const Tensor current = meta.grad;
    ops::add(current, grad, 1, Out::inplace(current));
  }
}

void AccumulateGrad::apply(Grads& grads) {
  if (!grads.in[0].defined()) return;
  // The flag may have been taken back since the graph was recorded.
  if (leaf_.requires_grad()) accumulate_grad(leaf_, std::move(grads.in[0]));
  const std::vector<Ref<PostAccumulateHook>> hooks = ensure_meta(leaf_).post_accumulate_hooks;
  for (const Ref<PostAccumulateHook>& hook : hooks) (*hook)(leaf_);
}

}  // namespace tallow
