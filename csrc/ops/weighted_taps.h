// Weighted sums of a few elements along one dimension, which resizing images consists of.
#pragma once

#include "core/tensor.h"

namespace tallow::ops {

// Element i of the result along `dim` is the sum over k of weights[k][i] times the element of
// `input` at positions[k][i]. Positions are int64, weights have the type of `input`, float or
// double, and no gradient.
Tensor weighted_taps(const Tensor& input, int64_t dim, const Tensor& positions,
                     const Tensor& weights);

}  // namespace tallow::ops
