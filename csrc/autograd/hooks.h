// What user code can attach to gradients. The binding implements these over Python callables; the
// engine knows only the interfaces.
#pragma once

#include "core/inline_vector.h"
#include "core/ref.h"
#include "core/tensor.h"

namespace tallow {

using TensorList = InlineVector<Tensor, 3>;

class Hook : public Counted {
 public:
  virtual ~Hook() = default;
  static void destroy(Hook* hook) { delete hook; }
};

// Sees the gradient of one tensor and may replace it.
class TensorHook : public Hook {
 public:
  virtual Tensor operator()(const Tensor& grad) = 0;
};

// Runs after a leaf's gradient has been accumulated.
class PostAccumulateHook : public Hook {
 public:
  virtual void operator()(const Tensor& leaf) = 0;
};

// Runs before a node and may replace the gradients of its outputs.
class NodePreHook : public Hook {
 public:
  virtual void operator()(TensorList& grad_outputs) = 0;
};

// Runs after a node and may replace the gradients of its inputs.
class NodePostHook : public Hook {
 public:
  virtual void operator()(TensorList& grad_inputs, const TensorList& grad_outputs) = 0;
};

// A pair of callables that turn a tensor saved for backward into something else and back.
class SavedTensorHook : public Hook {
 public:
  // Returns an owned reference to whatever the user's pack function returned.
  virtual void* pack(const Tensor& tensor) = 0;
  virtual Tensor unpack(void* packed) = 0;
  virtual void drop(void* packed) = 0;
};

}  // namespace tallow
