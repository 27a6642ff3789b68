// Dropout in its forms: random elements or channels become zero, the rest is scaled up.
#pragma once

#include <tuple>

#include "autograd/inplace.h"
#include "core/tensor.h"

namespace tallow::ops {

Tensor dropout(const Tensor& input, double p, bool train, Out out = {});
// Whole channels: elements of the first two dimensions.
Tensor feature_dropout(const Tensor& input, double p, bool train, Out out = {});
// Keeps mean and variance of inputs to SELU networks: dropped elements become -alpha'.
Tensor alpha_dropout(const Tensor& input, double p, bool train, Out out = {});
Tensor feature_alpha_dropout(const Tensor& input, double p, bool train, Out out = {});
// dropout() and the mask of the elements that stayed.
std::tuple<Tensor, Tensor> native_dropout(const Tensor& input, double p, bool train);

}  // namespace tallow::ops
