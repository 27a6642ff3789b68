#include "ops/scan.h"

#include "autograd/inplace.h"
#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/gather_scatter.h"
#include "ops/index.h"
#include "ops/join_split.h"
#include "ops/kernel.h"
#include "ops/reduce.h"
#include "ops/reduce_shape.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

// Running products in log2(n) steps: after each, an element holds the product of twice as many.
// Without a kernel of its own: of complex numbers.
Tensor products_by_doubling(const Tensor& self, int64_t dim) {
  const NoGradGuard no_grad;
  const int64_t n = self.dim() == 0 ? 1 : self.size(dim);
  Tensor out = clone(self);
  for (int64_t done = 1; done < n; done *= 2) {
    const Tensor first = narrow(out, dim, 0, done);
    out = cat({first, mul(narrow(out, dim, done, n - done), narrow(out, dim, 0, n - done))}, dim);
  }
  return out;
}

Tensor scan(ScanOp op, const char* name, const Tensor& self, int64_t dim) {
  if (is_complex(self.dtype()) && op == ScanOp::kProd) return products_by_doubling(self, dim);
  const AroundDim at = around_dim(self, dim);
  const Tensor x = contiguous_data(self);
  const Tensor out = empty(self.sizes(), self.dtype(), self.device());
  // Sums of complex numbers are those of their parts, which lie side by side.
  const bool in_parts = is_complex(self.dtype()) && op == ScanOp::kSum;
  run<&Backend::sort, &SortKernels::scan>(
      name, self.device(), op, in_parts ? real_type(self.dtype()) : self.dtype(), out.ptr(),
      x.ptr(), at.outer, at.n, in_parts ? 2 * at.inner : at.inner);
  return out;
}

// What running sums and products are taken of: integers are added up as int64.
Tensor summable(const Tensor& self, std::optional<DType> dtype) {
  const DType type = dtype.value_or(self.dtype());
  return to_dtype(self, is_differentiable(type) ? type : DType::kInt64);
}
Tensor narrowed(const Tensor& totals, std::optional<DType> dtype) {
  return dtype ? to_dtype(totals, *dtype) : totals;
}

// The sum of everything from each position on.
Tensor sum_of_rest(const Tensor& self, int64_t dim) {
  return flip(cumsum(flip(self, {dim}), dim), {dim});
}

// Element k gets the sum over i >= k of grad[i] * result[i] / self[k]. With zeros around, the
// quotients are computed as products that leave out element k: row k of a matrix.
Tensor cumprod_backward(const Tensor& grad, const Tensor& self, const Tensor& result, int64_t dim) {
  if (self.dim() == 0 || self.numel() == 0) return mul(grad, ones_like(self));
  const bool zeros = [&] {
    const NoGradGuard guard;
    return first_element<bool>("cumprod", any(eq(self, 0)));
  }();
  if (!zeros) return div(sum_of_rest(mul(grad, conj(result)), dim), conj(self));
  const int64_t n = self.size(dim);
  const Tensor rows = unsqueeze(movedim(self, {dim}, {-1}), -2);
  const Tensor left_out = eye(n, n, DType::kBool, self.device());
  const Tensor factors = where(left_out, Scalar(1.0), rows);
  const Tensor quotients = triu(conj(cumprod(factors, -1)));
  const Tensor grads = unsqueeze(movedim(grad, {dim}, {-1}), -2);
  return movedim(sum_dims(mul(grads, quotients), {-1}), {-1}, {dim});
}

std::tuple<Tensor, Tensor> running_extreme(bool largest, const char* node, const Tensor& self,
                                           int64_t dim) {
  const char* const name = largest ? "cummax" : "cummin";
  TALLOW_CHECK(!is_complex(self.dtype()), name, "(): does not support complex input");
  const AroundDim at = around_dim(self, dim);
  const Tensor x = contiguous_data(self);
  const Tensor values = empty(self.sizes(), self.dtype(), self.device());
  const Tensor indices = empty(self.sizes(), DType::kInt64, self.device());
  run<&Backend::sort, &SortKernels::scan_extremum>(name, self.device(), largest, self.dtype(),
                                                   values.ptr(), indices.data<int64_t>(), x.ptr(),
                                                   at.outer, at.n, at.inner);
  record(node, {&self}, {&values, &indices}, [&](Saver& save) {
    return [where = save.output(indices, "indices", 1), dim = at.dim,
            shape = self.sizes()](Grads& g) {
      g.out[0] =
          scatter_add(zeros(shape, g.grad().dtype(), g.grad().device()), dim, g[where], g.grad());
    };
  });
  return {values, indices};
}

}  // namespace

namespace {

// `out` is new or, after an in-place call, `self` itself, which then was `original`.
Tensor record_cumsum(const Tensor& self, const Tensor& out, int64_t dim) {
  return record("CumsumBackward0", {&self}, out, [&](Saver&) {
    return
        [dim](Grads& g) { g.out[0] = g.grad().dim() == 0 ? g.grad() : sum_of_rest(g.grad(), dim); };
  });
}
Tensor record_cumprod(const Tensor& self, const Tensor& original, const Tensor& out, int64_t dim) {
  return record("CumprodBackward0", {&self}, out, [&](Saver& save) {
    return [in = save(original), result = save.output(out), dim](Grads& g) {
      g.out[0] = cumprod_backward(g.grad(), g[in], g[result], dim);
    };
  });
}

void overwrite(const Tensor& self, const Tensor& values) {
  const NoGradGuard guard;
  copy_(self, values);
}

}  // namespace

Tensor cumsum(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  const Tensor x = summable(self, dtype);
  const int64_t d = wrap_dim(dim, self.dim());
  return narrowed(record_cumsum(x, scan(ScanOp::kSum, "cumsum", x, d), d), dtype);
}

Tensor cumprod(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  const Tensor x = summable(self, dtype);
  const int64_t d = wrap_dim(dim, self.dim());
  return narrowed(record_cumprod(x, x, scan(ScanOp::kProd, "cumprod", x, d), d), dtype);
}

Tensor cumsum_(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  check_inplace(self);
  const int64_t d = wrap_dim(dim, self.dim());
  overwrite(self, scan(ScanOp::kSum, "cumsum_", summable(self, dtype), d));
  return record_cumsum(self, self, d);
}

Tensor cumprod_(const Tensor& self, int64_t dim, std::optional<DType> dtype) {
  check_inplace(self);
  const int64_t d = wrap_dim(dim, self.dim());
  const Tensor original = Out::inplace(self).original(self);
  overwrite(self, scan(ScanOp::kProd, "cumprod_", summable(self, dtype), d));
  return record_cumprod(self, original, self, d);
}

namespace {

// exp(self[k]) * the sum over i >= k of weight[i] / exp(result[i]) for the positive weights, in
// logarithms. The others are far below any weight, but not so far that differences overflow.
Tensor logcumsumexp_part(const Tensor& weight, const Tensor& self, const Tensor& result,
                         int64_t dim) {
  const double negligible = weight.dtype() == DType::kFloat64 ? -1e307 : -1e37;
  const Tensor positive = gt(weight, 0);
  const Tensor logs =
      where(positive, log(where(positive, weight, Scalar(1.0))), Scalar(negligible));
  const Tensor rest = flip(logcumsumexp(flip(sub(logs, result), {dim}), dim), {dim});
  return exp(add(rest, self));
}

}  // namespace

Tensor logcumsumexp(const Tensor& self, int64_t dim) {
  const int64_t d = wrap_dim(dim, self.dim());
  const Tensor out = scan(ScanOp::kLogSumExp, "logcumsumexp", self, d);
  return record("LogcumsumexpBackward0", {&self}, out, [&](Saver& save) {
    return [in = save(self), result = save.output(out), d](Grads& g) {
      const Tensor grad = g.grad();
      g.out[0] = grad.dim() == 0 ? grad
                                 : sub(logcumsumexp_part(grad, g[in], g[result], d),
                                       logcumsumexp_part(neg(grad), g[in], g[result], d));
    };
  });
}

std::tuple<Tensor, Tensor> cummax(const Tensor& self, int64_t dim) {
  return running_extreme(true, "CummaxBackward0", self, dim);
}

std::tuple<Tensor, Tensor> cummin(const Tensor& self, int64_t dim) {
  return running_extreme(false, "CumminBackward0", self, dim);
}

}  // namespace tallow::ops
