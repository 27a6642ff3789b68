// AutogradMeta: what autograd knows about one tensor; most tensors have none.
#pragma once

#include <optional>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/node.h"
#include "core/tensor.h"

namespace tallow {

// How a view came to be; decides whether writing through it can be differentiated.
// kBoundary: the view has taken the place of the whole of its base (autograd/boundary.h).
enum class ViewOrigin : uint8_t {
  kNormal,
  kNoGrad,
  kInference,
  kMultiOutput,
  kCustomFunction,
  kBoundary
};

struct ViewInfo {
  Tensor base;  // itself a view only if that is a boundary's
  ViewOrigin origin;
  // When the view's grad_fn was last derived, see view_lags(): its version, or for a boundary's
  // view the `rewrites` of what it stands for.
  uint32_t derived_at;
};

struct AutogradMeta {
  Ref<Node> grad_fn;
  uint32_t output_nr = 0;
  bool requires_grad = false;  // leaves only; a tensor with a grad_fn requires grad anyway
  bool retains_grad = false;
  uint32_t rewrites = 0;  // how often a recorded in-place op has given the tensor a new history
  Node* accumulator = nullptr;  // the leaf's AccumulateGrad node while some graph holds it
  Tensor grad;
  std::optional<ViewInfo> view;
  std::vector<Ref<TensorHook>> leaf_hooks;
  std::vector<Ref<PostAccumulateHook>> post_accumulate_hooks;
  // The hook that dispatches to this tensor's user-visible hook dict, wherever it is registered.
  Ref<TensorHook> hook_dict;

  static void* operator new(std::size_t size);
  static void operator delete(void* memory);
};

AutogradMeta& ensure_meta(const Tensor& tensor);

// The node that produced the tensor, null for a leaf. A view whose base was written to since gets
// its history re-derived from the base here.
Ref<Node> grad_fn(const Tensor& tensor);
void set_grad_fn(const Tensor& tensor, Ref<Node> node, uint32_t output_nr);
// Where a gradient of the tensor must be sent: its grad_fn, or the accumulator of a leaf.
Edge gradient_edge(const Tensor& tensor);

void set_requires_grad(const Tensor& tensor, bool requires_grad);
bool is_leaf(const Tensor& tensor);
// Is there a grad_fn at this moment? Unlike is_leaf(), leaves a view that lags as it is.
TALLOW_INLINE bool has_grad_fn(const Tensor& tensor) {
  const AutogradMeta* const meta = tensor.impl()->meta;
  return meta && meta->grad_fn;
}
void retain_grad(const Tensor& tensor);
// Cuts the tensor from its history, in place.
void detach_inplace(const Tensor& tensor);
// Shares the data and the version counter, without history.
Tensor detach(const Tensor& tensor);
// As detach, with a version counter of its own: PyTorch's `.data`.
Tensor variable_data(const Tensor& tensor);

// Makes `tensor` hold the data, type and shape of `source`, keeping its identity, its flags and its
// version counter: PyTorch's `tensor.data = source`.
void replace_data(const Tensor& tensor, const Tensor& source);

}  // namespace tallow
