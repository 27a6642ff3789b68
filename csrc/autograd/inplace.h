// In-place operations: what must hold before one, and how history is rewritten after it.
#pragma once

#include "autograd/node.h"
#include "core/tensor.h"

namespace tallow {

// The destination of an op: nothing (a fresh tensor), the caller's `out=`, or `self` in place.
class Out {
 public:
  TALLOW_INLINE Out() = default;
  static Out inplace(const Tensor& self) { return Out(self, true); }
  static Out into(const Tensor& out) { return Out(out, false); }

  TALLOW_INLINE bool given() const { return tensor_.defined(); }
  TALLOW_INLINE bool is_inplace() const { return inplace_; }
  const Tensor& tensor() const { return tensor_; }

  // `self` as it is before an in-place op overwrites it: for derivatives that save it. A copy with
  // the same history if this is an in-place op that will be recorded, else `self`.
  Tensor original(const Tensor& self) const;

 private:
  Out(const Tensor& tensor, bool inplace) : tensor_(tensor), inplace_(inplace) {}
  Tensor tensor_;
  bool inplace_ = false;
};

// Raises unless `self` may be written to now: not a leaf that requires grad, not a forbidden view,
// not an inference tensor outside inference mode, no element at two addresses. What grad mode adds
// to that counts if self or another input of the op requires grad.
void check_inplace(const Tensor& self, bool others_require_grad = false);
// The same for ops that may write to one address twice.
void check_history(const Tensor& self, bool others_require_grad = false);
// Raises if an input shares memory with the destination without being the same elements.
void check_overlap(const Tensor& destination, const Tensor& input);
// Raises if an input shares memory with the destination.
void check_no_overlap(const Tensor& destination, const Tensor& input);

// Makes `node` (whose edge 0 is self's old history) the producer of the modified `self`. If self is
// a view, the base's history is rewritten too, through a CopySlices node.
void rebase_history(const Tensor& self, const Ref<Node>& node);

}  // namespace tallow
