// Products with an added term, among them the linear layer.
#include "autograd/record.h"
#include "core/error.h"
#include "ops/arithmetic.h"
#include "ops/copy.h"
#include "ops/matmul.h"
#include "ops/matmul_product.h"
#include "ops/reduce.h"
#include "ops/ternary.h"
#include "ops/unary_math.h"
#include "ops/views.h"

namespace tallow::ops {

namespace {

bool is_zero(const Scalar& scalar) { return !scalar.is_complex() && scalar.to_double() == 0; }
bool is_one(const Scalar& scalar) { return !scalar.is_complex() && scalar.to_double() == 1; }

Tensor scaled(const Tensor& tensor, const Scalar& factor) {
  return is_one(factor) ? tensor : mul(tensor, factor);
}

// Can `self` be broadcast to the product's shape? The message is that of expand().
void check_expands(const Tensor& self, const Dims& shape) {
  if (TALLOW_LIKELY(is_expandable(self.sizes(), shape))) return;
  const NoGradGuard guard;
  expand(self, shape);
}

// mat1 has `rows` rows of mat1.size(-1) elements.
void check_factors(const Tensor& self, const Tensor& mat1, int64_t rows, const Tensor& mat2) {
  TALLOW_CHECK(mat1.size(-1) == mat2.sizes()[0], "mat1 and mat2 shapes cannot be multiplied (",
               rows, "x", mat1.size(-1), " and ", mat2.sizes()[0], "x", mat2.sizes()[1], ")");
  TALLOW_CHECK(mat1.dtype() == mat2.dtype(), "mat1 and mat2 must have the same dtype, but got ",
               scalar_type_name(mat1.dtype()), " and ", scalar_type_name(mat2.dtype()));
  TALLOW_CHECK(self.dtype() == mat2.dtype(), "self and mat2 must have the same dtype, but got ",
               scalar_type_name(self.dtype()), " and ", scalar_type_name(mat2.dtype()));
}

void check_matrices(const Tensor& self, const Tensor& mat1, const Tensor& mat2) {
  TALLOW_CHECK(mat1.dim() == 2, "mat1 must be a matrix, got ", mat1.dim(), "-D tensor");
  TALLOW_CHECK(mat2.dim() == 2, "mat2 must be a matrix, got ", mat2.dim(), "-D tensor");
  check_factors(self, mat1, mat1.sizes()[0], mat2);
}

// Gives `out` = beta * self + alpha * a b its history; `out` may be self, modified in place.
Tensor record_sum(const char* node, const Tensor& self, const Tensor& a, const Tensor& b,
                  const Scalar& beta, const Scalar& alpha, Tensor out) {
  return record(node, {&self, &a, &b}, std::move(out), [&](Saver& save) {
    return [left = save(a, "mat1"), right = save(b, "mat2"), beta, alpha](Grads& g) {
      if (g.needs(0)) g.out[0] = scaled(g.grad(), beta);
      if (!g.needs(1) && !g.needs(2)) return;
      const Tensor a = g[left], b = g[right];
      if (g.needs(1)) g.out[1] = left_gradient(g.grad(), a, b, alpha);
      if (g.needs(2)) g.out[2] = right_gradient(g.grad(), a, b, alpha);
    };
  });
}

// The sum itself; a term multiplied by zero is not read.
Tensor sum_of(const char* op, const Tensor& self, const Tensor& a, const Tensor& b,
              const Scalar& beta, const Scalar& alpha) {
  return product(op, a, b, is_zero(beta) ? Tensor() : self, beta, alpha);
}

// Writes `result` over `self`, which keeps its history until the caller records the op.
Tensor overwrite(const Tensor& self, const Tensor& result) {
  check_inplace(self);
  TALLOW_CHECK(self.sizes() == result.sizes(), "Bad in-place call: input tensor size ",
               self.sizes(), " and output tensor size ", result.sizes(), " should match");
  const NoGradGuard guard;
  copy_(self, result);
  return self;
}

void check_batches(const Tensor& batch1, const Tensor& batch2) {
  TALLOW_CHECK(batch1.dim() == 3, "batch1 must be a 3D tensor");
  TALLOW_CHECK(batch2.dim() == 3, "batch2 must be a 3D tensor");
  TALLOW_CHECK(batch1.sizes()[0] == batch2.sizes()[0] && batch1.sizes()[2] == batch2.sizes()[1],
               "Expected size for first two dimensions of batch2 tensor to be: [",
               batch1.sizes()[0], ", ", batch1.sizes()[2], "] but got: [", batch2.sizes()[0], ", ",
               batch2.sizes()[1], "].");
}

void check_batch_sum(const Tensor& self, const Tensor& batch1, const Tensor& batch2) {
  check_batches(batch1, batch2);
  check_expands(self, {batch1.sizes()[0], batch1.sizes()[1], batch2.sizes()[2]});
  TALLOW_CHECK(self.dtype() == batch1.dtype() && self.dtype() == batch2.dtype(),
               "Input dtypes must be the same, got: input ", scalar_type_name(self.dtype()),
               ", batch1: ", scalar_type_name(batch1.dtype()),
               ", batch2: ", scalar_type_name(batch2.dtype()));
}

void check_vector_sum(const Tensor& self, const Tensor& mat, const Tensor& vec) {
  TALLOW_CHECK(mat.dim() == 2 && vec.dim() == 1 && self.dim() <= 1,
               "vector + matrix @ vector expected, got ", self.dim(), ", ", mat.dim(), ", ",
               vec.dim());
  TALLOW_CHECK(
      mat.sizes()[1] == vec.sizes()[0] && (self.numel() == mat.sizes()[0] || self.numel() == 1),
      "size mismatch, got input (", self.numel(), "), mat (", mat.sizes()[0], "x", mat.sizes()[1],
      "), vec (", vec.sizes()[0], ")");
  TALLOW_CHECK(mat.dtype() == vec.dtype() && mat.dtype() == self.dtype(),
               "addmv input tensors must have the same dtype, but got ",
               scalar_type_name(self.dtype()), ", ", scalar_type_name(mat.dtype()), ", and ",
               scalar_type_name(vec.dtype()));
}

Tensor vector_sum(const Tensor& self, const Tensor& mat, const Tensor& vec, const Scalar& beta,
                  const Scalar& alpha) {
  const int64_t m = mat.sizes()[0];
  const Tensor column = alias(vec, {vec.sizes()[0], 1}, {vec.strides()[0], 1}, vec.impl()->offset);
  const int64_t step = self.numel() == 1 ? 0 : self.strides()[0];
  const Tensor out = sum_of("addmv_impl_cpu", alias(self, {m, 1}, {step, 1}, self.impl()->offset),
                            mat, column, beta, alpha);
  return alias(out, {m}, {1}, out.impl()->offset);
}

Tensor record_vector_sum(const Tensor& self, const Tensor& mat, const Tensor& vec,
                         const Scalar& beta, const Scalar& alpha, Tensor out) {
  return record("AddmvBackward0", {&self, &mat, &vec}, std::move(out), [&](Saver& save) {
    return [matrix = save(mat, "mat"), vector = save(vec, "vec"), beta, alpha](Grads& g) {
      if (g.needs(0)) g.out[0] = scaled(g.grad(), beta);
      if (g.needs(1)) g.out[1] = scaled(outer(g.grad(), conj(g[vector])), alpha);
      if (g.needs(2)) g.out[2] = scaled(mv(t(conj(g[matrix])), g.grad()), alpha);
    };
  });
}

// beta * self + alpha * term, the scaled self left out if beta is zero. Integer factors do not turn
// bool into integers.
Tensor add_scaled(const Tensor& self, const Tensor& term, const Scalar& beta, const Scalar& alpha) {
  check_expands(self, term.sizes());
  const DType dtype = promote(self.dtype(), term.dtype());
  if (is_zero(beta)) return to_dtype(mul(term, alpha), dtype);
  return to_dtype(add(scaled(self, beta), scaled(term, alpha)), dtype);
}

Tensor add_scaled_(const Tensor& self, const Tensor& term, const Scalar& beta,
                   const Scalar& alpha) {
  const Out in_place = Out::inplace(self);
  if (is_zero(beta)) return add(zero_(self), term, alpha, in_place);
  if (!is_one(beta)) mul(self, beta, in_place);
  return add(self, term, alpha, in_place);
}

}  // namespace

Tensor addmm(const Tensor& self, const Tensor& mat1, const Tensor& mat2, const Scalar& beta,
             const Scalar& alpha) {
  check_matrices(self, mat1, mat2);
  check_expands(self, {mat1.sizes()[0], mat2.sizes()[1]});
  return record_sum("AddmmBackward0", self, mat1, mat2, beta, alpha,
                    sum_of("addmm_impl_cpu_", self, mat1, mat2, beta, alpha));
}

Tensor addmm_(const Tensor& self, const Tensor& mat1, const Tensor& mat2, const Scalar& beta,
              const Scalar& alpha) {
  check_matrices(self, mat1, mat2);
  TALLOW_CHECK(self.sizes() == (Dims{mat1.sizes()[0], mat2.sizes()[1]}),
               "Bad in-place call: input tensor size ", self.sizes(), " and output tensor size [",
               mat1.sizes()[0], ", ", mat2.sizes()[1], "] should match");
  check_inplace(self, mat1.requires_grad() || mat2.requires_grad());
  return record_sum("AddmmBackward0", self, mat1, mat2, beta, alpha,
                    overwrite(self, sum_of("addmm_impl_cpu_", self, mat1, mat2, beta, alpha)));
}

Tensor baddbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, const Scalar& beta,
               const Scalar& alpha) {
  check_batch_sum(self, batch1, batch2);
  return record_sum("BaddbmmBackward0", self, batch1, batch2, beta, alpha,
                    sum_of("baddbmm", self, batch1, batch2, beta, alpha));
}

Tensor baddbmm_(const Tensor& self, const Tensor& batch1, const Tensor& batch2, const Scalar& beta,
                const Scalar& alpha) {
  check_batch_sum(self, batch1, batch2);
  check_inplace(self, batch1.requires_grad() || batch2.requires_grad());
  return record_sum("BaddbmmBackward0", self, batch1, batch2, beta, alpha,
                    overwrite(self, sum_of("baddbmm", self, batch1, batch2, beta, alpha)));
}

Tensor addmv(const Tensor& self, const Tensor& mat, const Tensor& vec, const Scalar& beta,
             const Scalar& alpha) {
  check_vector_sum(self, mat, vec);
  return record_vector_sum(self, mat, vec, beta, alpha, vector_sum(self, mat, vec, beta, alpha));
}

Tensor addmv_(const Tensor& self, const Tensor& mat, const Tensor& vec, const Scalar& beta,
              const Scalar& alpha) {
  check_vector_sum(self, mat, vec);
  check_inplace(self, mat.requires_grad() || vec.requires_grad());
  return record_vector_sum(self, mat, vec, beta, alpha,
                           overwrite(self, vector_sum(self, mat, vec, beta, alpha)));
}

Tensor addbmm(const Tensor& self, const Tensor& batch1, const Tensor& batch2, const Scalar& beta,
              const Scalar& alpha) {
  return add_scaled(self, sum_dims(bmm(batch1, batch2), {0}, false, batch1.dtype()), beta, alpha);
}
Tensor addbmm_(const Tensor& self, const Tensor& batch1, const Tensor& batch2, const Scalar& beta,
               const Scalar& alpha) {
  return add_scaled_(self, sum_dims(bmm(batch1, batch2), {0}, false, batch1.dtype()), beta, alpha);
}

namespace {

// Can the sum be made without the product in memory?
bool adds_outer(const Tensor& self, const Tensor& vec1, const Tensor& vec2, const Scalar& beta,
                const Scalar& alpha) {
  return is_one(beta) && !alpha.is_complex() && is_floating(self.dtype()) &&
         vec1.dtype() == self.dtype() && vec2.dtype() == self.dtype() && vec1.dim() == 1 &&
         vec2.dim() == 1 && self.sizes() == (Dims{vec1.numel(), vec2.numel()});
}

Tensor outer_sum(const Tensor& self, const Tensor& vec1, const Tensor& vec2, const Scalar& alpha) {
  const NoGradGuard guard;
  return addcmul(self, unsqueeze(vec1, 1), vec2, alpha);
}

// Gives `out` = self + alpha * outer(vec1, vec2) its history; `out` may be self.
Tensor record_outer(const Tensor& self, const Tensor& vec1, const Tensor& vec2, const Scalar& alpha,
                    Tensor out) {
  return record("AddrBackward0", {&self, &vec1, &vec2}, std::move(out), [&](Saver& save) {
    return [left = save(vec1, "vec1"), right = save(vec2, "vec2"), alpha](Grads& g) {
      const Tensor& grad = g.grad();
      if (g.needs(0)) g.out[0] = grad;
      if (g.needs(1)) g.out[1] = scaled(mv(grad, g[right]), alpha);
      if (g.needs(2)) g.out[2] = scaled(mv(t(grad), g[left]), alpha);
    };
  });
}

}  // namespace

Tensor addr(const Tensor& self, const Tensor& vec1, const Tensor& vec2, const Scalar& beta,
            const Scalar& alpha) {
  if (adds_outer(self, vec1, vec2, beta, alpha)) {
    return record_outer(self, vec1, vec2, alpha, outer_sum(self, vec1, vec2, alpha));
  }
  return add_scaled(self, outer(vec1, vec2), beta, alpha);
}
Tensor addr_(const Tensor& self, const Tensor& vec1, const Tensor& vec2, const Scalar& beta,
             const Scalar& alpha) {
  if (adds_outer(self, vec1, vec2, beta, alpha)) {
    check_inplace(self, vec1.requires_grad() || vec2.requires_grad());
    return record_outer(self, vec1, vec2, alpha,
                        overwrite(self, outer_sum(self, vec1, vec2, alpha)));
  }
  return add_scaled_(self, outer(vec1, vec2), beta, alpha);
}

Tensor linear(const Tensor& input, const Tensor& weight, const Tensor& bias) {
  TALLOW_CHECK(input.dim() > 0 && weight.dim() > 0,
               "both arguments to linear need to be at least 1D, but they are ", input.dim(),
               "D and ", weight.dim(), "D");
  const Tensor factor = t(weight);
  if (!bias.defined()) return matmul(input, factor);
  if (input.dim() == 2 && weight.dim() == 2) return addmm(bias, input, factor);
  if (weight.dim() != 2 || bias.dim() != 1) return add(matmul(input, factor), bias);
  if (input.dim() == 1) return squeeze_dims(addmm(bias, unsqueeze(input, 0), factor), {0});
  const int64_t features = input.size(-1);
  const int64_t rows = features ? input.numel() / features : 0;
  check_factors(bias, input, rows, factor);
  check_expands(bias, {rows, factor.sizes()[1]});
  return record_sum("AddmmBackward0", bias, input, factor, 1, 1,
                    sum_of("addmm_impl_cpu_", bias, input, factor, 1, 1));
}

Tensor bilinear(const Tensor& input1, const Tensor& input2, const Tensor& weight,
                const Tensor& bias) {
  TALLOW_CHECK(input1.dim() == input2.dim(), "bilinear(): input dimensions do not match: got ",
               input1.dim(), " and ", input2.dim());
  for (int64_t d = 0; d + 1 < input1.dim(); ++d) {
    TALLOW_CHECK(input1.sizes()[d] == input2.sizes()[d],
                 "bilinear(): input batch dimensions do not match at dim ", d, ": got ",
                 input1.sizes()[d], " and ", input2.sizes()[d]);
  }
  TALLOW_CHECK(input1.dim() > 0 && weight.dim() == 3,
               "bilinear(): expected inputs of at least 1 dimension and a weight of 3, got ",
               input1.dim(), " and ", weight.dim());
  TALLOW_CHECK(input1.size(-1) == weight.sizes()[1],
               "bilinear(): input1 size does not match weight size: got ", input1.size(-1),
               " but expected ", weight.sizes()[1]);
  TALLOW_CHECK(input2.size(-1) == weight.sizes()[2],
               "bilinear(): input2 size does not match weight size: got ", input2.size(-1),
               " but expected ", weight.sizes()[2]);
  const int64_t outputs = weight.sizes()[0];
  TALLOW_CHECK(!bias.defined() || (bias.dim() == 1 && bias.sizes()[0] == outputs),
               "bilinear(): bias size does not match weight size: got ",
               bias.defined() && bias.dim() ? bias.sizes()[0] : 1, " but expected ", outputs);
  // (rows, i) times weight as (i, o j), then each row's (o, j) times its (j).
  const int64_t first = weight.sizes()[1], second = weight.sizes()[2];
  Dims shape(input1.sizes().data(), input1.dim() - 1);
  int64_t rows = 1;
  for (const int64_t size : shape) rows *= size;
  const Tensor left = reshape(input1, {rows, first});
  const Tensor right = reshape(input2, {rows, second, 1});
  const Tensor mixed = matmul(left, reshape(permute(weight, {1, 0, 2}), {first, outputs * second}));
  shape.push_back(outputs);
  const Tensor out = reshape(matmul(reshape(mixed, {rows, outputs, second}), right), shape);
  return bias.defined() ? add(out, bias) : out;
}

}  // namespace tallow::ops
