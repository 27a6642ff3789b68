// Looking up rows of a table.
#pragma once

#include "core/tensor.h"

namespace tallow::ops {

// Rows `indices` of the matrix `weight`. The gradient of row `padding_idx` is zero (-1: no such
// row); scale_grad_by_freq divides the gradient of a row by the number of its look-ups.
Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx = -1,
                 bool scale_grad_by_freq = false, bool sparse = false);
// Scales rows named by `indices` down to norm `max_norm`, in place.
Tensor embedding_renorm_(const Tensor& self, const Tensor& indices, double max_norm,
                         double norm_type);
// 1 at the last dimension's position indices[...], 0 elsewhere; -1 takes the largest index + 1.
Tensor one_hot(const Tensor& self, int64_t num_classes = -1);

}  // namespace tallow::ops
