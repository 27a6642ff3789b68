#include "ops/closeness.h"

#include <algorithm>

#include "autograd/grad_mode.h"
#include "core/error.h"
#include "ops/compare.h"
#include "ops/reduce.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// Parts along the first dimension, the first ones small: different tensors mostly differ early.
bool equal_in_parts(const Tensor& self, const Tensor& other) {
  const int64_t rows = self.size(0);
  const int64_t row = self.numel() / rows;
  int64_t part = 1024;
  for (int64_t at = 0; at < rows;) {
    const int64_t wanted = std::max<int64_t>(1, part / row);
    const int64_t count = std::min(wanted, rows - at);
    const Tensor same = eq(narrow(self, 0, at, count), narrow(other, 0, at, count));
    if (!first_element<bool>("equal", all(same))) return false;
    at += count;
    part = std::min<int64_t>(part * 8, int64_t{1} << 17);
  }
  return true;
}

}  // namespace

bool equal(const Tensor& self, const Tensor& other) {
  TALLOW_CHECK(self.device() == other.device(),
               "Cannot compare two tensors on different devices. Got: ", self.device(), " and ",
               other.device());
  if (self.sizes() != other.sizes()) return false;
  if (self.numel() == 0) return true;
  const NoGradGuard no_grad;
  if (!self.device().is_cpu() || self.numel() <= 4096) {
    return first_element<bool>("equal", all(eq(self, other)));
  }
  const bool flat = self.is_contiguous() && other.is_contiguous();
  return flat ? equal_in_parts(view(self, {self.numel()}), view(other, {other.numel()}))
              : equal_in_parts(self, other);
}

bool allclose(const Tensor& self, const Tensor& other, double rtol, double atol, bool equal_nan) {
  const NoGradGuard no_grad;
  const Tensor close = isclose(self, other, rtol, atol, equal_nan);
  return close.numel() == 0 || first_element<bool>("allclose", all(close));
}

}  // namespace tallow::ops
