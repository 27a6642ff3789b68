// Weighted sums of a few elements along one dimension, which resizing images and bags of embeddings
// consist of.
#pragma once

#include "core/tensor.h"

namespace tallow::ops {

// Element i of the result along `dim` is the sum over k of weights[k][i] times the element of
// `input` at positions[k][i]. Positions are int64, weights have the type of `input`, float or
// double, and no gradient.
Tensor weighted_taps(const Tensor& input, int64_t dim, const Tensor& positions,
                     const Tensor& weights);

// Row i of the result is the sum of the rows indices[k] of the matrix `table`, begin[i] <= k <
// begin[i + 1], times weights[k] if there are weights. They have no gradient. Floats and doubles on
// a CPU.
Tensor sum_bags(const Tensor& table, const Tensor& indices, const Tensor& begin,
                const Tensor& weights);

// Element p of the n along `dim` of the result is the sum of the elements i of `input` with
// positions[i] == p, half types added up in float32: the derivative of index_select.
Tensor sum_at(const Tensor& input, int64_t dim, const Dims& positions, int64_t n);

}  // namespace tallow::ops
