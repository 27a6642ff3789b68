#include "ops/closeness.h"

#include "autograd/grad_mode.h"
#include "core/error.h"
#include "ops/compare.h"
#include "ops/reduce.h"

namespace tallow::ops {

bool equal(const Tensor& self, const Tensor& other) {
  TALLOW_CHECK(self.device() == other.device(),
               "Cannot compare two tensors on different devices. Got: ", self.device(), " and ",
               other.device());
  if (self.sizes() != other.sizes()) return false;
  if (self.numel() == 0) return true;
  const NoGradGuard no_grad;
  return first_element<bool>("equal", all(eq(self, other)));
}

bool allclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan) {
  const NoGradGuard no_grad;
  const Tensor close = isclose(self, other, rtol, atol, equal_nan);
  return close.numel() == 0 || first_element<bool>("allclose", all(close));
}

}  // namespace tallow::ops
