#include "ops/reduce_shape.h"

#include <algorithm>

#include "autograd/grad_mode.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/gather_scatter.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

struct KeptDim {
  int64_t size;
  int64_t out_stride;
  int64_t in_stride;
};

}  // namespace

Reduction describe_reduction(const Tensor& in, const Dims& dims, const Tensor& out) {
  Reduction r;
  r.out = out.ptr();
  r.in = in.ptr();
  r.out_ndim = 0;
  r.reduce_ndim = 0;
  r.out_numel = 1;
  r.reduce_numel = 1;
  if (dims.empty() && in.is_contiguous()) {
    r.reduce_numel = in.numel();
    r.reduce_ndim = 1;
    r.reduce_size[0] = in.numel();
    r.reduce_stride[0] = 1;
    return r;
  }
  uint64_t mask = dims.empty() ? ~uint64_t{0} : 0;
  for (const int64_t d : dims) mask |= uint64_t{1} << d;
  KeptDim kept[kMaxDims];
  int kept_count = 0;
  for (int64_t d = in.dim() - 1; d >= 0; --d) {
    const int64_t size = in.sizes()[d];
    if (size == 1) continue;
    if (mask >> d & 1) {
      r.reduce_size[r.reduce_ndim] = size;
      r.reduce_stride[r.reduce_ndim++] = in.strides()[d];
      r.reduce_numel *= size;
    } else {
      kept[kept_count++] = {size, r.out_numel, in.strides()[d]};
      r.out_numel *= size;
    }
  }
  // Both groups were collected from the last dimension on. A pair (outer, inner) of neighbours is
  // one dimension if a step of the outer is a full turn of the inner.
  std::reverse(r.reduce_size, r.reduce_size + r.reduce_ndim);
  std::reverse(r.reduce_stride, r.reduce_stride + r.reduce_ndim);
  int last = 0;
  for (int d = 1; d < r.reduce_ndim; ++d) {
    if (r.reduce_stride[last] == r.reduce_size[d] * r.reduce_stride[d]) {
      r.reduce_size[last] *= r.reduce_size[d];
    } else {
      r.reduce_size[++last] = r.reduce_size[d];
    }
    r.reduce_stride[last] = r.reduce_stride[d];
  }
  if (r.reduce_ndim > 0) r.reduce_ndim = last + 1;

  std::reverse(kept, kept + kept_count);
  std::stable_sort(kept, kept + kept_count,
                   [](const KeptDim& a, const KeptDim& b) { return a.in_stride > b.in_stride; });
  for (int d = 0; d < kept_count; ++d) {
    const int back = r.out_ndim - 1;
    const bool merges = back >= 0 && r.in_stride[back] == kept[d].size * kept[d].in_stride &&
                        r.out_stride[back] == kept[d].size * kept[d].out_stride;
    if (merges) {
      r.out_size[back] *= kept[d].size;
    } else {
      r.out_size[r.out_ndim++] = kept[d].size;
    }
    r.out_stride[r.out_ndim - 1] = kept[d].out_stride;
    r.in_stride[r.out_ndim - 1] = kept[d].in_stride;
  }
  return r;
}

Tensor restore_dims(const Tensor& reduced, const Dims& dims, bool keepdim, int64_t ndim) {
  if (keepdim || ndim == 0 || dims.empty() || reduced.dim() == ndim) return reduced;
  Dims sorted = dims;
  std::sort(sorted.begin(), sorted.end());
  Tensor result = reduced;
  for (const int64_t d : sorted) result = unsqueeze(result, d);
  return result;
}

int64_t reduced_numel(const Dims& sizes, const Dims& dims) {
  int64_t numel = 1;
  if (dims.empty()) {
    for (const int64_t size : sizes) numel *= size;
  } else {
    for (const int64_t d : dims) numel *= sizes.empty() ? 1 : sizes[d];
  }
  return numel;
}

Tensor contiguous_data(const Tensor& self) {
  if (self.is_contiguous()) return self;
  const NoGradGuard guard;
  return contiguous(self);
}

AroundDim around_dim(const Tensor& self, int64_t dim) {
  AroundDim around{wrap_dim(dim, self.dim()), 1, 1, 1};
  if (self.dim() == 0) return around;
  for (int64_t d = 0; d < around.dim; ++d) around.outer *= self.sizes()[d];
  around.n = self.sizes()[around.dim];
  for (int64_t d = around.dim + 1; d < self.dim(); ++d) around.inner *= self.sizes()[d];
  return around;
}

Tensor selecting_backward(const Tensor& grad, int64_t dim, const Tensor& indices, const Dims& sizes,
                          bool keepdim) {
  const Tensor base = zeros(sizes, grad.dtype(), grad.device());
  if (keepdim || sizes.empty()) return scatter(base, dim, indices, grad);
  return scatter(base, dim, unsqueeze(indices, dim), unsqueeze(grad, dim));
}

}  // namespace tallow::ops
