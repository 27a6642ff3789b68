// What calls on few numbers share: the limit, and reading and writing small tensors as float64.
#pragma once

#include <algorithm>

#include "autograd/record.h"
#include "ops/copy.h"

namespace tallow::ops {

inline constexpr int64_t kMostElements = 1024;

inline bool is_few(const Tensor& x) {
  return x.device().is_cpu() && (x.dtype() == DType::kFloat32 || x.dtype() == DType::kFloat64) &&
         x.numel() <= kMostElements && !should_record({&x});
}

// The elements of a small tensor of float32 or float64, one after the other.
class Values {
 public:
  explicit Values(const Tensor& tensor) {
    const Tensor x = contiguous(tensor);
    if (x.dtype() == DType::kFloat32) {
      std::copy_n(x.data<float>(), x.numel(), values_);
    } else {
      std::copy_n(x.data<double>(), x.numel(), values_);
    }
  }
  double operator[](int64_t i) const { return values_[i]; }

 private:
  double values_[kMostElements];
};

inline void put(const Tensor& to, int64_t i, double value) {
  if (to.dtype() == DType::kFloat32) {
    to.data<float>()[i] = static_cast<float>(value);
  } else {
    to.data<double>()[i] = value;
  }
}

}  // namespace tallow::ops
