// Building matrices from vectors and taking them apart: diagonals, Kronecker and cross products.
#pragma once

#include <optional>

#include "core/tensor.h"

namespace tallow::ops {

// A vector becomes the diagonal of a matrix, a matrix gives its diagonal (a copy).
Tensor diag(const Tensor& self, int64_t diagonal = 0);
// The flattened elements on the diagonal of a matrix.
Tensor diagflat(const Tensor& self, int64_t offset = 0);
// The last dimension on the diagonal of two new ones.
Tensor diag_embed(const Tensor& self, int64_t offset = 0, int64_t dim1 = -2, int64_t dim2 = -1);
Tensor trace(const Tensor& self);
// Writes `value` along the main diagonal (i, i, ...); `wrap` starts again below a tall matrix.
Tensor fill_diagonal_(const Tensor& self, const Scalar& fill_value, bool wrap = false);

// Every element of `self` times all of `other`, as blocks.
Tensor kron(const Tensor& self, const Tensor& other);
// The vector product along a dimension of size 3; without `dim` along the first such.
Tensor cross(const Tensor& self, const Tensor& other, std::optional<int64_t> dim = std::nullopt);
// How often each non-negative integer occurs, or the sum of its weights.
Tensor bincount(const Tensor& self, const Tensor& weights = {}, int64_t minlength = 0);

}  // namespace tallow::ops
