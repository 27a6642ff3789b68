// Operand: the second argument of arithmetic, a tensor or a Python number.
#pragma once

#include "core/scalar.h"
#include "core/tensor.h"

namespace tallow {

class Operand {
 public:
  TALLOW_INLINE Operand(const Tensor& tensor) : tensor_(&tensor) {}
  TALLOW_INLINE Operand(const Scalar& scalar) : scalar_(scalar) {}
  TALLOW_INLINE Operand(double value) : scalar_(value) {}
  TALLOW_INLINE Operand(int64_t value) : scalar_(value) {}
  TALLOW_INLINE Operand(int value) : scalar_(value) {}

  TALLOW_INLINE bool is_tensor() const { return tensor_ != nullptr; }
  // Borrowed: an Operand lives no longer than the call it is made for.
  TALLOW_INLINE const Tensor& tensor() const { return *tensor_; }
  TALLOW_INLINE const Scalar& scalar() const { return scalar_; }
  DType dtype() const { return tensor_ ? tensor_->dtype() : scalar_.dtype(); }
  bool requires_grad() const { return tensor_ && tensor_->requires_grad(); }

 private:
  const Tensor* tensor_ = nullptr;
  Scalar scalar_;
};

}  // namespace tallow
