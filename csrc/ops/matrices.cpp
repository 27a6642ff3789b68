#include "ops/matrices.h"

#include <algorithm>
#include <limits>

#include "autograd/grad_mode.h"
#include "autograd/record.h"
#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/few.h"
#include "ops/gather_scatter.h"
#include "ops/join_split.h"
#include "ops/kernel.h"
#include "ops/reduce.h"
#include "ops/views.h"

namespace tallow::ops {

Tensor diag(const Tensor& self, int64_t diagonal) {
  TALLOW_CHECK(self.dim() == 1 || self.dim() == 2, "diag(): Supports 1D or 2D tensors. Got ",
               self.dim(), "D");
  if (self.dim() == 1) return diag_embed(self, diagonal);
  return clone(ops::diagonal(self, diagonal));
}

Tensor diagflat(const Tensor& self, int64_t offset) {
  return diag_embed(reshape(contiguous(self), {-1}), offset);
}

Tensor diag_embed(const Tensor& self, int64_t offset, int64_t dim1, int64_t dim2) {
  TALLOW_CHECK(self.dim() >= 1, "diag_embed: expected a tensor with at least one dimension");
  const int64_t ndim = self.dim() + 1;
  const int64_t a = wrap_dim(dim1, ndim);
  const int64_t b = wrap_dim(dim2, ndim);
  TALLOW_CHECK(a != b, "diagonal dimensions cannot be identical ", dim1, ", ", dim2);
  const int64_t length = self.sizes()[self.dim() - 1];
  const int64_t side = length + std::abs(offset);
  Dims shape(self.sizes().data(), self.dim() - 1);
  shape.insert(std::min(a, b), side);
  shape.insert(std::max(a, b), side);
  // The view of a contiguous result that the elements go to.
  const Dims steps = contiguous_strides(shape);
  Dims strides;
  for (int64_t d = 0; d < ndim; ++d) {
    if (d != a && d != b) strides.push_back(steps[d]);
  }
  strides.push_back(steps[a] + steps[b]);
  const int64_t start = offset >= 0 ? offset * steps[b] : -offset * steps[a];
  return embed(self, shape, self.sizes(), strides, start);
}

Tensor trace(const Tensor& self) {
  TALLOW_CHECK(self.dim() == 2, "trace: expected a matrix, but got tensor with dim ", self.dim());
  return record("TraceBackward0", {&self}, sum(ops::diagonal(tallow::detach(self))), [&](Saver&) {
    return [rows = self.sizes()[0], columns = self.sizes()[1]](Grads& g) {
      g.out[0] = mul(g.grad(), eye(rows, columns, g.grad().dtype(), g.grad().device()));
    };
  });
}

Tensor fill_diagonal_(const Tensor& self, const Scalar& fill_value, bool wrap) {
  TALLOW_CHECK(self.dim() >= 2, "dimensions must larger than 1");
  const int64_t rows = self.sizes()[0];
  const int64_t columns = self.sizes()[1];
  int64_t shortest = rows;
  int64_t step = 0;
  for (int64_t d = 0; d < self.dim(); ++d) {
    TALLOW_CHECK(self.dim() == 2 || self.sizes()[d] == rows,
                 "all dimensions of input must be of equal length");
    shortest = std::min(shortest, self.sizes()[d]);
    step += self.strides()[d];
  }
  const int64_t offset = self.impl()->offset;
  fill_(as_strided(self, {shortest}, {step}, offset), fill_value);
  if (!wrap || self.dim() != 2 || rows <= columns + 1 || !self.is_contiguous()) return self;
  const int64_t first = (columns + 1) * columns;
  const int64_t count = (self.numel() - first + columns) / (columns + 1);
  fill_(as_strided(self, {count}, {columns + 1}, offset + first), fill_value);
  return self;
}

Tensor kron(const Tensor& self, const Tensor& other) {
  const int64_t ndim = std::max(self.dim(), other.dim());
  Dims left, right, shape;
  for (int64_t d = 0; d < ndim; ++d) {
    const int64_t i = d - (ndim - self.dim());
    const int64_t j = d - (ndim - other.dim());
    const int64_t size = i < 0 ? 1 : self.sizes()[i];
    const int64_t other_size = j < 0 ? 1 : other.sizes()[j];
    left.push_back(size);
    left.push_back(1);
    right.push_back(1);
    right.push_back(other_size);
    shape.push_back(size * other_size);
  }
  return reshape(mul(reshape(self, left), reshape(other, right)), shape);
}

Tensor cross(const Tensor& self, const Tensor& other, std::optional<int64_t> dim) {
  const Dims shape = broadcast_shapes(self.sizes(), other.sizes());
  const auto ndim = shape.size();
  int64_t along = dim ? wrap_dim(*dim, ndim) : 0;
  while (!dim && along < ndim && shape[along] != 3) ++along;
  TALLOW_CHECK(along < ndim, "no dimension of size 3 in input");
  TALLOW_CHECK(shape[along] == 3, "linalg.cross: inputs dimension ", dim.value_or(along),
               " must have length 3. Got ", self.sizes(), " and ", other.sizes());
  if (const Tensor found = cross_few(self, other, along); found.defined()) return found;
  const Tensor a = expand(self, shape);
  const Tensor b = expand(other, shape);
  return sub(mul(roll(a, {-1}, {along}), roll(b, {-2}, {along})),
             mul(roll(a, {-2}, {along}), roll(b, {-1}, {along})));
}

Tensor bincount(const Tensor& self, const Tensor& weights, int64_t minlength) {
  TALLOW_CHECK(self.dim() == 1 && is_integral(self.dtype()),
               "bincount only supports 1-d non-negative integral inputs.");
  TALLOW_CHECK(minlength >= 0, "minlength should be >= 0");
  TALLOW_CHECK(!weights.defined() || weights.sizes() == self.sizes(),
               "weights should be 1-d and have the same length as input");
  const Tensor index = to_dtype(self, DType::kInt64);
  int64_t length = minlength;
  if (self.numel() > 0) {
    TALLOW_CHECK(first_element<int64_t>("bincount", min(index)) >= 0,
                 "bincount only supports 1-d non-negative integral inputs.");
    const int64_t most = first_element<int64_t>("bincount", max(index));
    TALLOW_CHECK(most < std::numeric_limits<int64_t>::max(),
                 "maximum value of input overflowed, it should be < ",
                 std::numeric_limits<int64_t>::max(), " but got ", most);
    length = std::max(length, most + 1);
  }
  const NoGradGuard no_grad;
  if (!weights.defined()) {
    const Tensor counts = zeros({length}, DType::kInt64, self.device());
    if (self.device().is_cpu()) {
      const Tensor positions = contiguous(index);
      run<&Backend::index, &IndexKernels::bincount>("bincount", self.device(),
                                                    positions.data<int64_t>(), index.numel(),
                                                    counts.data<int64_t>(), length);
      return counts;
    }
    return index_add_(counts, 0, index, ones(self.sizes(), DType::kInt64, self.device()));
  }
  const DType dtype = weights.dtype() == DType::kFloat32 ? DType::kFloat32 : DType::kFloat64;
  return index_add_(zeros({length}, dtype, self.device()), 0, index, to_dtype(weights, dtype));
}

}  // namespace tallow::ops
