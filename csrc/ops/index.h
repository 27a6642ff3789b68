// Advanced indexing: positions and masks over several dimensions at once.
#pragma once

#include <vector>

#include "autograd/inplace.h"
#include "core/operand.h"

namespace tallow::ops {

// self[indices[0], indices[1], ...]: undefined tensors stand for whole dimensions, int64 and int32
// tensors for positions, bool and uint8 ones for masks over as many dimensions as they have.
Tensor index(const Tensor& self, const std::vector<Tensor>& indices);
// self with self[indices] = values, or += where `accumulate`; values broadcast. Repeated positions:
// the last wins, or all are added in order.
Tensor index_put(const Tensor& self, const std::vector<Tensor>& indices, const Tensor& values,
                 bool accumulate = false, Out out = {});
inline Tensor index_put_(const Tensor& self, const std::vector<Tensor>& indices,
                         const Tensor& values, bool accumulate = false) {
  return index_put(self, indices, values, accumulate, Out::inplace(self));
}

// Elements of the flattened tensor, in the shape of the index.
Tensor take(const Tensor& self, const Tensor& index);
// self with the flattened elements `index` = source (or += source).
Tensor put(const Tensor& self, const Tensor& index, const Tensor& source, bool accumulate = false,
           Out out = {});

// mask ? value : self; value is a number or a 0-d tensor.
Tensor masked_fill(const Tensor& self, const Tensor& mask, const Operand& value, Out out = {});
// The elements where the mask is set, as a vector.
Tensor masked_select(const Tensor& self, const Tensor& mask);
// The elements where the mask is set = the first elements of source.
Tensor masked_scatter(const Tensor& self, const Tensor& mask, const Tensor& source, Out out = {});

// Positions of the elements that are not zero: count x ndim, or one vector per dimension.
Tensor nonzero(const Tensor& self);
std::vector<Tensor> nonzero_tuple(const Tensor& self);
Tensor argwhere(const Tensor& self);

// The triangle of the last two dimensions on and below (above) the diagonal; zeros elsewhere.
Tensor tril(const Tensor& self, int64_t diagonal = 0, Out out = {});
Tensor triu(const Tensor& self, int64_t diagonal = 0, Out out = {});

}  // namespace tallow::ops
