// Reading and writing along one dimension at positions given by a tensor.
#pragma once

#include <optional>
#include <string_view>

#include "autograd/inplace.h"
#include "core/operand.h"

namespace tallow::ops {

// out[i][j][k] = self[i][index[i][j][k]][k] for dim 1, and so on.
Tensor gather(const Tensor& self, int64_t dim, const Tensor& index, bool sparse_grad = false);
// gather() with broadcasting; without a dim, over the flattened tensors.
Tensor take_along_dim(const Tensor& input, const Tensor& indices,
                      std::optional<int64_t> dim = std::nullopt);

// self[i][index[i][j][k]][k] = src[i][j][k] for dim 1; `reduce` may be "add" or "multiply". Where
// an element is written twice, the last position in the index wins.
Tensor scatter(const Tensor& self, int64_t dim, const Tensor& index, const Operand& src,
               std::optional<std::string_view> reduce = std::nullopt, Out out = {});
Tensor scatter_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src,
                   Out out = {});
// reduce: "sum", "prod", "mean", "amax" or "amin".
Tensor scatter_reduce(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& src,
                      std::string_view reduce, bool include_self = true, Out out = {});

// The slices of `self` along `dim` that the vector `index` names, one after the other.
Tensor index_select(const Tensor& self, int64_t dim, const Tensor& index);
// Slice index[i] of self += alpha * slice i of source.
Tensor index_add(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                 const Scalar& alpha = 1, Out out = {});
// Slice index[i] of self = slice i of source.
Tensor index_copy(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                  Out out = {});
// Every slice named by `index` = value, a number or a 0-d tensor.
Tensor index_fill(const Tensor& self, int64_t dim, const Tensor& index, const Operand& value,
                  Out out = {});

inline Tensor index_add_(const Tensor& self, int64_t dim, const Tensor& index, const Tensor& source,
                         const Scalar& alpha = 1) {
  return index_add(self, dim, index, source, alpha, Out::inplace(self));
}

}  // namespace tallow::ops
