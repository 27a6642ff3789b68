// Sums, means, products, predicates and counts.
#include "ops/reduce.h"

#include "autograd/record.h"
#include "ops/arithmetic.h"
#include "ops/compare.h"
#include "ops/copy.h"
#include "ops/creation.h"
#include "ops/join_split.h"
#include "ops/kernel.h"
#include "ops/reduce_shape.h"
#include "ops/scan.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

Tensor reduce(ReduceOp op, const char* name, const Tensor& self, const Dims& dims, bool keepdim,
              DType dtype) {
  const Tensor out = empty(reduced_shape(self.sizes(), dims, keepdim), dtype, self.device());
  run<&Backend::reduce, &ReduceKernels::reduce>(name, self.device(), op, self.dtype(),
                                                describe_reduction(self, dims, out), 0.0);
  return out;
}

DType sum_type(DType dtype) { return is_differentiable(dtype) ? dtype : DType::kInt64; }

Tensor converted(const Tensor& self, std::optional<DType> dtype) {
  return dtype ? to_dtype(self, *dtype) : self;
}
// The same for sums, whose kernels turn bool and integers into int64 themselves.
Tensor summable(const Tensor& self, std::optional<DType> dtype) {
  const bool wide = is_wide_unsigned(self.dtype()) || (dtype && is_wide_unsigned(*dtype));
  if (wide && !(dtype && is_differentiable(*dtype))) return to_dtype(self, DType::kInt64);
  return dtype == DType::kInt64 && !is_differentiable(self.dtype()) ? self : converted(self, dtype);
}
// int64 sums are narrowed last: they wrap as sums of the narrow type would.
Tensor narrowed(const Tensor& sum, std::optional<DType> dtype) {
  return dtype && !is_differentiable(*dtype) ? to_dtype(sum, *dtype) : sum;
}

Tensor sum_over(const char* node, const Tensor& self, const Dims& dims, bool keepdim,
                std::optional<DType> dtype) {
  const Tensor x = summable(self, dtype);
  const Tensor out = reduce(ReduceOp::kSum, "sum", x, dims, keepdim, sum_type(x.dtype()));
  return narrowed(record(node, {&x}, out,
                         [&](Saver&) {
                           return [shape = x.sizes(), dims, keepdim](Grads& g) {
                             g.out[0] =
                                 expand(restore_dims(g.grad(), dims, keepdim, shape.size()), shape);
                           };
                         }),
                  dtype);
}

Tensor mean_over(const char* node, const Tensor& self, const Dims& dims, bool keepdim,
                 std::optional<DType> dtype) {
  const DType type = dtype.value_or(self.dtype());
  TALLOW_CHECK(
      is_differentiable(type), "mean(): could not infer output dtype. ",
      dtype ? "Optional" : "Input",
      " dtype must be either a floating point or complex dtype. Got: ", scalar_type_name(type));
  const Tensor x = converted(self, dtype);
  const Tensor out = reduce(ReduceOp::kMean, "mean", x, dims, keepdim, type);
  return record(node, {&x}, out, [&](Saver&) {
    return [shape = x.sizes(), dims, keepdim](Grads& g) {
      const Tensor grad = expand(restore_dims(g.grad(), dims, keepdim, shape.size()), shape);
      g.out[0] = div(grad, static_cast<double>(reduced_numel(shape, dims)));
    };
  });
}

// The product of all other elements along `dim`, for inputs with zeros.
Tensor products_of_others(const Tensor& self, int64_t dim) {
  const int64_t n = self.size(dim);
  const Tensor one = ones_like(narrow(self, dim, 0, 1));
  const Tensor before = cumprod(cat({one, narrow(self, dim, 0, n - 1)}, dim), dim);
  const Tensor reversed = flip(narrow(self, dim, 1, n - 1), {dim});
  const Tensor after = flip(cumprod(cat({one, reversed}, dim), dim), {dim});
  return mul(before, after);
}

bool has_zero(const Tensor& self) {
  const NoGradGuard guard;
  return first_element<bool>("prod", any(eq(self, 0)));
}

Tensor prod_backward(const Tensor& grad, const Tensor& self, const Tensor& result, int64_t dim) {
  if (self.dim() == 0 || self.numel() == 0) return mul(grad, ones_like(self));
  if (!has_zero(self)) return mul(grad, conj(div(result, self)));
  return mul(grad, conj(products_of_others(self, dim)));
}

}  // namespace

Tensor sum(const Tensor& self, std::optional<DType> dtype) {
  return sum_over("SumBackward0", self, {}, false, dtype);
}

Tensor sum_dims(const Tensor& self, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  return sum_over("SumBackward1", self, wrap_dims(dims, self.dim()), keepdim, dtype);
}

Tensor mean(const Tensor& self, std::optional<DType> dtype) {
  return mean_over("MeanBackward0", self, {}, false, dtype);
}

Tensor mean_dims(const Tensor& self, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  return mean_over("MeanBackward1", self, wrap_dims(dims, self.dim()), keepdim, dtype);
}

Tensor prod(const Tensor& self, std::optional<DType> dtype) {
  const Tensor x = summable(self, dtype);
  const Tensor out = reduce(ReduceOp::kProd, "prod", x, {}, false, sum_type(x.dtype()));
  return narrowed(record("ProdBackward0", {&x}, out,
                         [&](Saver& save) {
                           return [in = save(x), result = save.output(out)](Grads& g) {
                             const Tensor self = g[in];
                             const Tensor flat = reshape(self, {-1});
                             g.out[0] =
                                 reshape(prod_backward(g.grad(), flat, g[result], 0), self.sizes());
                           };
                         }),
                  dtype);
}

Tensor prod_dim(const Tensor& self, int64_t dim, bool keepdim, std::optional<DType> dtype) {
  const Tensor x = summable(self, dtype);
  const int64_t d = wrap_dim(dim, self.dim());
  const Tensor out = reduce(ReduceOp::kProd, "prod", x, {d}, keepdim, sum_type(x.dtype()));
  return narrowed(record("ProdBackward1", {&x}, out,
                         [&](Saver& save) {
                           return [in = save(x), result = save.output(out), d, keepdim](Grads& g) {
                             const Tensor self = g[in];
                             const Dims dims{d};
                             g.out[0] = prod_backward(
                                 restore_dims(g.grad(), dims, keepdim, self.dim()), self,
                                 restore_dims(g[result], dims, keepdim, self.dim()), d);
                           };
                         }),
                  dtype);
}

Tensor nansum(const Tensor& self, const std::optional<Dims>& dims, bool keepdim,
              std::optional<DType> dtype) {
  TALLOW_CHECK(!is_complex(self.dtype()), "nansum does not support complex inputs");
  const Dims wrapped = dims ? wrap_dims(*dims, self.dim()) : Dims{};
  // Integers have no NaN.
  if (!is_differentiable(self.dtype())) return sum_over("", self, wrapped, keepdim, dtype);
  const Tensor x = converted(self, dtype);
  const Tensor out = reduce(ReduceOp::kNanSum, "nansum", x, wrapped, keepdim, x.dtype());
  return record("NansumBackward0", {&x}, out, [&](Saver& save) {
    return [in = save(x), wrapped, keepdim](Grads& g) {
      const Tensor self = g[in];
      g.out[0] =
          mul(restore_dims(g.grad(), wrapped, keepdim, self.dim()), logical_not(isnan(self)));
    };
  });
}

Tensor nanmean(const Tensor& self, const std::optional<Dims>& dims, bool keepdim,
               std::optional<DType> dtype) {
  TALLOW_CHECK(is_differentiable(self.dtype()),
               "nanmean(): expected input to have floating point or complex dtype but got ",
               scalar_type_name(self.dtype()));
  const Tensor count = sum_dims(logical_not(isnan(self)), dims.value_or(Dims{}), keepdim);
  return div(nansum(self, dims, keepdim, dtype), count);
}

namespace {

Tensor predicate(ReduceOp op, const char* name, const Tensor& self, const std::optional<Dims>& dims,
                 bool keepdim) {
  const bool bytes = self.dtype() == DType::kUInt8;
  if (self.dtype() == DType::kFloat8E8M0FNU) {  // its zero bits are no zero
    return predicate(op, name, to_dtype(self, DType::kBool), dims, keepdim);
  }
  Tensor out;
  if (dims && dims->empty()) {
    out = ne(self, 0);
  } else {
    const Dims wrapped = dims ? wrap_dims(*dims, self.dim()) : Dims{};
    out = reduce(op, name, self, wrapped, keepdim, DType::kBool);
  }
  return bytes ? to_dtype(out, DType::kUInt8) : out;
}

}  // namespace

Tensor any(const Tensor& self, const std::optional<Dims>& dims, bool keepdim) {
  return predicate(ReduceOp::kAny, "any", self, dims, keepdim);
}

Tensor all(const Tensor& self, const std::optional<Dims>& dims, bool keepdim) {
  return predicate(ReduceOp::kAll, "all", self, dims, keepdim);
}

Tensor count_nonzero(const Tensor& self, const std::optional<Dims>& dims) {
  const Dims wrapped = dims ? wrap_dims(*dims, self.dim()) : Dims{};
  return reduce(ReduceOp::kCountNonzero, "count_nonzero", self, wrapped, false, DType::kInt64);
}

}  // namespace tallow::ops
