// Largest and smallest elements, with and without their positions.
#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/kernel.h"
#include "ops/reduce.h"
#include "ops/reduce_shape.h"
#include "ops/ternary.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

const char* op_name(bool largest) { return largest ? "max" : "min"; }

// Kernels for extremes need at least one element per result.
void check_not_empty(const char* op, const Tensor& self, int64_t dim) {
  TALLOW_CHECK_INDEX(self.dim() == 0 || self.size(dim) != 0, op, "(): Expected reduction dim ", dim,
                     " to have non-zero size.");
}

Tensor extreme(bool largest, const char* name, const Tensor& self, const Dims& dims, bool keepdim) {
  const Tensor out = empty(reduced_shape(self.sizes(), dims, keepdim), self.dtype(), self.device());
  if (out.numel() == 0) return out;
  run<&Backend::reduce, &ReduceKernels::reduce>(
      name, self.device(), largest ? ReduceOp::kMax : ReduceOp::kMin, self.dtype(),
      describe_reduction(self, dims, out), 0.0);
  return out;
}

// The elements equal to the extreme share its gradient evenly.
Tensor share_evenly(const Tensor& grad, const Tensor& self, const Tensor& result,
                    const Dims& dims) {
  const Tensor hits = where(isnan(result), isnan(self), eq(self, result));
  return div(mul(grad, hits), sum_dims(hits, dims, true));
}

Tensor extreme_dims(bool largest, const char* name, const char* node, const Tensor& self,
                    const Dims& dims, bool keepdim) {
  const Dims wrapped = wrap_dims(dims, self.dim());
  // Negative dimensions are named as they were given, as in PyTorch.
  for (const int64_t dim : dims) check_not_empty(name, self, dim);
  TALLOW_CHECK(!wrapped.empty() || self.numel() > 0, name,
               "(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
               "reduction dim with the 'dim' argument.");
  const Tensor out = extreme(largest, name, self, wrapped, keepdim);
  return record(node, {&self}, out, [&](Saver& save) {
    return [in = save(self), result = save.output(out), wrapped, keepdim](Grads& g) {
      const Tensor self = g[in];
      g.out[0] = share_evenly(restore_dims(g.grad(), wrapped, keepdim, self.dim()), self,
                              restore_dims(g[result], wrapped, keepdim, self.dim()), wrapped);
    };
  });
}

// Runs the kernel that finds positions; `values` may be undefined.
void find_extremes(bool largest, const char* name, const Tensor& self, const Dims& dims,
                   const Tensor& values, const Tensor& indices) {
  if (indices.numel() == 0) return;
  Reduction r = describe_reduction(self, dims, indices);
  r.out = values.defined() ? values.ptr() : nullptr;
  run<&Backend::reduce, &ReduceKernels::extremum>(name, self.device(), largest, self.dtype(), r,
                                                  indices.data<int64_t>());
}

std::tuple<Tensor, Tensor> extreme_dim(bool largest, const char* node, const Tensor& self,
                                       int64_t dim, bool keepdim) {
  const char* const name = op_name(largest);
  TALLOW_CHECK(!is_complex(self.dtype()), name, "(): does not support complex input");
  const int64_t d = wrap_dim(dim, self.dim());
  check_not_empty(name, self, d);
  const Dims shape = reduced_shape(self.sizes(), {d}, keepdim);
  const Tensor values = empty(shape, self.dtype(), self.device());
  const Tensor indices = empty(shape, DType::kInt64, self.device());
  find_extremes(largest, name, self, {d}, values, indices);
  record(node, {&self}, {&values, &indices}, [&](Saver& save) {
    return [where = save.output(indices, "indices", 1), shape = self.sizes(), d, keepdim](
               Grads& g) { g.out[0] = selecting_backward(g.grad(), d, g[where], shape, keepdim); };
  });
  return {values, indices};
}

Tensor arg_extreme(bool largest, const char* name, const Tensor& self, std::optional<int64_t> dim,
                   bool keepdim) {
  TALLOW_CHECK(self.dtype() != DType::kBool, name, "(): does not support bool input");
  TALLOW_CHECK(!is_complex(self.dtype()), name, "(): does not support complex input");
  Dims dims;
  if (dim) {
    dims.push_back(wrap_dim(*dim, self.dim()));
    check_not_empty(name, self, dims[0]);
  } else {
    TALLOW_CHECK_INDEX(self.numel() > 0, name,
                       "(): Expected reduction dim to be specified for input.numel() == 0.");
  }
  const Tensor indices =
      empty(reduced_shape(self.sizes(), dims, keepdim), DType::kInt64, self.device());
  find_extremes(largest, name, self, dims, Tensor(), indices);
  return indices;
}

}  // namespace

Tensor max(const Tensor& self) {
  return extreme_dims(true, "max", "MaxBackward1", self, {}, false);
}

Tensor min(const Tensor& self) {
  return extreme_dims(false, "min", "MinBackward1", self, {}, false);
}

Tensor amax(const Tensor& self, const Dims& dims, bool keepdim) {
  return extreme_dims(true, "amax", "AmaxBackward0", self, dims, keepdim);
}

Tensor amin(const Tensor& self, const Dims& dims, bool keepdim) {
  return extreme_dims(false, "amin", "AminBackward0", self, dims, keepdim);
}

std::tuple<Tensor, Tensor> aminmax(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  Dims dims;
  if (dim) {
    dims.push_back(wrap_dim(*dim, self.dim()));
    TALLOW_CHECK_INDEX(self.dim() == 0 || self.sizes()[dims[0]] != 0,
                       "aminmax: Expected reduction dim ", dims[0], " to have non-zero size.");
  } else {
    TALLOW_CHECK(self.numel() > 0,
                 "aminmax(): cannot compute aminmax over an empty dimension as the operation has "
                 "no identity.");
  }
  const Tensor low = extreme(false, "aminmax", self, dims, keepdim);
  const Tensor high = extreme(true, "aminmax", self, dims, keepdim);
  record("AminmaxBackward0", {&self}, {&low, &high}, [&](Saver& save) {
    return [in = save(self), low = save.output(low, "min", 0), high = save.output(high, "max", 1),
            dims, keepdim](Grads& g) {
      const Tensor self = g[in];
      const auto share = [&](int64_t i, const Tensor& result) {
        return share_evenly(restore_dims(g.grad_or_zeros(i), dims, keepdim, self.dim()), self,
                            restore_dims(result, dims, keepdim, self.dim()), dims);
      };
      g.out[0] = add(share(0, g[low]), share(1, g[high]));
    };
  });
  return {low, high};
}

std::tuple<Tensor, Tensor> max_dim(const Tensor& self, int64_t dim, bool keepdim) {
  return extreme_dim(true, "MaxBackward0", self, dim, keepdim);
}

std::tuple<Tensor, Tensor> min_dim(const Tensor& self, int64_t dim, bool keepdim) {
  return extreme_dim(false, "MinBackward0", self, dim, keepdim);
}

Tensor argmax(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme(true, "argmax", self, dim, keepdim);
}

Tensor argmin(const Tensor& self, std::optional<int64_t> dim, bool keepdim) {
  return arg_extreme(false, "argmin", self, dim, keepdim);
}

}  // namespace tallow::ops
