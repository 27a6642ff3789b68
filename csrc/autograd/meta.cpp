#include "autograd/meta.h"

#include <algorithm>

#include "autograd/accumulate.h"
#include "autograd/views.h"
#include "core/error.h"

namespace tallow {

namespace {

FreeList<sizeof(AutogradMeta)> free_list;
// Bases whose last view went while another meta was being freed.
std::vector<Tensor>* pending_bases = nullptr;

void forget_retained(Node& node, const TensorImpl* tensor) {
  if (!node.hooks) return;
  std::vector<NodeHooks::Retain>& retain = node.hooks->retain;
  std::erase_if(retain, [&](const NodeHooks::Retain& entry) { return entry.tensor == tensor; });
}

}  // namespace

void* AutogradMeta::operator new(std::size_t) { return free_list.take(); }
void AutogradMeta::operator delete(void* memory) { free_list.give(memory); }

void free_autograd_meta(TensorImpl* impl) {
  AutogradMeta* const meta = impl->meta;
  if (meta->retains_grad && meta->grad_fn) forget_retained(*meta->grad_fn, impl);
  // A chain of boundaries is as long as the program wants: it is freed without recursion.
  Tensor base = meta->view ? std::move(meta->view->base) : Tensor();
  delete meta;
  if (!base.defined()) return;
  if (pending_bases) {
    pending_bases->push_back(std::move(base));
    return;
  }
  std::vector<Tensor> pending;
  pending_bases = &pending;
  base = Tensor();
  while (!pending.empty()) {
    base = std::move(pending.back());
    pending.pop_back();
    base = Tensor();
  }
  pending_bases = nullptr;
}

AutogradMeta& ensure_meta(const Tensor& tensor) {
  TensorImpl* const impl = tensor.impl();
  if (!impl->meta) impl->meta = new AutogradMeta;
  return *impl->meta;
}

bool Tensor::requires_grad() const {
  const AutogradMeta* const meta = impl_->meta;
  if (TALLOW_LIKELY(!meta)) return false;
  if (meta->requires_grad || meta->grad_fn) return true;
  return meta->view && meta->view->base.requires_grad() && is_differentiable(dtype());
}

Ref<Node> grad_fn(const Tensor& tensor) {
  const AutogradMeta* const meta = tensor.impl()->meta;
  if (!meta) return nullptr;
  if (meta->view && view_lags(tensor)) regenerate_view_history(tensor);
  return meta->grad_fn;
}

void set_grad_fn(const Tensor& tensor, Ref<Node> node, uint32_t output_nr) {
  AutogradMeta& meta = ensure_meta(tensor);
  const Ref<Node> previous = std::move(meta.grad_fn);
  meta.grad_fn = std::move(node);
  meta.output_nr = output_nr;
  if (meta.view) mark_in_step(tensor);
  // Hooks registered so far stay with the value that was overwritten; only retain_grad follows.
  meta.hook_dict.reset();
  meta.leaf_hooks.clear();
  if (meta.retains_grad) {
    if (previous) forget_retained(*previous, tensor.impl());
    meta.grad_fn->hooks_or_create().retain.push_back({output_nr, tensor.impl()});
  }
}

Edge gradient_edge(const Tensor& tensor) {
  if (Ref<Node> node = grad_fn(tensor)) return {std::move(node), tensor.impl()->meta->output_nr};
  AutogradMeta* const meta = tensor.impl()->meta;
  if (!meta || !meta->requires_grad) return {};
  return {accumulator_of(tensor), 0};
}

bool is_leaf(const Tensor& tensor) { return !grad_fn(tensor); }

void set_requires_grad(const Tensor& tensor, bool requires_grad) {
  if (has_grad_fn(tensor)) {
    TALLOW_CHECK(requires_grad,
                 "you can only change requires_grad flags of leaf variables. If you want to use a "
                 "computed variable in a subgraph that doesn't require differentiation use "
                 "var_no_grad = var.detach().");
    return;
  }
  TALLOW_CHECK(!requires_grad || is_differentiable(tensor.dtype()),
               "only Tensors of floating point dtype can require gradients");
  TALLOW_CHECK(!requires_grad || !tensor.impl()->inference || inference_mode_enabled(),
               "Setting requires_grad=True on inference tensor outside InferenceMode is not "
               "allowed.");
  if (requires_grad || tensor.impl()->meta) ensure_meta(tensor).requires_grad = requires_grad;
}

void retain_grad(const Tensor& tensor) {
  TALLOW_CHECK(tensor.requires_grad(), "can't retain_grad on Tensor that has requires_grad=False");
  const Ref<Node> node = grad_fn(tensor);
  AutogradMeta& meta = ensure_meta(tensor);
  if (!node || meta.retains_grad) return;
  meta.retains_grad = true;
  node->hooks_or_create().retain.push_back({meta.output_nr, tensor.impl()});
}

void detach_inplace(const Tensor& tensor) {
  AutogradMeta* const meta = tensor.impl()->meta;
  if (!meta) return;
  TALLOW_CHECK(!meta->view,
               "Can't detach views in-place. Use detach() instead. If you are using "
               "DistributedDataParallel (DDP) for training, and gradient_as_bucket_view is set as "
               "True, gradients are views of DDP buckets, and hence detach_() cannot be called on "
               "these gradients. To fix this error, please refer to the Optimizer.zero_grad() "
               "function in ",
               package_name(), "/optim/optimizer.py as the solution.");
  if (meta->grad_fn) forget_retained(*meta->grad_fn, tensor.impl());
  meta->grad_fn.reset();
  meta->output_nr = 0;
  meta->requires_grad = false;
  meta->retains_grad = false;
  meta->hook_dict.reset();
}

Tensor detach(const Tensor& tensor) { return alias(tensor); }

Tensor variable_data(const Tensor& tensor) {
  Tensor result = alias(tensor);
  result.impl()->own_version = make_ref<VersionCounter>();
  return result;
}

void replace_data(const Tensor& tensor, const Tensor& source) {
  TALLOW_CHECK(!tensor.requires_grad() || is_differentiable(source.dtype()),
               "data set to a tensor that requires gradients must be floating point or complex "
               "dtype");
  TensorImpl& impl = *tensor.impl();
  const TensorImpl& other = *source.impl();
  // The counter stays with the tensor and the views of what it was.
  if (!impl.own_version) {
    Storage& left = *impl.storage;
    if (!left.shared_version) {
      left.shared_version = make_ref<VersionCounter>();
      left.shared_version->value = left.version;
    }
    impl.own_version = left.shared_version;
  }
  impl.storage = other.storage;
  impl.dtype = other.dtype;
  impl.device = other.device;
  impl.set_geometry(other.sizes, other.strides, other.offset);
}

}  // namespace tallow
