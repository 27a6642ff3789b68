// Views in autograd's eyes: tensors that share a base's memory, and how their history is kept right
// when either is written to. docs/views-and-inplace.md draws the states.
#pragma once

#include "autograd/meta.h"
#include "autograd/record.h"
#include "core/tensor.h"

namespace tallow {

// Makes `view` a view of `of` (or of its base, if `of` is one itself).
void set_view(const Tensor& view, const Tensor& of, ViewOrigin origin);
bool is_view(const Tensor& tensor);
// How a view taken now comes to be.
TALLOW_INLINE ViewOrigin view_origin(ViewOrigin in_grad_mode = ViewOrigin::kNormal) {
  if (TALLOW_LIKELY(recording_enabled())) return in_grad_mode;
  return inference_mode_enabled() ? ViewOrigin::kInference : ViewOrigin::kNoGrad;
}
// Was the memory written to since the view's history was derived?
bool view_lags(const Tensor& view);
// The view has the history that follows from its base's as it is now.
void mark_in_step(const Tensor& view);
// Derives the view's grad_fn from its base's; raises for a view that cannot be differentiated.
void regenerate_view_history(const Tensor& view);
// The error of a recorded write to `view`, or (`indirect`) to its base or another view of it,
// where that cannot be differentiated.
void check_view_origin(const Tensor& view, bool indirect);

// A new view of `self` with the given geometry, recorded with `make` (see record()).
template <class Make>
Tensor record_view(const char* name, const Tensor& self, const Dims& sizes, const Dims& strides,
                   int64_t offset, const Make& make) {
  Tensor out = alias(self, sizes, strides, offset);
  if (TALLOW_LIKELY(!self.impl()->inference)) {
    set_view(out, self, view_origin());
  }
  return record(name, {&self}, std::move(out), make);
}

}  // namespace tallow
