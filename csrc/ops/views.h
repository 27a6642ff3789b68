// Views: tensors over the same memory with another geometry, and the ops that undo them.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "autograd/node.h"
#include "core/tensor.h"

namespace tallow::ops {

Tensor view(const Tensor& self, const Dims& size);
// The bytes as elements of another type, without history: views_dtype.cpp.
Tensor view_dtype(const Tensor& self, DType dtype);
// Complex numbers as pairs of real ones in a new last dimension, and back.
Tensor view_as_real(const Tensor& self);
Tensor view_as_complex(const Tensor& self);
// The parts of complex numbers, as views; a real tensor is its own real part.
Tensor real(const Tensor& self);
Tensor imag(const Tensor& self);
// Complex numbers from their parts, which are broadcast.
Tensor complex_of(const Tensor& real, const Tensor& imag);
// The same geometry as a new view.
Tensor view_alias(const Tensor& self);
Tensor view_as(const Tensor& self, const Tensor& other);
// A view where the memory order allows it, else a copy.
Tensor reshape(const Tensor& self, const Dims& shape);
Tensor reshape_as(const Tensor& self, const Tensor& other);
Tensor flatten(const Tensor& self, int64_t start_dim = 0, int64_t end_dim = -1);
Tensor ravel(const Tensor& self);
Tensor unflatten(const Tensor& self, int64_t dim, const Dims& sizes);

Tensor transpose(const Tensor& self, int64_t dim0, int64_t dim1);
Tensor permute(const Tensor& self, const Dims& dims);
Tensor t(const Tensor& self);
Tensor reverse_dims(const Tensor& self);
Tensor movedim(const Tensor& self, const Dims& source, const Dims& destination);

Tensor unsqueeze(const Tensor& self, int64_t dim);
Tensor squeeze(const Tensor& self);
Tensor squeeze_dims(const Tensor& self, const Dims& dim);
Tensor expand(const Tensor& self, const Dims& size);
Tensor expand_as(const Tensor& self, const Tensor& other);
// The sum over broadcast dimensions that makes `self` fit `size`: the adjoint of expand.
Tensor sum_to_size(const Tensor& self, const Dims& size);

Tensor select(const Tensor& self, int64_t dim, int64_t index);
Tensor slice(const Tensor& self, int64_t dim, std::optional<int64_t> start,
             std::optional<int64_t> end, int64_t step = 1);
Tensor narrow(const Tensor& self, int64_t dim, int64_t start, int64_t length);
Tensor diagonal(const Tensor& self, int64_t offset = 0, int64_t dim1 = 0, int64_t dim2 = 1);
// All windows of `size` elements along `dim`, `step` apart, in a new last dimension.
Tensor unfold(const Tensor& self, int64_t dimension, int64_t size, int64_t step);

std::vector<Tensor> split(const Tensor& self, int64_t split_size, int64_t dim = 0);
std::vector<Tensor> split_with_sizes(const Tensor& self, const Dims& split_sizes, int64_t dim = 0);
std::vector<Tensor> chunk(const Tensor& self, int64_t chunks, int64_t dim = 0);
std::vector<Tensor> unbind(const Tensor& self, int64_t dim = 0);

// Any geometry over the storage; `storage_offset` defaults to self's.
Tensor as_strided(const Tensor& self, const Dims& size, const Dims& stride,
                  std::optional<int64_t> storage_offset = std::nullopt);
// as_strided() under `dtype`: that of the parts of a complex tensor, or of pairs from a real one.
// The geometry is in its elements.
Tensor strided_as(const Tensor& whole, DType dtype, const Dims& sizes, const Dims& strides,
                  int64_t offset);
// Zeros of shape `base_size` with `self` added at the positions that the given view of a contiguous
// tensor of that shape has: the adjoint of taking the view.
Tensor embed(const Tensor& self, const Dims& base_size, const Dims& size, const Dims& stride,
             int64_t offset);
// The node that derives a view's gradient from its base, for views.cpp.
Ref<Node> as_strided_node(const Tensor& base, const Tensor& view);

}  // namespace tallow::ops
