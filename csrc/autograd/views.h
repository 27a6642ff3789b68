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
// Did the base get a new history since the view's was derived?
bool view_lags(const Tensor& view);
// Derives the view's grad_fn from its base's.
void regenerate_view_history(const Tensor& view);

// A new view of `self` with the given geometry, recorded with `make` (see record()).
template <class Make>
Tensor record_view(const char* name, const Tensor& self, const Dims& sizes, const Dims& strides,
                   int64_t offset, const Make& make) {
  Tensor out = alias(self, sizes, strides, offset);
  if (TALLOW_LIKELY(!self.impl()->inference)) {
    set_view(out, self, grad_enabled() ? ViewOrigin::kNormal : ViewOrigin::kNoGrad);
  }
  return record(name, {&self}, std::move(out), make);
}

}  // namespace tallow
